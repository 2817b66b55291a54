"""The snapshot of a stream promises: it reads as the stream does, and keeps what only the recording knows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InputError
from state import Env
from state_adapter import RecordedTests, index_stream, read_episodes, read_session, write_stream_snapshot

TEXTS = st.lists(st.sampled_from(["a = 1", "b = 2", "    c()", "", "# d"]), min_size=1, max_size=6).map("\n".join)
PART = {"type": 3, "line": 1, "probability": 0.5, "request_id": "r"}
HELD_BACK = {"type": 0, "line": 0, "probability": 0.5, "withheld": {"type": 2, "line": 1, "text": "x"}}
ACTIONS = st.sampled_from(
    [None, {"H": {"type": 2, "line": 1}, "A": None}, {"H": None, "A": PART}, {"H": None, "A": HELD_BACK}, {"A": {}}]
)


def write(folder, states, *, end=True):
    path = folder / "e" / "raw" / "e.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"episode_id": "e", "problem_id": "p", "model": "writer", "startTime": 7, "source_episode": "f"}
    lines = [header, *states, *([{"endTime": 99}] if end else [])]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def entry(t, seconds=0.0, flags=()):
    edit = {"turn": t, "span": [0, 1], "actions": [True, False, False], "seconds": seconds, "specialFlags": list(flags)}
    return {"human": edit, "assistant": {}, "cursor": {"turn": t, "char": 2}}


FLAGS = st.sampled_from([(0, ()), (0, ("paste",)), (0, ("undo", "paste")), (1, ("paste",))])
"""Of an entry: how many turns before its state it was edited, and its special flags."""


@given(st.lists(st.tuples(TEXTS, ACTIONS, st.integers(0, 12), FLAGS), max_size=10))
def test_it_reads_as_the_stream_does(tmp_path_factory, recorded):
    folder = tmp_path_factory.mktemp("stream")
    states = [
        {"timestep": t, "timestamp_ms": t, "text": text, "attribution": [entry(t - ago, flags=flags)], "action": action}
        for text, action, t, (ago, flags) in recorded
    ]
    stream = write(folder, states)
    expected = read_session(stream, {3: Env(True, 1, 2)})
    tests = {3: RecordedTests(Env(True, 1, 2), 40)}
    snapshot = json.loads(write_stream_snapshot(index_stream(stream), tests).read_text())
    assert (snapshot["startTime"], snapshot["endTime"], snapshot["model"]) == (7, 99, "writer")
    assert snapshot["source_episode"] == "f" and len(snapshot["states"]) == len(expected.states)
    if len(expected.states) < 2:
        return
    (episode,), _ = read_episodes(folder / "e" / "e.json")
    for ours, theirs in zip(episode.states, expected.states, strict=True):
        assert (ours.lines, ours.t, ours.env, ours.history) == (theirs.lines, theirs.t, theirs.env, theirs.history)
        assert ours.human.tolist() == theirs.human.tolist() and ours.assistant.tolist() == theirs.assistant.tolist()
        assert (ours.cursor, ours.undone, ours.pasted) == (theirs.cursor, theirs.undone, theirs.pasted)
    assert episode.actions == expected.actions


def test_only_what_ran_has_an_env_with_its_time(tmp_path):
    stream = write(tmp_path, [{"timestep": t, "text": str(t)} for t in range(3)])
    tests = {0: RecordedTests(Env(True, 1, 2), 40), 2: RecordedTests(Env(False))}
    states = json.loads(write_stream_snapshot(index_stream(stream), tests).read_text())["states"]
    assert [state["env"] for state in states] == [
        {"compiled": True, "execution_time_ms": 40, "tests": {"passed": 1, "total": 2}},
        None,
        {"compiled": False, "execution_time_ms": 1},
    ]


def test_seconds_and_flags_stay_with_the_edit_they_speak_of(tmp_path):
    states = [
        {"timestep": 0, "text": "a", "attribution": [entry(0, 1.5, ["paste"])]},
        {"timestep": 1, "text": "a\nb", "attribution": [entry(0, 1.5, ["paste"]), entry(1, 2.5, ["paste"])]},
        {"timestep": 2, "text": "c\na\nb", "attribution": [entry(2, 9.0), entry(1, 8.0), entry(0, 7.0)]},
    ]
    snapshot = json.loads(write_stream_snapshot(index_stream(write(tmp_path, states)), {}).read_text())
    entries = [[line["human"] for line in state["attribution"]] for state in snapshot["states"]]
    assert [(edit["seconds"], edit["specialFlags"]) for edit in entries[1]] == [(1.5, ["paste"]), (2.5, ["paste"])]
    assert [edit["seconds"] for edit in entries[2]] == [9.0, 0, 0]  # by line number: these speak of other edits


def test_a_session_without_a_whole_end_is_marked(tmp_path):
    stream = write(tmp_path, [{"timestep": 0, "text": "a"}], end=False)
    with stream.open("ab") as file:
        file.write(b'{"timestep": 1, "te')
    assert json.loads(write_stream_snapshot(index_stream(stream), {}).read_text())["endTime"] is None


def test_a_stream_that_is_torn_in_its_middle_is_refused(tmp_path):
    stream = write(tmp_path, [{"timestep": 0, "text": "a"}])
    stream.write_bytes(b'{"torn\n' + stream.read_bytes())
    with pytest.raises(InputError, match="line 1"):
        index_stream(stream)
