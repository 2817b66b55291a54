"""Activity: read in order from beside a stream, checked kind by kind, absent where nobody recorded it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InputError
from state_adapter import ACTIVITY, Activity, ActivityKind, check_activity, read_activity, read_episodes

EVENTS = [
    [5, "selection", {"ranges": [[3, 0], [7, 7]]}],
    [6.5, "focus", {}],
    [7, "blur", {}],
    [8, "pause", {"ms": 300}],
    [9, "run", {"passed": 1, "total": 2}],
    [10, "submit", {"passed": 2, "total": 2}],
    [11, "undone", {"request_id": "r", "part": "all"}],
    [12, "kept", {"request_id": "r", "part": "word"}],
    [13, "snooze", {"minutes": 5}],
    [14, "newer", {"anything": None}],
]


def written(folder, *lines, torn=""):
    raw = folder / "e" / "raw"
    raw.mkdir(parents=True)
    (raw / ACTIVITY).write_text("".join(json.dumps(line) + "\n" for line in lines) + torn)
    return raw


def test_events_are_read_in_order_from_the_session_its_stream_or_its_snapshot(tmp_path):
    raw = written(tmp_path, {"first": 0, "events": EVENTS[:4]}, {"first": 4, "events": EVENTS[4:]})
    events = read_activity(raw.parent)
    assert [[event.milliseconds, event.kind, event.detail] for event in events] == EVENTS
    assert events[0] == Activity(5.0, ActivityKind.SELECTION, {"ranges": [[3, 0], [7, 7]]})
    for path in (raw / "e.jsonl", raw.parent / "e.json", raw / ACTIVITY, raw):
        assert read_activity(path) == events


def test_where_nothing_was_recorded_there_is_no_activity(tmp_path):
    (tmp_path / "e").mkdir()
    assert read_activity(tmp_path / "e") == read_activity(tmp_path / "absent") == ()


def test_a_torn_last_line_is_left_out(tmp_path):
    raw = written(tmp_path, {"first": 0, "events": EVENTS}, torn='{"first": 10, "even')
    assert len(read_activity(raw)) == len(EVENTS)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"first": 1, "events": EVENTS}], "begins with event 1, expected 0"),
        ([{"first": 0, "events": EVENTS}, {"first": 9, "events": []}], "line 2: begins with event 9, expected 10"),
        ([{"first": 0}], "events"),
        ([{"first": 0, "events": [[1, "focus"]]}, {}], "a list of 2, expected a list of 3"),
        ([[]], "expected an object"),
    ],
)
def test_what_is_missing_or_malformed_is_said_with_its_place(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        read_activity(written(tmp_path, *lines))


@pytest.mark.parametrize(
    "event",
    [
        [1, "selection", {}], [1, "selection", {"ranges": [[1]]}], [1, "selection", {"ranges": [[-1, 0]]}],
        [1, "selection", {"ranges": [[0.5, 1]]}], [1, "pause", {"ms": "long"}], [1, "run", {"passed": 1}],
        [1, "submit", {"passed": True, "total": 1}], [1, "undone", {"part": "all"}], [1, "kept", {"request_id": 1}],
        [1, "snooze", {"minutes": None}], [1, "", {}], [1, "x" * 41, {}], [1, 2, {}], [True, "focus", {}],
        [float("nan"), "focus", {}], [1, "focus", []], "focus", None, [],
    ],
)  # fmt: skip
def test_an_event_that_is_none_is_refused(event):
    check_activity(EVENTS)
    with pytest.raises(InputError, match=r"events\[1\]|events, entry 1"):
        check_activity([EVENTS[0], event])


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values | st.tuples(json_values, st.sampled_from(list(ActivityKind)), json_values), max_size=4))
def test_anything_is_taken_or_refused_in_words(events):
    try:
        check_activity(events)
    except InputError as error:
        assert "expected" in str(error)


def test_nothing_takes_activity_for_a_session(tmp_path, recordings):
    session = recordings.session(recordings.state(1, "a"), recordings.state(2, "b"))
    stream = recordings.stream(session, "e")
    raw = next(stream.rglob("*.jsonl")).parent if stream.is_dir() else stream.parent
    (raw / ACTIVITY).write_text(json.dumps({"first": 0, "events": EVENTS}) + "\n")
    episodes, summary = read_episodes(raw.parent)
    assert len(episodes) == 1 and not summary.skipped
