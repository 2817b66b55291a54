"""The problems are right: solutions pass, skeletons and mistakes do not."""

from random import Random

import pytest

from judge import SMALL_PROBLEM_LIMITS, Judge
from simulation.builtin_problems import BY_ID, PROBLEMS
from simulation.typing_errors import add_typo


@pytest.fixture(scope="module")
def judge():
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        yield judge


def test_there_are_some_and_each_has_a_name_of_its_own():
    assert 5 <= len(PROBLEMS) == len(BY_ID)
    for problem in PROBLEMS:
        assert problem.notes and len(problem.cases) >= 3 and 0 < problem.skeleton < len(problem.solution)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_the_solution_passes_and_less_does_not(problem, judge):
    text = "\n".join(problem.solution)
    verdict = judge.verdict(text, problem)
    assert verdict.compiled and verdict.passed == verdict.total == len(problem.cases)
    assert judge.verdict("\n".join(problem.solution[: problem.skeleton]), problem).passed == 0
    wrong = []
    for seed in range(8):
        lines, generator = list(problem.solution), Random(seed)
        i = generator.randrange(problem.skeleton, len(lines))
        lines[i] = add_typo(lines[i], generator)
        wrong.append((problem, "\n".join(lines)))
    passed = [verdict.passed for verdict in judge.verdicts(wrong)]
    assert sum(count < len(problem.cases) for count in passed) >= 5
