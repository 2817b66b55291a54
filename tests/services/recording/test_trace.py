"""Every keystroke through a real server, by two clients beside decisions: what is recorded is what was typed.

The environment variable names a trace of one's own (see `benchmarks/recording.py`), which then is played as a whole.
"""

import json
import os
from pathlib import Path

import pytest

from benchmarks.recording import Player, check_recorded, play_all, read_trace, typed_trace
from errors import InputError

TRACE = "CODEASSIST_TRACE"


def assert_recorded(server_process, trace):
    server_process.start()
    players = [Player(trace, server_process.port) for _ in range(2)]
    play_all(players)
    server_process.stop()
    for player in players:
        check_recorded(player, server_process.paths)
        path = server_process.paths.episodes / player.episode_id / f"{player.episode_id}.json"
        assert [state["text"] for state in json.loads(path.read_bytes())["states"]] == list(player.texts.values())


def test_what_was_typed_is_recorded(server_process):
    assert_recorded(server_process, typed_trace(lines=12))


@pytest.mark.slow
def test_a_whole_trace_is_recorded(server_process):
    assert_recorded(server_process, read_trace(Path(os.environ[TRACE])) if TRACE in os.environ else typed_trace(200))


def test_a_trace_that_leads_elsewhere_is_refused(tmp_path):
    path = tmp_path / "trace.json"
    content = {"start": "a", "end": "abc", "transactions": [[0.0, [1, 0, "b"], [2, 0, "c"]]]}
    path.write_text(json.dumps(content))
    assert read_trace(path).edits == ((1, 0, "b"), (2, 0, "c"))
    for wrong in ({**content, "end": "ab"}, {}, []):
        path.write_text(json.dumps(wrong))
        with pytest.raises(InputError, match="no trace"):
            read_trace(path)


def test_a_lost_keystroke_is_noticed(recording, run, state_request):
    trace = typed_trace(lines=2)
    changes = [(0.0, *edit, "input") for edit in trace.edits]

    async def record(count):
        episode_id = await recording.recorder.start("p")
        await recording.recorder.add_state(episode_id, state_request(trace.end, 0))
        await recording.recorder.add_changes(episode_id, 0, changes[:count])
        return Player(trace, 0, episode_id=episode_id, texts={0: trace.end})

    check_recorded(run(record(len(changes))), recording.paths)
    with pytest.raises(InputError, match="other keystrokes"):
        check_recorded(run(record(len(changes) - 1)), recording.paths)
    lost = run(record(len(changes)))
    lost.texts[1] = "acknowledged"
    with pytest.raises(InputError, match="other states"):
        check_recorded(lost, recording.paths)
