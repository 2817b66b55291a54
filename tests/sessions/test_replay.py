"""A replay is what learning reads: who wrote each line, the decisions, the rewards."""

import json
from collections import Counter

import pytest

import rewards
from config import RewardWeights
from sessions import replay
from sessions.replay import AUTHORS, Replay
from sessions.session_library import SessionLibrary
from state_adapter import index_stream, read_episodes, read_test_executions, write_stream_snapshot

BY_ASSISTANT = {"H": None, "A": {"type": 2, "line": 2, "probability": 0.5}}


def snapshot(*states):
    """Texts with who led to them, the skeleton in the first line."""
    skeleton = {"human": {"turn": 0, "span": [0, 9], "actions": [1, 0, 0]}}
    rows = [
        {"text": text, "timestep": t, "action": action, "attribution": [skeleton] if t == 0 else []}
        for t, (text, action) in enumerate(states)
    ]
    return {"episode_id": "one", "states": rows}


@pytest.fixture
def replay_of(sessions):
    def read(content):
        sessions.write("one/one.json", content)
        return SessionLibrary(sessions.folder).replay("one")

    return read


def authors(step):
    return "".join(AUTHORS[author] or "." for author in step.authors)


def test_lines_stay_whose_they_are_wherever_they_move(replay_of):
    recorded = replay_of(snapshot(
        ("def f():\n", None),
        ("def f():\n    a = 1", None),
        ("def f():\n    a = 1\n    b = 2", BY_ASSISTANT),
        ("def f():\n    # new\n    a = 1\n    b = 2", None),
        ("def f():\n    # new\n    a = 1\n    b = 3", None),
    ))  # fmt: skip
    assert [authors(step) for step in recorded.steps] == ["..", ".H", ".HA", ".HHA", ".HHH"]


def test_padded_attribution_by_line_number_changes_nothing(replay_of):
    content = snapshot(("def f():\n    a = 1", None), ("def f():\n    a = 1\n    b = 2", BY_ASSISTANT))
    plain = replay_of(content)
    for state in content["states"][1:]:
        wrong = {"human": {"turn": 1, "span": [0, 3], "actions": [1, 0, 0]}}
        state["attribution"] = [wrong] * 500
    assert replay_of(content) == plain


def test_what_was_written_and_stood_is_counted_in_characters(replay_of):
    recorded = replay_of(snapshot(
        ("def f():\n", None),
        ("def f():\n    abcd = 1", BY_ASSISTANT),
        ("def f():\n    abcd = 1", None),
        ("def f():\n    abcd = 1\n    wxyz = 2", BY_ASSISTANT),
        ("def f():\n    abcd = 1", None),
        ("def f():\n    abcd = 1\n    last = 3", BY_ASSISTANT),
    ))  # fmt: skip
    assert [step.characters for step in recorded.steps] == [0, 6, 0, 6, 0, 6]
    assert (recorded.characters(), recorded.retained()) == (12, 6)  # nobody replied to the last one


def test_rewards_are_those_of_the_weights_that_are_given(sample_sessions):
    weights = RewardWeights(retain_reward=3.0, clip=100.0)
    for episode in read_episodes(sample_sessions)[0]:
        whole = Replay.from_episode(episode, weights)
        for transition in episode.transitions("A"):
            assert whole.steps[transition.index + 1].reward == rewards.reward(transition, weights)


def test_a_large_snapshot_is_replayed_from_its_stream_with_the_same_result(sessions, monkeypatch):
    texts = ["def f():\n", "def f():\n    a = 1", "def f():\n    a = 1\n    b = 2"]
    stream = sessions.stream("mine", texts)
    execution = {"timestep": 1, "success": True, "execution_time_ms": 3, "test_results": [{"passed": True}]}
    stream.with_name("test_executions.jsonl").write_text(json.dumps(execution) + "\n")
    tests = read_test_executions(stream.with_name("test_executions.jsonl"), Counter())
    snapshot = write_stream_snapshot(index_stream(stream), tests)
    plain = SessionLibrary(sessions.folder).replay("mine")
    files = []
    read = replay.read_recording
    monkeypatch.setattr(replay, "read_recording", lambda path: files.append(path) or read(path))
    monkeypatch.setattr(replay, "MAX_SNAPSHOT_BYTES", stream.stat().st_size)
    assert SessionLibrary(sessions.folder).replay("mine") == plain
    snapshot.write_text(snapshot.read_text().replace('"episode_id": "mine"', '"episode_id": "other"', 1))
    assert len(SessionLibrary(sessions.folder).replay("mine").steps) == 3
    assert files == [stream, snapshot]


def test_a_session_of_one_state_and_one_without_any_have_a_replay(replay_of, sessions):
    assert len(replay_of(snapshot(("a", None))).steps) == 1
    sessions.write("left/raw/left.jsonl", json.dumps({"episode_id": "left"}) + "\n" + json.dumps({"endTime": 1}) + "\n")
    assert SessionLibrary(sessions.folder).replay("left").steps == ()
