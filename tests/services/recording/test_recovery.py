"""Recovery promises: what a crash left open is ended, whole lines stay, another server's sessions are left alone."""

import json

import pytest

import rewards
from config import FeaturizerConfig
from errors import InputError
from featurizers import Featurizer
from services.recording import recovery
from services.recording.append_log import LogFile
from services.recording.recovery import last_line, repair_end
from state_adapter import read_episodes, read_session
from training.data.reviewed_texts import ReviewedTexts
from training.data.transitions import build_dataset
from training.evaluation.help_records import session_records

HEADER = {"episode_id": "e", "problem_id": "p", "model": None, "startTime": 5}
STATES = [{"timestep": t, "timestamp_ms": t, "text": f"text {t}", "attribution": [], "action": None} for t in range(3)]


def written(recording, lines, tail=b""):
    stream = recording.stream("e")
    stream.parent.mkdir(parents=True)
    stream.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines) + tail)
    return stream


@pytest.mark.parametrize("tail, count", [
    (b"", 3), (b'{"timestep": 3, "te', 3), (b"\x00" * 4096, 3), (b"\n\n", 3), (b'{"timestep": 3, "text": "\xc3', 3),
    (json.dumps({**STATES[0], "timestep": 3}).encode(), 4),  # only its line end is missing
    (b'{"timestep": 3\n', 3),
])  # fmt: skip
def test_an_open_session_is_ended_with_all_that_is_whole(recording, tail, count):
    stream = written(recording, [HEADER, *STATES], tail)
    (line,) = recording.recorder.recover()
    assert "e: was left open and is ended now" in line
    episode = read_session(stream)
    assert len(episode.states) == count and not episode.cut_off
    snapshot = recording.snapshot("e")
    assert [state["timestep"] for state in snapshot["states"]] == list(range(count))
    assert snapshot["startTime"] == 5 and snapshot["endTime"] > 1e12
    assert recording.recorder.recover() == []


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("changes.jsonl", b'{"first": 0, "changes": [[0, 0, 0, "a", "input"]]}\n'),
        ("activity.jsonl", b'{"first": 0, "events": [[0, "focus", {}]]}\n'),
    ],
)
def test_keystrokes_and_activity_are_kept_as_far_as_they_are_whole(recording, name, whole):
    stream = written(recording, [HEADER, *STATES])
    stream.with_name(name).write_bytes(whole + b'{"first": 1, "')
    (line,) = recording.recorder.recover()
    assert "without the message that was being written" in line
    assert stream.with_name(name).read_bytes() == whole


def test_a_session_that_ended_before_it_was_tested_gets_its_snapshot(recording):
    written(recording, [HEADER, *STATES, {"endTime": 9}])
    assert recording.recorder.recover() == []
    assert recording.snapshot("e")["endTime"] == 9


def test_a_session_of_which_nothing_was_written_leaves_nothing(recording):
    stream = written(recording, [], b'{"episode_id": "e", "prob')
    (line,) = recording.recorder.recover()
    assert "nothing was in it" in line and not stream.parent.parent.exists()


def test_another_servers_session_is_left_alone(recording, make_recording, run):
    episode_id = run(recording.recorder.start("p"))
    before = recording.stream(episode_id).read_bytes()
    other = make_recording()
    assert other.recorder.recover() == [] and other.snapshots.wait(10)
    assert recording.stream(episode_id).read_bytes() == before
    assert not recording.stream(episode_id).parents[1].joinpath(f"{episode_id}.json").exists()


def test_a_recorded_session_with_its_snapshot_is_left_alone(recording):
    stream = written(recording, [HEADER, *STATES], b'{"torn')
    before = stream.read_bytes()
    stream.parents[1].joinpath("e.json").write_text("{}")
    assert recording.recorder.recover() == [] and stream.read_bytes() == before


def test_a_session_that_cannot_be_written_is_said_and_the_others_are_ended(recording, monkeypatch):
    written(recording, [HEADER, *STATES])
    stream = recording.stream("f")
    stream.parent.mkdir(parents=True)
    stream.write_text(json.dumps({**HEADER, "episode_id": "f"}) + "\n")

    def open_log(path):
        if path.stem == "e":
            raise InputError(str(path), "the file system is read-only")
        return LogFile(path)

    monkeypatch.setattr(recovery, "LogFile", open_log)
    first, second = recording.recorder.recover()
    assert "e: cannot be ended" in first and "read-only" in first and "f: was left open" in second


@pytest.mark.parametrize("length", [10, 2**16 - 1, 2**16, 2**16 + 1, 3 * 2**17])
def test_a_long_line_is_found_whole(tmp_path, length):
    path = tmp_path / "log"
    line = b'{"a": "' + b"x" * length + b'"}'
    path.write_bytes(b'{"b": 1}\n' + line + b"\n" + line[:-1])
    file = LogFile(path)
    assert repair_end(file) and last_line(file) == line + b"\n"
    file.close()


WROTE = {"H": None, "A": {"type": 2, "line": 2, "writer": {"name": "w", "mean_log_prob": -0.1}}}
CRASHED = [
    {**STATES[0], "text": "a = 1\n"},
    {**STATES[1], "text": "a = 1\nb = 2", "action": WROTE},
]


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_was_written_last_before_a_crash_is_neither_kept_nor_undone(recording, run, state_request, goes_on):
    """Also where the person goes on in a session that begins with its states."""
    written(recording, [HEADER, *CRASHED])
    assert recording.recorder.recover()
    recording.snapshot("e")
    if goes_on:

        async def play():
            episode_id = await recording.recorder.start("p", source_episode="e")
            await recording.recorder.add_state(episode_id, state_request("a = 1\nb = 2\n#", 2))
            await recording.recorder.end(episode_id)
            return episode_id

        recording.snapshot(run(play()))
    episodes, _ = read_episodes(recording.paths.episodes)
    assert len(episodes) == 1 + goes_on
    (decision,) = [each for episode in episodes for each in episode.transitions("A")]
    assert decision.reply is None
    reward = rewards.reward(decision)
    assert reward.retention == rewards.Retention(None, None) and reward.total == 0 and not any(reward.parts.values())
    assert len(ReviewedTexts.of(episodes)) == 0
    (record,) = [record for episode in episodes for record in session_records(episode).records]
    assert record.retained is record.survived is None
    data = build_dataset(episodes, Featurizer(FeaturizerConfig()), rewards.RewardWeights())
    assert data.steps.retained[~data.steps.is_human].isnan().all()
