"""The canonical state: what of a long file is seen, what of a history stays, how long the assistant was quiet."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import (
    HISTORY_LENGTH,
    Cursor,
    PastDecision,
    State,
    history_after,
    noop_streak,
    unedited,
    window_start,
    with_reply,
)  # fmt: skip


def state(lines, **change):
    return replace(State(("x",) * lines, 9, unedited(lines), unedited(lines)), **change)


@given(st.integers(0, 40), st.integers(-1, 39), st.booleans(), st.integers(1, 50))
def test_the_window_lies_in_the_file_and_the_cursor_in_its_middle(lines, line, on, h_max):
    line = min(line, lines - 1)
    start = window_start(state(lines, cursor=Cursor(on, line)), h_max)
    assert 0 <= start <= max(lines - h_max, 0)
    if on and line >= 0 and lines > h_max:
        assert start <= line < start + h_max
        assert start in (0, lines - h_max) or line - start == h_max // 2
    else:
        assert start == 0


def test_a_history_keeps_the_latest_decisions_and_what_became_of_the_last():
    history = None
    for t in range(HISTORY_LENGTH + 3):
        history = history_after(history, t, t % 7)
    assert len(history) == HISTORY_LENGTH and history[0].t == 3
    replied = with_reply(history, 0.5)
    assert replied[:-1] == history[:-1] and replied[-1] == PastDecision(
        HISTORY_LENGTH + 2, (HISTORY_LENGTH + 2) % 7, 0.5
    )


@pytest.mark.parametrize(
    ("decisions", "streak"),
    [
        ([], 0), ([(1, 0), (3, 0)], 2), ([(1, 0), (3, 4), (5, 0)], 1), ([(5, 3)], 0),
        ([(8, 0), (1, 0), (3, 0)], 2),  # the first is of an earlier session, whose turns were later ones
        ([(20, 0)], 0),
    ],
)  # fmt: skip
def test_the_streak_counts_silence_directly_before_in_this_session(decisions, streak):
    history = tuple(PastDecision(t, decision, None) for t, decision in decisions)
    assert noop_streak(state(1, history=history)) == streak


def test_the_text_has_one_line_feed_between_lines_whatever_they_carry():
    assert replace(state(4), lines=("a\r\n", "b\n", "\r", "c")).text == "a\nb\n\nc"


def test_unedited_lines_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        unedited(2)[0, 0] = 1
