"""Canonical dicts and histories: what is missing, what is refused."""

import pytest

from episodes.canonical import parse_canonical, parse_history
from errors import InputError
from state import HISTORY_LENGTH, UNEDITED, Cursor, Env, PastDecision

FULL = {
    "lines_text": ["a", "b"],
    "t": 4,
    "line_attribs": {"H": [{"t_last": 3, "span": [0, 1], "flags": [1, 0, 0]}], "A": []},
    "cursor": {"on": True, "line": 1, "char": 1, "last_t": 4},
    "h": 2,
    "env": {"compiled": True, "tests": {"passed": 1, "failed": 2}},
    "timestamp_ms": 17.9,
    "history": [{"t": 1, "decision": 2, "kept": 0.5}, {"t": 3, "decision": 0, "kept": None}],
}


def test_a_complete_state():
    state = parse_canonical(FULL, "f")
    assert (state.lines, state.t, state.timestamp_ms) == (("a", "b"), 4, 17)
    assert state.human.tolist() == [[3, 0, 1, 1, 0, 0], list(UNEDITED)]
    assert state.assistant.tolist() == [list(UNEDITED)] * 2
    assert (state.cursor, state.last_known_line) == (Cursor(True, 1, 1, 4), 1)
    assert state.env == Env(True, 1, 3)
    assert state.history == (PastDecision(1, 2, 0.5), PastDecision(3, 0, None))


def test_the_least_that_is_a_state():
    state = parse_canonical({"lines_text": [], "t": 0}, "f")
    assert (len(state), state.env, state.history, state.cursor) == (0, None, None, Cursor())


@pytest.mark.parametrize(("last_t", "known"), [(-1, -1), (0, 1), (7, 1)])
def test_a_cursor_that_is_off_is_nowhere_but_may_be_known(last_t, known):
    state = parse_canonical(FULL | {"cursor": {"on": False, "line": 1, "char": 1, "last_t": last_t}}, "f")
    assert (state.cursor, state.last_known_line) == (Cursor(), known)


def test_of_a_long_history_the_latest_are_kept():
    past = [{"t": t, "decision": 1, "kept": 1} for t in range(HISTORY_LENGTH + 5)]
    found = parse_history(past, "f")
    assert found is not None and (len(found), found[0].t, found[-1].t) == (HISTORY_LENGTH, 5, HISTORY_LENGTH + 4)
    assert parse_history([], "f") == () and parse_history(None, "f") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lines_text": "ab"}, "f, lines_text: found the text 'ab', expected a list"),
        ({"lines_text": ["a", 3]}, "f, lines_text[1]: found 3, expected text"),
        ({"t": -1}, "f, t: found -1"),
        ({"h": -1}, "f, h: found -1"),
        ({"line_attribs": []}, "f, line_attribs: found a list, expected an object"),
        ({"line_attribs": {"A": [{"span": [0, True]}]}}, "f, line_attribs.A[0].span[1]: found true"),
        ({"cursor": 3}, "f, cursor: found 3"),
        ({"history": {}}, "f, history: found an object"),
        ({"history": [3]}, "f, history[0]: found 3"),
        ({"history": [{"t": 1, "decision": 7}]}, "f, history[0].decision: found 7"),
        ({"history": [{"t": 1, "decision": True}]}, "f, history[0].decision: found true"),
        ({"history": [{"t": 1, "decision": 1, "kept": 1.5}]}, "f, history[0].kept: found 1.5"),
        ({"history": [{"t": 1, "decision": 1, "kept": float("nan")}]}, "f, history[0].kept: found nan"),
        ({"history": [{"decision": 1}]}, "f, history[0].t: found null"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(change, message):
    with pytest.raises(InputError) as refused:
        parse_canonical(FULL | change, "f")
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("key", ["lines_text", "t"])
def test_what_no_state_can_do_without(key):
    with pytest.raises(InputError, match=f"f, {key}: "):
        parse_canonical({k: v for k, v in FULL.items() if k != key}, "f")
