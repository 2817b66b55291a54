"""How often the assistant's text is right, nearly right or wrong is what was asked for."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from actions import Decision, apply
from alignment import similarity
from comments import is_comment
from simulation.builtin_problems import PROBLEMS
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle, addition, comment_text
from state import Cursor

GOAL = Goal(("def f(a):", "    b = a + 1", "    if b > 2:", "        return b", "    return a"), notes=("a note",))
FILL, SINGLE, MULTI, EDIT = (Decision(i) for i in range(1, 5))
RIGHT, NEAR, WRONG = NoisyOracle(1, 0), NoisyOracle(0, 1), NoisyOracle(0, 0)


def write(oracle, generator, state, decision, line, *, goal=GOAL):
    """The text that a writer of this oracle writes first."""
    return oracle.writer_for(goal, generator).write(state, decision, line).text


@pytest.mark.parametrize(
    ("lines", "decision", "line", "result"),
    [
        (["def f(a):", ""], SINGLE, 1, GOAL.lines[:2]),
        (["def f(a):", "    b"], SINGLE, 1, GOAL.lines[:2]),
        (["def f(a):", "    b = 7"], EDIT, 1, GOAL.lines[:2]),
        (["def f(a):", ""], FILL, 1, GOAL.lines[:2]),
        (["def f(a):", "    "], FILL, 1, GOAL.lines[:2]),
        (["def f(a):", "    b"], FILL, 1, GOAL.lines[:2]),
        (["def f(a):", ""], MULTI, 1, GOAL.lines[:4]),
        (["def f(a):"], MULTI, 0, GOAL.lines[:3]),
        (["def f(a):", "    b = a + 1", "", "    return a"], MULTI, 2, GOAL.lines),
        (GOAL.lines, SINGLE, 1, GOAL.lines),
        (GOAL.lines, FILL, 1, GOAL.lines),
        (GOAL.lines, EDIT, 1, GOAL.lines),
        (["print(7)", *GOAL.lines], EDIT, 0, ["print(7)", *GOAL.lines]),
    ],
)
def test_a_right_text_leads_to_the_goal(state_of, lines, decision, line, result):
    state = state_of(*lines)
    text = write(RIGHT, Random(0), state, decision, line)
    assert apply(state, decision, line, text, by="A", t=4).lines == tuple(result)


def test_a_nearly_right_text_is_close_and_a_wrong_one_is_not(state_of):
    state, right = state_of("def f(a):", ""), GOAL.lines[1]
    near = [write(NEAR, Random(seed), state, SINGLE, 1) for seed in range(20)]
    wrong = [write(WRONG, Random(seed), state, SINGLE, 1) for seed in range(20)]
    assert all(text != right and similarity(text.strip(), right.strip()) >= 0.7 for text in near)
    assert all(text != right and text.startswith("    ") for text in wrong)
    assert sum(similarity(text.strip(), right.strip()) < 0.7 for text in wrong) >= 18


def test_one_line_of_several_has_the_typo(state_of):
    text = write(NEAR, Random(1), state_of("def f(a):", ""), MULTI, 1).split("\n")
    assert [line in GOAL.lines for line in text].count(False) == 1 and len(text) == 3


def test_the_proportions_are_those_of_the_mixture(state_of):
    mixture, state = NoisyOracle(right=0.5, near=0.3), state_of("def f(a):", "")
    texts = [write(mixture, Random(seed), state, SINGLE, 1) for seed in range(2000)]
    kinds = Counter(
        "right" if text == GOAL.lines[1] else "near" if similarity(text.strip(), "b = a + 1") >= 0.7 else "wrong"
        for text in texts
    )
    assert kinds["right"] == pytest.approx(1000, abs=100) and kinds["near"] == pytest.approx(600, abs=100)


def test_the_same_seed_writes_the_same(state_of):
    state = state_of("def f(a):", "    b")
    for decision in list(Decision)[1:]:
        texts = {write(NoisyOracle(), Random(7), state, decision, 1) for _ in range(3)}
        assert len(texts) == 1


@pytest.mark.parametrize(
    ("line", "column", "wanted", "text"),
    [
        ("    b", 5, "    b = 1", " = 1"),
        ("f()", 2, "f(a)", "a"),
        ("", 0, "    b = 1", "    b = 1"),
        ("    ", 4, "    b = 1", "b = 1"),
        ("  ", 2, "    b = 1", "  b = 1"),
        ("    b = 1", 9, "    b = 1", ""),
        ("    b = 1", 3, "    c = 2", ""),
        ("    b = + 1", 8, "    b = f(a) + 1", "f(a) "),
        ("    b", 9, "    b = f(a) + 1", " = f(a) + 1"),
        ("b", -3, "a = b", "a = "),
    ],
)
def test_a_completion_is_what_is_missing(line, column, wanted, text):
    assert addition(line, column, wanted) == text


@pytest.mark.parametrize(("half", "char"), [("    b", 9), ("    b = + 1", 8), (" = a + 1", -2), ("    b = a + 1", 99)])
def test_a_right_completion_at_any_cursor_leads_to_the_goal(half, char, state_of):
    state = replace(state_of("def f(a):", half), cursor=Cursor(True, 1, char, 3))
    text = write(RIGHT, Random(0), state, FILL, 1)
    assert apply(state, FILL, 1, text, by="A", t=4).lines == GOAL.lines[:2]


@pytest.mark.parametrize("line", ["", "x", "}", "for a in b:", "return x", "    else:", "x = 'a # b'"])
def test_there_is_something_to_say_about_every_line(line, state_of):
    state = state_of("x", line)
    for seed in range(10):
        assert comment_text(line, Goal(()), Random(seed)).strip() and comment_text(line, GOAL, Random(seed)).strip()
    for decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
        after = apply(state, decision, 1, write(RIGHT, Random(0), state, decision, 1), by="A", t=4)
        assert any("#" in text for text in after.lines) and (len(after) == 2 or is_comment(after.lines[1]))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_every_decision_can_be_carried_out_at_every_line_of_every_text(problem, state_of):
    goal = Goal.from_problem(problem)
    for length in range(1, len(goal.lines)):
        state = state_of(*goal.lines[:length], "", "    odd = one")
        for decision in list(Decision)[1:]:
            for line in range(len(state)):
                text = write(NoisyOracle(), Random(line), state, decision, line, goal=goal)
                assert len(apply(state, decision, line, text, by="A", t=4)) >= len(state)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_several_right_lines_take_the_place_of_a_line_half_typed(problem, state_of):
    goal = Goal.from_problem(problem)
    for k in range(1, len(goal.lines)):
        for below in range(k + 1, len(goal.lines) + 1):
            state = state_of(*goal.lines[:k], goal.lines[k][:-2], *goal.lines[below:])
            text = write(RIGHT, Random(0), state, MULTI, k, goal=goal)
            after = apply(state, MULTI, k, text, by="A", t=4).lines
            assert after == (*goal.lines[: min(k + RIGHT.lines, below)], *goal.lines[below:])
