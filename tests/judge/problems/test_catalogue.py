"""Every problem of the catalogue is whole, says what it means, and tells right from nearly right."""

import ast
import doctest
import tomllib
from pathlib import Path

import pytest

from judge import SMALL_PROBLEM_LIMITS, Judge
from judge.problems import catalogue, public_record
from judge.problems.case_text import parameter_names

WRONG = tomllib.loads((Path(__file__).parent / "wrong_solutions.toml").read_text())
PROBLEMS = tuple(catalogue().values())


@pytest.fixture(scope="module")
def judge():
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        yield judge


def test_there_are_enough_of_each_difficulty_in_a_fixed_order():
    assert len(PROBLEMS) >= 40 and list(catalogue()) == [problem.id for problem in PROBLEMS]
    difficulties = [problem.difficulty for problem in PROBLEMS]
    assert difficulties == sorted(difficulties, key=["easy", "medium", "hard"].index)
    assert all(difficulties.count(difficulty) >= 10 for difficulty in ("easy", "medium", "hard"))
    assert [problem.number for problem in PROBLEMS] == list(range(1, len(PROBLEMS) + 1))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_a_problem_has_all_that_a_person_needs(problem):
    assert problem.title and problem.statement and problem.topics
    assert len(problem.visible_cases) >= 1 and len(problem.cases) - len(problem.visible_cases) >= 3
    assert len({repr(case.arguments) for case in problem.cases}) == len(problem.cases)
    names = parameter_names(problem.entry_point, problem.starter_code)
    assert names and all(len(case.arguments) == len(names) for case in problem.cases)
    assert problem.starter_code.split("\n")[:-1] == list(problem.solution[: problem.skeleton])
    ast.parse(problem.starter_code + "pass")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_its_examples_are_true_and_show_no_hidden_case(problem):
    examples = doctest.DocTestParser().get_examples(problem.statement)
    assert examples
    names = {}
    exec("\n".join(problem.solution), names)
    visible = {repr(case.arguments) for case in problem.visible_cases}
    for example in examples:
        call = ast.parse(example.source, mode="eval").body
        assert repr(tuple(map(ast.literal_eval, call.args))) in visible
        assert repr(eval(example.source, names)) == example.want.strip()


def test_every_right_solution_passes(judge):
    verdicts = judge.verdicts([(problem, "\n".join(problem.solution)) for problem in PROBLEMS])
    assert {p.id: v.reason for p, v in zip(PROBLEMS, verdicts, strict=True) if v.passed != len(p.cases)} == {}


def test_the_starter_code_passes_nothing(judge):
    verdicts = judge.verdicts([(problem, problem.starter_code) for problem in PROBLEMS])
    assert [verdict.passed for verdict in verdicts] == [0] * len(PROBLEMS)


def test_every_plausible_wrong_solution_passes_what_is_visible_and_fails_what_is_hidden(judge):
    assert sorted(WRONG) == sorted(catalogue())
    for problem in PROBLEMS:
        results = _results(WRONG[problem.id], problem)
        passed = [results[i] == repr(case.expected) for i, case in enumerate(problem.cases)]
        assert all(ok for ok, case in zip(passed, problem.cases, strict=True) if not case.hidden), problem.id
    verdicts = judge.verdicts([(problem, WRONG[problem.id]) for problem in PROBLEMS])
    too_good = [p.id for p, v in zip(PROBLEMS, verdicts, strict=True) if not v.compiled or v.passed == v.total]
    assert too_good == []


def _results(text, problem):
    """What each case gives, as `repr` shows it; these are texts of our own, so they may run here."""
    names, results = {}, []
    exec(text, names)
    for case in problem.cases:
        try:
            results.append(repr(names[problem.entry_point](*ast.literal_eval(repr(case.arguments)))))
        except Exception as error:
            results.append(type(error))
    return results


def test_what_leaves_has_no_hidden_case_and_no_solution():
    for problem in PROBLEMS:
        record = public_record(problem)
        assert len(record["input_output"]) == len(problem.visible_cases)
        assert not {"solution", "notes", "cases"} & set(record)
        assert {"task_id", "question_id", "difficulty", "tags", "problem_description", "starter_code"} <= set(record)
        assert {"entry_point", "prompt", "input_output"} <= set(record)
