"""What a request for help means, and that its answer turns the text into the new file, line ends and all."""

import difflib
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actions import Action, Decision, Review, Withheld, apply_text
from errors import InputError
from services.assistance.assistance import Help
from services.http.inference_messages import (
    inference_answer,
    line_attribution,
    lines_after,
    requested_decision,
    requested_state,
    response_text,
    split_lines,
    text_after,
    unified_diff,
)
from services.learning.current_models import Choice
from services.messages.messages import InferenceContext, InferenceRequest
from state import Cursor, PastDecision
from state_adapter import check_recorded_state


def request(text="a\nb = \nc", offset=6, *, timestep=4, action=None, attribution=None, **context):
    return InferenceRequest(
        text, timestep, InferenceContext(cursorOffset=offset, **context), attribution, action=action
    )


def outcome_of(before, lines, action, **more):
    return Help(
        tuple(before), tuple(lines), action, Choice(Action("A", Decision.WRITE_SINGLE_LINE, 1, probability=0.5)), **more
    )


# What is asked


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [
        ("", 0, 0, 0),
        ("ab\ncd", 0, 0, 0),
        ("ab\ncd", 2, 0, 2),
        ("ab\ncd", 3, 1, 0),
        ("ab\r\ncd", 4, 1, 0),
        ("ab\r\ncd", 3, 0, 2),
        ("ab\n", 3, 1, 0),
        ("ab", 99, 0, 2),
    ],
)
def test_the_cursor_is_where_the_offset_is(text, offset, line, column):
    state = requested_state(request(text, offset), None)
    assert state.cursor == Cursor(True, line, column, 4) and state.last_known_line == line


def test_the_recorded_state_is_taken_if_help_is_asked_for_it():
    attribution = [{"human": {"turn": 2, "span": [0, 1], "actions": [1, 0, 0]}, "assistant": {}, "cursor": {}}]
    state = check_recorded_state({"text": "a\nb = \nc", "timestep": 4, "attribution": attribution})
    recorded = type(state)(state.lines, state.t, state.human, state.assistant, history=(PastDecision(1, 2, 0.5),))
    taken = requested_state(request(), recorded)
    assert taken.history == recorded.history and taken.human is recorded.human and taken.cursor == Cursor(True, 1, 4, 4)
    for other in (request("a\nb\nc"), request(timestep=5)):
        assert requested_state(other, recorded).history is None


@pytest.mark.parametrize(
    ("action", "context", "expected"),
    [
        (2, {}, (2, 1)),
        ("Write Multi Line Code", {}, (3, 1)),
        ("NO-OP", {}, (0, 1)),
        ([4], {}, (4, 1)),
        ([4, 3], {}, (4, 2)),
        ({"type": "explain multi", "line": 1}, {}, (6, 0)),
        ({"type": 5}, {"targetLine": 3}, (5, 2)),
        ([4, 3], {"targetLine": 1}, (4, 0)),
        ([4, 0], {}, (4, 1)),
        (1, {"targetLine": 0}, (1, 1)),
        (1, {"targetLine": -7}, (1, 1)),
        (7, {}, (6, 1)),
        ([7, 3], {}, (6, 2)),
    ],
)
def test_a_decision_is_named_in_many_ways(action, context, expected):
    message = request(action=action, **context)
    assert requested_decision(message, requested_state(message, None)) == expected


def test_without_a_decision_the_policy_is_asked():
    assert requested_decision(request(), requested_state(request(), None)) is None


