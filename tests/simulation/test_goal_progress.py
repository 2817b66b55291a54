"""What is left to do on the way to a goal, and that doing it leads there from anywhere."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comments import is_comment
from simulation.goal import Goal
from simulation.goal_progress import (
    EditStep,
    ProgressCache,
    due_goal_line,
    measure_progress,
    next_missing_lines,
    remaining_steps,
)
from simulation.person import Turn
from simulation.scripted_people import next_step
from simulation.typing_model import TypingStyle, TypingTask, cursor_line, execute
from state import Cursor, State, unedited

GOAL = ("def f(a):", "    b = a + 1", "    if b > 2:", "        return b", "", "    return a")


def state_of(lines, cursor=None):
    lines = tuple(lines)
    on = Cursor() if cursor is None else Cursor(True, cursor, len(lines[cursor]), 3)
    return State(lines, 3, unedited(len(lines)), unedited(len(lines)), on)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (GOAL, []),
        ([line for line in GOAL if line], []),
        ([*GOAL[:4], "        # note", *GOAL[4:]], []),
        ([GOAL[0], f"{GOAL[1]}  # a note", *GOAL[2:]], []),
        ([""], [EditStep("type", 0, 0), EditStep("insert", 0, 1)]),
        (["def f(a"], [EditStep("type", 0, 0), EditStep("insert", 0, 1)]),
        ([GOAL[0], "    ", *GOAL[2:]], [EditStep("type", 1, 1)]),
        ([GOAL[0], "    b", *GOAL[2:]], [EditStep("type", 1, 1)]),
        ([GOAL[0], "    b  # a note", *GOAL[2:]], [EditStep("type", 1, 1)]),
        ([GOAL[0], "    b = a - 1", *GOAL[2:]], [EditStep("rewrite", 1, 1)]),
        ([GOAL[0], "    print(7)", GOAL[5]], [EditStep("rewrite", 1, 1), EditStep("insert", 1, 2)]),
        ([GOAL[0], "    # b = a + 1", *GOAL[2:]], [EditStep("insert", 0, 1)]),
        ([GOAL[0], *GOAL[2:]], [EditStep("insert", 0, 1)]),
        ([*GOAL[:3], GOAL[5]], [EditStep("insert", 2, 3)]),
        ([*GOAL[:2], *GOAL[3:]], [EditStep("insert", 1, 2)]),
        ([GOAL[0], "    import os", *GOAL[1:]], [EditStep("remove", 1, -1)]),
        ([GOAL[1], GOAL[0], *GOAL[2:]], [EditStep("insert", -1, 0), EditStep("remove", 1, -1)]),
    ],
)
def test_says_what_is_left_in_the_order_of_the_text(lines, left):
    now = measure_progress(tuple(lines), GOAL)
    assert remaining_steps(now) == left
    assert now.done == (not any(step.goal >= 0 for step in left))


def test_a_line_of_which_little_is_typed_is_still_the_line_that_was_begun():
    lines = (*GOAL[:2], "    i", *GOAL[3:])
    assert remaining_steps(measure_progress(lines, GOAL)) == [EditStep("type", 2, 2)]
    goal = ("for a in b:", "    c = d", "    if a not in c:", "        c.append(a)", "    e = f")
    assert remaining_steps(measure_progress((*goal[:2], "    if a"), goal))[0] == EditStep("type", 2, 2)


@pytest.mark.parametrize(
    ("lines", "line", "goal"),
    [
        (GOAL, 1, -1),
        ([GOAL[0], "    b", *GOAL[2:]], 1, 1),
        ([GOAL[0], "    b = 7", *GOAL[2:]], 1, 1),
        ([GOAL[0], "", GOAL[2]], 1, 1),
        ([GOAL[0], "", ""], 2, 2),
        ([*GOAL, ""], 6, -1),
        ([GOAL[0], "    import os", *GOAL[2:]], 0, -1),
    ],
)
def test_says_what_a_line_waits_for(lines, line, goal):
    assert due_goal_line(measure_progress(tuple(lines), GOAL), line) == goal


def test_only_lines_that_are_nowhere_follow():
    now = measure_progress((GOAL[0], GOAL[3]), GOAL)
    assert next_missing_lines(now, 1, 3) == [1, 2]
    assert next_missing_lines(now, 1, 1) == [1]


def test_progress_is_the_share_of_lines_that_stand():
    assert measure_progress(GOAL, GOAL).share == 1.0
    assert measure_progress((GOAL[0], ""), GOAL).share == 1 / 5
    assert measure_progress(("x",), ()).share == 1.0 and measure_progress(("x",), ()).done


def test_a_cache_answers_as_measuring_anew_and_holds_few_lines():
    """However long the texts are, also one that is longer than all that may be held."""
    draw, goal = Random(0), ("x = 1", "y") * 4
    cache = ProgressCache(goal, max_lines=40)
    for _ in range(200):
        lines = (f"x = {draw.randrange(3)}",) * draw.choice((1, 2, 3, 60))
        assert cache.progress(lines) == measure_progress(lines, goal)
        assert cache.line_count == sum(map(len, cache.entries)) <= 40


def test_what_was_just_asked_for_is_remembered_by_each_goal_alone():
    goal, other = Goal(GOAL), Goal(GOAL[:2])
    assert goal.progress(GOAL[:3]) is goal.progress(tuple(GOAL[:3]))
    assert other.progress(GOAL[:3]).goal == GOAL[:2]
    assert replace(goal, lines=GOAL[:2]).progress(GOAL[:3]) == other.progress(GOAL[:3])


LINE = st.sampled_from(
    ["", "  ", "a = 1", "    b = a + 1", "    b = a", "# note", "    return b", "for x in y:", "    b"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=9), st.lists(LINE, max_size=9), st.integers(0, 2**16), st.integers(0, 8))
def test_doing_what_remains_leads_from_any_text_to_any_goal(lines, goal, seed, cursor):
    state, goal, generator = state_of(lines, min(cursor, len(lines) - 1)), Goal(tuple(goal)), Random(seed)
    typing_style = TypingStyle(part=0.5, line=1, block=0.5, typo_rate=0, new_line_rate=0.5)
    for _ in range(60):
        turn = Turn(state, goal)
        step = next_step(turn.progress, cursor_line(state))
        if step is None:
            break
        state = execute(TypingTask(step, generator.random() < 0.3), turn, typing_style, generator)
        assert len(state.human) == len(state.assistant) == len(state.lines)
    else:
        raise AssertionError(f"never done: {state.lines}")
    matched = [(line, j) for line, j in zip(state.lines, turn.progress.goal_line_of, strict=True) if line.strip()]
    assert [line for line, j in matched if j >= 0] == [line for line in goal.lines if line.strip()]
    assert all(is_comment(line) for line, j in matched if j < 0)


@pytest.mark.parametrize("kind", ["alike", "different", "nothing in common"])
def test_twice_the_lines_cost_twice_the_steps(kind, steps):
    def look(n):
        goal = tuple("x = 1" if kind == "alike" else f"value_{i} = {i}" for i in range(n))
        lines = (*["y" if kind == "nothing in common" else line for line in goal[: n // 2]], "")
        now = measure_progress(lines, goal)
        remaining_steps(now)
        due_goal_line(now, len(lines) - 1)

    assert steps(look, 2000) < 2.5 * steps(look, 1000)
