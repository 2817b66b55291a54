"""What people type is an edit like any other: attribution follows lines, the label is the one the border would read."""

from random import Random

import pytest

from actions import Decision
from simulation.builtin_problems import PROBLEMS
from simulation.goal_progress import EditStep, progress, remaining_steps
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

GOAL = ("def f(a):", "    b = a + 1", "    if b > 2:", "        return b", "    return a")
SHORT_REMAINDER = TypingStyle(part=0, line=1, block=0, typo_rate=0, new_line_rate=0)


def test_a_piece_is_typed_with_attribution_and_cursor(state_of):
    state = state_of(GOAL[0], "", GOAL[4], cursor=1)
    now = progress(state.lines, GOAL)
    after = execute(TypingTask(EditStep("type", 1, 1)), state, now, SHORT_REMAINDER, Random(0))
    assert after.lines == (GOAL[0], GOAL[1], GOAL[4]) and after.t == 4
    assert after.cursor == Cursor(True, 1, len(GOAL[1]), 4) and after.last_known_line == 1
    assert after.human[:, T_LAST].tolist() == [-1, 4, -1] and (after.assistant[:, T_LAST] == -1).all()
    move = inferred_action(state, after)
    assert (move.agent, move.decision, move.line, move.recorded) == ("H", Decision.FILL_PARTIAL_LINE, 1, True)


def test_enter_leaves_a_blank_line_to_write_on(state_of):
    state = state_of(GOAL[0], "", GOAL[4], cursor=1)
    after = execute(
        TypingTask(EditStep("type", 1, 1)),
        state,
        progress(state.lines, GOAL),
        TypingStyle(0, 1, 0, 0, new_line_rate=1),
        Random(0),
    )
    assert after.lines == (GOAL[0], GOAL[1], "", GOAL[4]) and after.cursor == Cursor(True, 2, 0, 4)
    again = execute(
        TypingTask(EditStep("type", 2, 2)),
        after,
        progress(after.lines, GOAL),
        TypingStyle(0, 1, 0, 0, new_line_rate=1),
        Random(0),
    )
    assert again.lines == (*GOAL[:3], "", GOAL[4])
    last = execute(
        TypingTask(EditStep("type", 3, 3)),
        again,
        progress(again.lines, GOAL),
        TypingStyle(0, 1, 0, 0, new_line_rate=1),
        Random(0),
    )
    assert last.lines == GOAL


@pytest.mark.parametrize(
    ("lines", "step", "several", "expected"),
    [
        ([GOAL[0], GOAL[4]], EditStep("insert", 0, 1), True, GOAL),
        ([GOAL[0], "    b", GOAL[4]], EditStep("type", 1, 1), True, GOAL),
        ([GOAL[0], "    b = 7", *GOAL[2:]], EditStep("rewrite", 1, 1), False, GOAL),
        (["import os", *GOAL], EditStep("remove", 0, -1), False, GOAL),
        (["x"], EditStep("remove", 0, -1), False, ("",)),
        (GOAL[1:], EditStep("insert", -1, 0), False, GOAL),
    ],
)
def test_every_kind_of_piece_can_be_done(state_of, lines, step, several, expected):
    state = state_of(*lines)
    after = execute(TypingTask(step, several), state, progress(state.lines, GOAL), SHORT_REMAINDER, Random(0))
    assert after.lines == tuple(expected)
    assert after.cursor.on and 0 <= after.cursor.line < len(after.lines)


def test_part_of_a_line_is_a_beginning_of_it_and_slips_are_mistakes(state_of):
    state = state_of(GOAL[0], "    b", *GOAL[2:], cursor=1)
    task, now = TypingTask(EditStep("type", 1, 1)), progress(state.lines, GOAL)
    parts = {execute(task, state, now, TypingStyle(1, 0, 0, 0), Random(seed)).lines[1] for seed in range(20)}
    assert len(parts) > 2 and all(GOAL[1].startswith(text) and len("    b") < len(text) for text in parts)
    typo_rate = {
        execute(task, state, now, TypingStyle(0, 1, 0, typo_rate=1), Random(seed)).lines[1] for seed in range(20)
    }
    assert GOAL[1] not in typo_rate


def test_a_comment_stays_behind_the_line_that_is_typed_on(state_of):
    for begun in ("    b", "    b = a - 1"):
        state = state_of(GOAL[0], f"{begun}  # more", *GOAL[2:], cursor=1)
        now = progress(state.lines, GOAL)
        after = execute(TypingTask(remaining_steps(now)[0]), state, now, SHORT_REMAINDER, Random(0))
        assert after.lines == (GOAL[0], f"{GOAL[1]}  # more", *GOAL[2:])
        assert progress(after.lines, GOAL).done


def test_resting_moves_nothing_but_time(state_of):
    state = state_of("a", "b", cursor=1)
    reply = noop_reply(state)
    assert reply.state.lines == state.lines and reply.state.t == 4 and reply.state.cursor.on
    assert (reply.move.decision, reply.move.line) == (Decision.NO_OP, -1)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_what_a_task_counts_as_can_be_told_before_it_is_done(problem, state_of):
    """Told wrongly only where an edit has two readings, as when the same line stands twice."""
    goal, told = problem.solution, []
    for seed in range(60):
        generator = Random(seed)
        first, last = sorted(generator.sample(range(1, len(goal)), 2))
        kept = [*goal[:first], *([""] * generator.randrange(2)), *goal[last:]]
        state = state_of(*kept, cursor=generator.randrange(len(kept)))
        now = progress(state.lines, goal)
        task = TypingTask(generator.choice(remaining_steps(now)), several=generator.random() < 0.5)
        several = task.several and now.lines[task.step.line : task.step.line + 1] and last - first > 1
        task = TypingTask(task.step, bool(several))
        move = inferred_action(state, execute(task, state, now, SHORT_REMAINDER, generator))
        told.append((move.decision, move.line) == expected_action(task, now, cursor_line(state)))
    assert sum(told) >= 0.9 * len(told)
