"""The queue promises: sessions one after the other, one that fails stops no other, stopping loses nothing."""

import json

import pytest

from judge import Case, Problem

ENDLESS = Problem("endless", "f", (Case((), 1),))


def test_a_session_that_cannot_be_written_stops_no_other(recording, run):
    async def record():
        first, second = await recording.recorder.start("p"), await recording.recorder.start("p")
        await recording.recorder.end(first)
        recording.stream(first).write_bytes(b'{"torn\n{"torn\n')
        await recording.recorder.end(second)
        return first, second

    first, second = run(record())
    recording.snapshots.add(recording.stream(first))
    assert recording.snapshot(second)["states"] == []
    assert any(first in report and "its stream has everything" in report for report in recording.reports)


def test_a_judge_that_fails_stops_no_other(make_recording, run, state_request, monkeypatch):
    recording = make_recording(problem=ENDLESS)

    def fail(text, problem):
        raise RuntimeError("the process that runs texts does not start")

    async def record():
        episode_id = await recording.recorder.start("endless")
        await recording.recorder.add_state(episode_id, state_request("a", 0))
        await recording.recorder.end(episode_id)
        return episode_id

    with monkeypatch.context() as patched:
        patched.setattr(recording.judge, "verdict", fail)
        run(record())
        assert recording.snapshots.wait(60)
    assert any("RuntimeError: the process" in report for report in recording.reports)
    assert len(recording.snapshot(run(record()))["states"]) == 1


@pytest.mark.parametrize("state", [{"timestep": 0, "text": 5}, {"timestep": 0}, {"timestep": "x", "text": "a"}])
def test_a_malformed_stream_stops_no_other(make_recording, run, state):
    recording = make_recording(problem=ENDLESS)
    stream = recording.stream("e")
    stream.parent.mkdir(parents=True)
    lines = [{"episode_id": "e", "problem_id": "endless"}, state, {"endTime": 1}]
    stream.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert recording.recorder.recover() == []
    assert recording.snapshots.wait(60) and any("e: has no snapshot yet" in report for report in recording.reports)
    episode_id = run(recording.recorder.start("p"))
    run(recording.recorder.end(episode_id))
    assert recording.snapshot(episode_id)["states"] == []


@pytest.mark.parametrize("states", [0, 1])
def test_opened_and_left_is_no_more_than_it_was(recording, run, state_request, states):
    async def record():
        episode_id = await recording.recorder.start("p", model="writer")
        for t in range(states):
            await recording.recorder.add_state(episode_id, state_request("a", t))
        await recording.recorder.end(episode_id)
        return episode_id

    snapshot = recording.snapshot(run(record()))
    assert len(snapshot["states"]) == states and snapshot["model"] == "writer"


def test_stopped_while_it_tests_the_session_is_left_to_the_next_start(make_recording, run, state_request):
    recording = make_recording(problem=ENDLESS)

    async def record():
        episode_id = await recording.recorder.start("endless")
        for t in range(20):
            await recording.recorder.add_state(episode_id, state_request(f"def f():\n    while {t} >= 0: pass", t))
        await recording.recorder.end(episode_id)
        return episode_id

    episode_id = run(record())
    recording.snapshots.close()
    assert not (recording.stream(episode_id).parents[1] / f"{episode_id}.json").exists()
    other = make_recording()
    assert other.recorder.recover() == []
    assert len(other.snapshot(episode_id)["states"]) == 20
