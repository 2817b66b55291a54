"""People look at what was written line by line, and what they take back is as it was."""

from dataclasses import replace
from random import Random

import pytest

from actions import Decision, apply
from line_tracking import line_edits, retained_share
from simulation.acceptance import AcceptanceRates, assess_lines, revert_all, revert_lines, undo_option
from simulation.goal import Goal
from simulation.person import Turn
from state_adapter import Action

GOAL = Goal(("def f(a):", "    b = a + 1", "    if b > 2:", "        return b", "    return a"))
FILL, SINGLE, MULTI, EDIT = (Decision(i) for i in range(1, 5))
ONE, ABOVE = Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES
NOTHING_KEPT = AcceptanceRates(((0.0, 0.0, 0.0),) * 7)


@pytest.fixture
def turn(state_of):
    def make(lines, decision, line, text, goal=GOAL):
        before = state_of(*lines)
        after = apply(before, decision, line, text, by="A", t=4)
        return Turn(after, goal, before, Action("A", decision, line, recorded=True))

    return make


@pytest.mark.parametrize(
    ("lines", "edit", "qualities"),
    [
        (["def f(a):", ""], (SINGLE, 1, "    b = a + 1"), ["right"]),
        (["def f(a):", ""], (SINGLE, 1, "    b = a"), ["right"]),
        (["def f(a):", ""], (SINGLE, 1, "    b = a - 1"), ["close"]),
        (["def f(a):", ""], (SINGLE, 1, "    print(7)"), ["wrong"]),
        (["def f(a):", "    b ="], (FILL, 1, " a + 1"), ["right"]),
        (["def f(a):", "    b ="], (FILL, 1, " 7 // x"), ["wrong"]),
        (["def f(a):", "    b = a +"], (FILL, 1, "  # go on"), ["wrong"]),
        (["def f(a):", "    b = a"], (FILL, 1, " + 1  # so"), ["close"]),
        (["def f(a):", "    b = a # so"], (EDIT, 1, "b = a + 1 # so"), ["right"]),
        (["def f(a):", ""], (MULTI, 1, "    b = a + 1\n    if b < 2:\n    x"), ["right", "close", "wrong"]),
        (["def f(a):", "    b = a - 1"], (EDIT, 1, "    b = a + 1"), ["right"]),
        (["def f(a):", "    b = a + 1"], (EDIT, 1, "    b = a - 1"), ["close"]),
        (["def f(a):", "    b = a + 1"], (ONE, 1, "one more"), ["right"]),
        (["def f(a):", "    b = a + 1"], (ABOVE, 1, "one more"), ["right"]),
        (["def f(a):", "    b = a + 1"], (Decision.NO_OP, -1, ""), []),
        (["def f(a):", "    b = a + 1"], (SINGLE, 1, "    b = a + 1"), []),
    ],
)
def test_each_line_has_a_quality_on_the_way_to_the_goal(turn, lines, edit, qualities):
    assert [seen.quality for seen in assess_lines(turn(lines, *edit))] == qualities


def test_removing_a_line_of_the_goal_is_wrong_and_another_is_right(state_of):
    before = state_of(*GOAL.lines, "print(a)")
    edit = Action("A", EDIT, 1, recorded=True)
    for gone, quality in ((1, "wrong"), (5, "right")):
        rest = [line for i, line in enumerate(before.lines) if i != gone]
        assert [seen.quality for seen in assess_lines(Turn(state_of(*rest, t=4), GOAL, before, edit))] == [quality]


def test_nobody_reacts_to_nothing(state_of):
    assert undo_option(Turn(state_of("x"), GOAL), NOTHING_KEPT) == ([], 1.0)


def test_the_chance_to_keep_all_is_the_product_over_lines(turn):
    keep = ((1.0,) * 3,) * 3 + ((0.9, 0.5, 0.2),) + ((1.0,) * 3,) * 3
    options, kept = undo_option(
        turn(["def f(a):", ""], MULTI, 1, "    b = a + 1\n    if b < 2:\n    x"), AcceptanceRates(keep)
    )
    assert kept == pytest.approx(0.9 * 0.5 * 0.2)
    assert [option.probability for option in options] == [pytest.approx(1 - kept)]


@pytest.mark.parametrize(
    ("decision", "line", "text"),
    [
        (FILL, 1, " * 2"),
        (SINGLE, 1, "x = 1"),
        (MULTI, 1, "x = 1\ny = 2\nz = 3"),
        (EDIT, 2, "x"),
        (ONE, 2, "note"),
        (ABOVE, 1, "note"),
    ],
)
def test_what_is_taken_back_is_as_it_was_and_does_not_stand(turn, decision, line, text):
    seen = turn(["def f(a):", "    b = a", "", "    return a"], decision, line, text)
    options, _ = undo_option(seen, NOTHING_KEPT)
    reply = options[0].carry_out(Random(0))
    assert reply.state.lines == seen.before.lines and reply.state.t == 5 and reply.action.agent == "H"
    assert retained_share(2, seen.before, seen.state, reply.state) == 0.0


def test_only_the_unwanted_lines_go(turn):
    seen = turn(["def f(a):", "", "    return a"], MULTI, 1, "    b = a + 1\n    x = 7\n    if b > 2:")
    lines = line_edits(seen.before.lines, seen.state.lines)
    wrong = [line for line in lines if line.text == "x = 7"]
    after = revert_lines(seen.before, seen.state, wrong)
    assert after.lines == ("def f(a):", "    b = a + 1", "    if b > 2:", "    return a")
    share = retained_share(2, seen.before, seen.state, after)
    assert share == pytest.approx(1 - len("x=7") / len("b=a+1x=7ifb>2:"))


def test_a_removed_line_comes_back_where_it_was(state_of):
    before = state_of("a = 1", "b = 2", "c = 3", "d = 4")
    after = state_of("a = 1", "c = 30", "d = 4", t=4)
    removed = [line for line in line_edits(before.lines, after.lines) if line.line < 0]
    assert revert_lines(before, after, removed).lines == ("a = 1", "b = 2", "c = 30", "d = 4")
    assert revert_all(before, after).lines == before.lines


@pytest.mark.parametrize(("cursor", "line"), [(0, 0), (1, 1), (3, 2), (4, 3)])
def test_the_cursor_follows_its_line_when_one_of_two_new_lines_goes(state_of, cursor, line):
    before = state_of("a = 1", "c = 3", "return c")
    after = state_of("a = 1", "print(a)", "b = 2", "c = 3", "return c", cursor=cursor)
    unwanted = [edit for edit in line_edits(before.lines, after.lines) if edit.text == "b = 2"]
    reverted = revert_lines(before, after, unwanted)
    assert reverted.lines == ("a = 1", "print(a)", "c = 3", "return c")
    assert reverted.cursor.line == line and reverted.lines[line] == after.lines[cursor]


def test_the_cursor_stays_with_its_line_when_a_comment_goes(state_of):
    before = state_of("a = 1", "b = 2", "c = 3", cursor=2)
    after = apply(before, ABOVE, 1, "note", by="A", t=4)
    seen = Turn(after, GOAL, before, Action("A", ABOVE, 1, recorded=True))
    reply = undo_option(seen, NOTHING_KEPT)[0][0].carry_out(Random(0))
    assert reply.state.lines == before.lines and reply.state.cursor.line == 2
    assert replace(reply.state.cursor, last_t=3) == before.cursor
