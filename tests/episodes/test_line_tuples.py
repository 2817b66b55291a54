"""Line tuples become a state: defaults, the one cursor of many, what is refused; in bulk and one by one alike."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.line_tuples import parse_line_tuples
from episodes.validation import LIMIT
from errors import InputError
from state import UNEDITED, Cursor

N = {"t_last": -1, "span": [0, 0], "flags": [0, 0, 0]}
OFF = {"on": False, "line": 0, "char": 0, "last_t": -1}


@pytest.mark.parametrize(
    ("line", "human", "assistant"),
    [
        (["x", N, N, OFF], UNEDITED, UNEDITED),
        (["x"], UNEDITED, UNEDITED),
        (["x", {}, {}, {}], UNEDITED, UNEDITED),
        (["x", None, None, None], UNEDITED, UNEDITED),
        (["x", {"t_last": 4}, {"span": [1, 2]}], (4, 0, 0, 0, 0, 0), (-1, 1, 2, 0, 0, 0)),
        (["x", {"flags": [True, 0, 1]}, {"t_last": 3.0}], (-1, 0, 0, 1, 0, 1), (3, 0, 0, 0, 0, 0)),
        (["x", {"span": [-5, 900]}, {"t_last": LIMIT}], (-1, -5, 900, 0, 0, 0), (LIMIT, 0, 0, 0, 0, 0)),
        (["x", {**N, "mood": "good"}, N, {**OFF, "colour": 3}], UNEDITED, UNEDITED),
    ],
    ids=["complete", "text only", "empty parts", "null parts", "some keys", "booleans, 3.0", "outside", "unknown keys"],
)
def test_what_is_missing_takes_its_default(line, human, assistant):
    state = parse_line_tuples([line], 7, "f")
    assert (state.lines, state.t, state.history, state.env) == (("x",), 7, None, None)
    assert state.human.tolist() == [list(human)]
    assert state.assistant.tolist() == [list(assistant)]
    assert not state.human.flags.writeable and not state.assistant.flags.writeable


@pytest.mark.parametrize(
    ("cursors", "cursor", "last_known"),
    [
        ([{}, {}], Cursor(), -1),
        ([{"on": True, "line": 1, "char": 8, "last_t": -1}, {}], Cursor(True, 1, 8, -1), 1),
        ([{"on": True}, {}], Cursor(True, 0, 0, -1), 0),
        ([{}, {"on": True, "char": 2}], Cursor(True, 1, 2, -1), 1),
        ([{"on": True, "last_t": 5}, {"on": True, "last_t": 4}], Cursor(True, 0, 0, 5), 0),
        ([{"on": True, "last_t": 5, "char": 1}, {"on": True, "last_t": 5, "char": 2}], Cursor(True, 1, 2, 5), 1),
        ([{"on": True, "t_last": 5}, {"on": True, "last_t": 4}], Cursor(True, 0, 0, 5), 0),
        ([{"on": False, "line": 1, "char": 8, "last_t": 3}, {"last_t": 2}], Cursor(), 1),
        ([{"last_t": 3}, {"on": True, "last_t": 1}], Cursor(True, 1, 0, 1), 1),
        ([{"on": True, "line": 40}, {}], Cursor(True, 40, 0, -1), 40),
    ],
)
def test_the_latest_cursor_that_is_on_wins(cursors, cursor, last_known):
    complete = [{"on": False, "line": i, "char": 0, "last_t": -1} | c for i, c in enumerate(cursors)]
    for given_ in (cursors, complete if all("t_last" not in c for c in cursors) else cursors):
        state = parse_line_tuples([["x", N, N, c] for c in given_], 9, "f")
        assert (state.cursor, state.last_known_line) == (cursor, last_known)


def test_no_lines_are_a_state():
    state = parse_line_tuples([], 0, "f")
    assert len(state) == 0 and state.human.shape == (0, 6) == state.assistant.shape and not state.cursor.on


@pytest.mark.parametrize("text", ["\ud800", "\x00", "x" * 100_000, "a\r\n", "\u2028", "é\t"])
def test_text_is_taken_as_given(text):
    assert parse_line_tuples([[text, N, N, OFF]], 0, "f").lines == (text,)


def test_fifty_thousand_lines():
    assert len(parse_line_tuples([["x", N, N, OFF]] * 50_000, 0, "f")) == 50_000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "f, line_tuples: found 5, expected a list"),
        ({}, "f, line_tuples: found an object, expected a list"),
        (["x"], "f, line_tuples[0]: found the text 'x', expected a list"),
        ([[]], "f, line_tuples[0]: found a list of 0, expected [text, H, A, C]"),
        ([["x", N, N, OFF, 1]], "f, line_tuples[0]: found a list of 5"),
        ([["x", N, N, OFF], [5, N, N, OFF]], "f, line_tuples[1].text: found 5, expected text"),
        ([[None, N, N, OFF]], "f, line_tuples[0].text: found null, expected text"),
        ([["x", 3, N, OFF]], "f, line_tuples[0].H: found 3, expected an object"),
        ([["x", {**N, "t_last": "x"}, N, OFF]], "f, line_tuples[0].H.t_last: found the text 'x', expected an integer"),
        ([["x", {**N, "t_last": True}, N, OFF]], "f, line_tuples[0].H.t_last: found true"),
        ([["x", {**N, "t_last": -2}, N, OFF]], "f, line_tuples[0].H.t_last: found -2, expected an integer from -1 on"),
        ([["x", {**N, "t_last": 1.5}, N, OFF]], "f, line_tuples[0].H.t_last: found 1.5"),
        ([["x", {**N, "t_last": float("nan")}, N, OFF]], "f, line_tuples[0].H.t_last: found nan"),
        (
            [["x", {**N, "t_last": float("inf")}, N, OFF]],
            "f, line_tuples[0].H.t_last: found a number too large, expected an integer from -1 to 2^53",
        ),
        (
            [["x", {**N, "t_last": 10**30}, N, OFF]],
            "f, line_tuples[0].H.t_last: found an integer of 100 bits, expected an integer from -1 to 2^53",
        ),
        ([["x", N, {**N, "span": [0]}, OFF]], "f, line_tuples[0].A.span: found a list of 1, expected a list of 2"),
        ([["x", N, {**N, "span": [0, None]}, OFF]], "f, line_tuples[0].A.span[1]: found null"),
        ([["x", N, {**N, "span": [False, 1]}, OFF]], "f, line_tuples[0].A.span[0]: found false"),
        ([["x", N, {**N, "flags": [0, 0, 2]}, OFF]], "f, line_tuples[0].A.flags[2]: found 2, expected 0, 1, true"),
        ([["x", N, {**N, "flags": "abc"}, OFF]], "f, line_tuples[0].A.flags: found the text 'abc'"),
        ([["x", N, N, {**OFF, "on": 1}]], "f, line_tuples[0].C.on: found 1, expected true or false"),
        ([["x", N, N, {**OFF, "line": True}]], "f, line_tuples[0].C.line: found true"),
        ([["x", N, N, {**OFF, "last_t": -2}]], "f, line_tuples[0].C.last_t: found -2"),
        (
            [["x", N, N, {**OFF, "char": 2**60}]],
            "f, line_tuples[0].C.char: found an integer of 61 bits, expected an integer from -2^53 to 2^53",
        ),
        ([["x", N, N, [1]]], "f, line_tuples[0].C: found a list"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(value, message):
    with pytest.raises(InputError) as refused:
        parse_line_tuples(value, 3, "f")
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("t", [None, -1, True, "3", 1.5, float("nan"), 2**60])
def test_the_turn_is_an_integer_from_0_on(t):
    with pytest.raises(InputError, match="f, t: found"):
        parse_line_tuples([], t, "f")


integers = st.integers(-LIMIT, LIMIT)
turns = st.integers(-1, LIMIT)
edits = st.fixed_dictionaries(
    {
        "t_last": turns,
        "span": st.lists(integers, min_size=2, max_size=2),
        "flags": st.lists(st.sampled_from([0, 1, True, False]), min_size=3, max_size=3),
    }
)
cursors = st.fixed_dictionaries({"on": st.booleans(), "line": integers, "char": integers, "last_t": turns})
complete = st.lists(st.tuples(st.text(max_size=3), edits, edits, cursors).map(list), max_size=4)


@given(complete)
def test_in_bulk_and_one_by_one_agree(lines):
    incomplete = [*json.loads(json.dumps(lines)), ["last"]]  # the last line has every default to fill in
    bulk, walked = parse_line_tuples(lines, 1, "f"), parse_line_tuples(incomplete, 1, "f")
    assert walked.lines[:-1] == bulk.lines and walked.cursor == bulk.cursor
    assert np.array_equal(walked.human[:-1], bulk.human) and np.array_equal(walked.assistant[:-1], bulk.assistant)
    assert walked.last_known_line == bulk.last_known_line