@pytest.mark.parametrize(
    ("action", "context", "words"),
    [
        (8, {}, "expected an index from 0 to 6"),
        (-1, {}, "expected an index"),
        ("help", {}, "nearest known"),
        ([], {}, "expected"),
        ([1, 2, 3], {}, "3 parts"),
        ([1, "x"], {}, "no whole number"),
        ([1, True], {}, "no whole number"),
        ({"line": 1}, {}, "expected"),
        (2, {"targetLine": 4}, "the file has 3 lines"),
        ([2, 4], {}, "the file has 3 lines"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_in_words(action, context, words):
    message = request(action=action, **context)
    with pytest.raises(InputError, match=words):
        requested_decision(message, requested_state(message, None))


# What is answered


def patched(text, diff):
    """The text with a diff of its lines (with their ends) applied, each row checked; no last line end is assumed."""
    source, result, at = rows(text), [], 0
    hunks = re.split(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@\n", diff, flags=re.MULTILINE)[1:]
    for start, count, body in zip(*[iter(hunks)] * 3, strict=True):
        first = int(start) - (count != "0")
        result += source[at:first]
        at = first
        for row in rows(body):
            if row[0] != "+":
                assert source[at].removesuffix("\n") == row[1:].removesuffix("\n")
                at += 1
            if row[0] == "+":
                result.append(row[1:])
            elif row[0] == " ":
                result.append(source[at - 1])
    return "".join(result + source[at:])


def rows(text):
    parts = [part + "\n" for part in text.split("\n")]
    return parts[:-1] if parts[-1] == "\n" else [*parts[:-1], parts[-1][:-1]]


LINE = st.text("ab#: \t\x0c", max_size=6)
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def edits(draw):
    """A text with mixed line ends, a decision at one of its lines, and the lines after it."""
    lines = draw(st.lists(LINE, min_size=1, max_size=12))
    ends = [*draw(st.lists(ENDS, min_size=len(lines) - 1, max_size=len(lines) - 1)), ""]
    text = "".join(part for pair in zip(lines, ends, strict=True) for part in pair)
    decision, line = draw(st.sampled_from(list(Decision)[1:])), draw(st.integers(0, len(lines) - 1))
    after = apply_text(lines, decision, line, draw(st.text("abc#: \n", max_size=20)))
    action = Action("A", decision, line)
    return text, decision, line, lines_after(outcome_of(lines, after, action))


@given(edits())
@example(("a = 1\n", Decision.WRITE_SINGLE_LINE, 1, ["a = 1", "pass", ""]))
@example(("a\r\nb", Decision.WRITE_MULTI_LINE, 1, ["a", "c", "d"]))
@example(("", Decision.WRITE_MULTI_LINE, 0, ["c", "d"]))
def test_the_diff_turns_the_text_into_the_new_file_with_its_own_line_ends(edit):
    text, _, _, after = edit
    new_text = text_after(text, after)
    assert patched(text, unified_diff(text, new_text)) == new_text
    assert new_text.replace("\r\n", "\n").split("\n") == after


def patched_by_lines(text, diff):
    """The same by a reader to whom a text that ends with a line end has an empty last line."""
    source, result, at = text.split("\n"), [], 0
    for row in diff.split("\n")[2:]:
        if row.startswith("@@"):
            start, _, count = row.split()[1][1:].partition(",")
            first = int(start) - (count != "0")
            result += source[at:first]
            at = first
        elif row:
            assert row[0] == "+" or source[at] == row[1:]
            result += [] if row[0] == "-" else [row[1:]]
            at += row[0] != "+"
    return "\n".join(result + source[at:])


@given(edits())
@example(("", Decision.WRITE_MULTI_LINE, 0, ["c", "d", ""]))
@example(("a\n", Decision.WRITE_SINGLE_LINE, 1, ["a", "b", ""]))
def test_readers_that_count_lines_otherwise_make_the_same_of_the_diff(edit):
    text, _, _, after = edit
    new_text = text_after(text, after)
    assert patched_by_lines(text, unified_diff(text, new_text)) == new_text


def test_a_file_that_ends_with_a_line_end_does_so_afterwards():
    action = Action("A", Decision.WRITE_SINGLE_LINE, 1)
    for before, after, expected in [
        (["a", ""], ["a", "b"], ["a", "b", ""]),
        ([""], ["b"], ["b", ""]),
        (["a", "b"], ["a", "c"], ["a", "c"]),
        (["a", ""], ["# x", "a", ""], ["# x", "a", ""]),
    ]:
        assert lines_after(outcome_of(before, after, action)) == expected


@given(edits())
def test_lines_that_stay_keep_their_line_end(edit):
    text, _, _, after = edit
    before, ends = split_lines(text)
    new_ends = split_lines(text_after(text, after))[1]
    same = 0
    while same < min(len(before), len(after)) - 1 and before[same] == after[same]:
        same += 1
    assert new_ends[:same] == ends[:same]
    if len(set(ends)) == 1:
        assert set(new_ends) <= set(ends)


@given(edits())
@example(("a\nb\n", Decision.FILL_PARTIAL_LINE, 0, ["c", "b", ""]))
def test_the_patch_of_rows_that_are_told_apart_is_what_difflib_says(edit):
    text, _, _, after = edit
    new_text = text_after(text, after)
    old, new = rows(text), rows(new_text)
    ends = all(part.endswith("\n") for part in (text, new_text))
    if ends and all(
        len(set(part)) == len(part) for part in (old, new)
    ):  # of equal rows either may be the one that stays
        assert unified_diff(text, new_text) == "".join(difflib.unified_diff(old, new, "request", "response"))


@pytest.mark.skipif(shutil.which("patch") is None, reason="the program patch is not installed")
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_program_patch_takes_the_diff(tmp_path, end):
    text = end.join(["import os", "", "def f():", "    x = ", "    return x", ""])
    after = ["import os", "", "def f():", "    x = 1", "    return x", ""]
    (tmp_path / "file").write_bytes(text.encode())
    subprocess.run(
        ["patch", "--binary", "-s", "file"],
        input=unified_diff(text, text_after(text, after)).encode(),
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "file").read_bytes() == end.join(after).encode()


def test_the_attribution_names_lines_by_number_and_what_happened_to_them():
    before, after = ["a", "b = ", "c"], ["a", "b = 1", "new", "c"]
    assert line_attribution(before, after) == {
        "2": {"tag": "replace", "attribution": {"line_number": 2, "char_span": [4, 5], "operation_set": [0, 0, 1]}},
        "3": {"tag": "insert", "attribution": {"line_number": 3, "char_span": [0, 3], "operation_set": [1, 0, 0]}},
    }
    deleted = line_attribution(before, ["a", "c"])
    assert deleted == {
        "2": {"tag": "delete", "attribution": {"line_number": 2, "char_span": [0, 0], "operation_set": [0, 1, 0]}}
    }
    assert line_attribution(before, before) == {}


@pytest.mark.parametrize(
    ("decision", "line", "text", "expected"),
    [
        (Decision.FILL_PARTIAL_LINE, 1, "x + 1", "x + 1"),
        (Decision.WRITE_SINGLE_LINE, 1, "    return x", "return x"),
        (Decision.WRITE_MULTI_LINE, 1, "    if x:\n        return x", "if x:\n    return x"),
        (Decision.EDIT_EXISTING_LINES, 0, "def g():", "def g():"),
        (Decision.EXPLAIN_SINGLE_LINES, 0, "# says hello", "says hello"),
        (Decision.EXPLAIN_MULTI_LINES, 1, "one\ntwo", "one\ntwo"),
    ],
)
def test_clients_that_write_themselves_get_what_belongs_at_the_place(decision, line, text, expected):
    before = ["def f():", "    y = ", ""]
    after = apply_text(before, decision, line, text)
    assert response_text(before, after, Action("A", decision, line)) == expected


def test_an_answer_with_help_says_what_and_how_sure_all_were():
    action = Action("A", Decision.WRITE_SINGLE_LINE, 1, review=Review(0.8, 0.4, 1.0, True, False))
    found = inference_answer(
        "a\r\n\r\nc", outcome_of(["a", "", "c"], ["a", "b", "c"], action, milliseconds={"policy": 1.0}), "id"
    )
    assert found.response == "b" and found.metadata["action"] == [2, 2] and found.metadata["new_text"] == "a\r\nb\r\nc"
    assert patched("a\r\n\r\nc", found.unified_diff) == "a\r\nb\r\nc" and set(found.assistant_attribution) == {"2"}
    assert found.metadata["review"] == {"kept": 0.8, "threshold": 0.4, "shown": True, "explored": False}
    assert found.metadata["record"]["behaviour_probability"] == 0.5 and found.metadata["milliseconds"] == {
        "policy": 1.0
    }
    assert found.metadata["request_id"] == "id" and "withheld" not in found.metadata and "reason" not in found.metadata


@pytest.mark.parametrize(
    "action",
    [
        Action("A", Decision.NO_OP, -1),
        Action("A", Decision.WRITE_SINGLE_LINE, 1),
        Action("A", Decision.NO_OP, -1, withheld=Withheld(Decision.WRITE_SINGLE_LINE, 1, "b")),
    ],
)
def test_an_answer_without_help_is_empty_and_a_silent_decision(action):
    found = inference_answer("a\n\nc", outcome_of(["a", "", "c"], ["a", "", "c"], action, failure="why"), "id")
    assert (found.response, found.unified_diff, found.assistant_attribution) == ("", "", {})
    assert found.metadata["action"] == [0, 2] and found.metadata["reason"] == "why"
    withheld = None if action.withheld is None else {"action": [2, 2], "text": "b"}
    assert found.metadata.get("withheld") == withheld


def test_an_answer_without_help_says_that_what_there_was_had_been_rejected():
    help_ = outcome_of(["a"], ["a"], Action("A", Decision.WRITE_SINGLE_LINE, 0))
    assert inference_answer("a", replace(help_, is_rejected=True), "id").metadata["rejected"] is True
    assert "rejected" not in inference_answer("a", help_, "id").metadata


@pytest.mark.parametrize("different_lines", [1, 100])
def test_a_long_file_of_lines_that_repeat_is_not_compared_line_with_line(different_lines, monkeypatch):
    compared = []

    class Matcher(difflib.SequenceMatcher):
        def __init__(self, is_junk, old, new, **options):
            compared.append(len(old) + len(new))
            super().__init__(is_junk, old, new, **options)

    monkeypatch.setattr(difflib, "SequenceMatcher", Matcher)
    before = [f"x = {i % different_lines}" for i in range(5000)]
    after = [*before[:3000], "y", "z", *before[3001:]]
    diff, attribution = unified_diff("\n".join(before), "\n".join(after)), line_attribution(before, after)
    assert compared and max(compared) < 10
    assert diff.splitlines()[2] == "@@ -2998,7 +2998,8 @@" and set(attribution) == {"3001", "3002"}
