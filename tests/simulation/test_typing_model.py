"""What people type is an edit like any other: attribution follows lines, the action is what would be inferred."""

from random import Random

import pytest

from actions import Decision
from simulation.builtin_problems import PROBLEMS
from simulation.goal import Goal
from simulation.goal_progress import EditStep, remaining_steps
from simulation.person import Turn
from simulation.typing_model import (
    TypingStyle,
    TypingTask,
    cursor_line,
    execute,
    expected_action,
    inferred_action,
    noop_reply,
)
from state import T_LAST, Cursor

LINES = ("def f(a):", "    b = a + 1", "    if b > 2:", "        return b", "    return a")
GOAL = Goal(LINES)
WHOLE_LINES = TypingStyle(part=0, line=1, block=0, typo_rate=0, new_line_rate=0)


def test_a_step_is_typed_with_attribution_and_cursor(state_of):
    state = state_of(LINES[0], "", LINES[4], cursor=1)
    after = execute(TypingTask(EditStep("type", 1, 1)), Turn(state, GOAL), WHOLE_LINES, Random(0))
    assert after.lines == (LINES[0], LINES[1], LINES[4]) and after.t == 4
    assert after.cursor == Cursor(True, 1, len(LINES[1]), 4) and after.last_known_line == 1
    assert after.human[:, T_LAST].tolist() == [-1, 4, -1] and (after.assistant[:, T_LAST] == -1).all()
    action = inferred_action(state, after)
    assert (action.agent, action.decision, action.line, action.recorded) == ("H", Decision.FILL_PARTIAL_LINE, 1, True)


def test_enter_leaves_a_blank_line_to_write_on(state_of):
    state = state_of(LINES[0], "", LINES[4], cursor=1)
    style = TypingStyle(0, 1, 0, 0, new_line_rate=1)
    after = execute(TypingTask(EditStep("type", 1, 1)), Turn(state, GOAL), style, Random(0))
    assert after.lines == (LINES[0], LINES[1], "", LINES[4]) and after.cursor == Cursor(True, 2, 0, 4)
    again = execute(TypingTask(EditStep("type", 2, 2)), Turn(after, GOAL), style, Random(0))
    assert again.lines == (*LINES[:3], "", LINES[4])
    last = execute(TypingTask(EditStep("type", 3, 3)), Turn(again, GOAL), style, Random(0))
    assert last.lines == LINES


@pytest.mark.parametrize(
    ("lines", "step", "block", "expected"),
    [
        ([LINES[0], LINES[4]], EditStep("insert", 0, 1), True, LINES),
        ([LINES[0], "    b", LINES[4]], EditStep("type", 1, 1), True, LINES),
        ([LINES[0], "    b = 7", *LINES[2:]], EditStep("rewrite", 1, 1), False, LINES),
        (["import os", *LINES], EditStep("remove", 0, -1), False, LINES),
        (["x"], EditStep("remove", 0, -1), False, ("",)),
        (LINES[1:], EditStep("insert", -1, 0), False, LINES),
    ],
)
def test_every_kind_of_step_can_be_done(state_of, lines, step, block, expected):
    state = state_of(*lines)
    after = execute(TypingTask(step, block), Turn(state, GOAL), WHOLE_LINES, Random(0))
    assert after.lines == tuple(expected)
    assert after.cursor.on and 0 <= after.cursor.line < len(after.lines)


def test_part_of_a_line_is_a_beginning_of_it_and_typos_are_mistakes(state_of):
    state = state_of(LINES[0], "    b", *LINES[2:], cursor=1)
    task, turn = TypingTask(EditStep("type", 1, 1)), Turn(state, GOAL)
    parts = {execute(task, turn, TypingStyle(1, 0, 0, 0), Random(seed)).lines[1] for seed in range(20)}
    assert len(parts) > 2 and all(LINES[1].startswith(text) and len("    b") < len(text) for text in parts)
    mistakes = {execute(task, turn, TypingStyle(0, 1, 0, typo_rate=1), Random(seed)).lines[1] for seed in range(20)}
    assert LINES[1] not in mistakes


def test_a_comment_stays_behind_the_line_that_is_typed_on(state_of):
    for begun in ("    b", "    b = a - 1"):
        state = state_of(LINES[0], f"{begun}  # more", *LINES[2:], cursor=1)
        turn = Turn(state, GOAL)
        after = execute(TypingTask(remaining_steps(turn.progress)[0]), turn, WHOLE_LINES, Random(0))
        assert after.lines == (LINES[0], f"{LINES[1]}  # more", *LINES[2:])
        assert GOAL.progress(after.lines).done


def test_a_noop_moves_nothing_but_time(state_of):
    state = state_of("a", "b", cursor=1)
    reply = noop_reply(state)
    assert reply.state.lines == state.lines and reply.state.t == 4 and reply.state.cursor.on
    assert (reply.action.decision, reply.action.line) == (Decision.NO_OP, -1)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_what_a_task_counts_as_can_be_told_before_it_is_done(problem, state_of):
    """Told wrongly only where an edit has two readings, as when the same line stands twice."""
    goal, as_expected = Goal.from_problem(problem), []
    for seed in range(60):
        generator = Random(seed)
        first, last = sorted(generator.sample(range(1, len(goal.lines)), 2))
        lines = [*goal.lines[:first], *([""] * generator.randrange(2)), *goal.lines[last:]]
        turn = Turn(state_of(*lines, cursor=generator.randrange(len(lines))), goal)
        step = generator.choice(remaining_steps(turn.progress))
        block = generator.random() < 0.5 and step.line >= 0 and last - first > 1
        task = TypingTask(step, block)
        action = inferred_action(turn.state, execute(task, turn, WHOLE_LINES, generator))
        expected = expected_action(task, turn.progress, cursor_line(turn.state))
        as_expected.append((action.decision, action.line) == expected)
    assert sum(as_expected) >= 0.9 * len(as_expected)
