"""Reading for a training beside a server promises: what is being recorded is left out, all else is learned from."""

import json

import pytest

from cli.reading import read_with_progress, without_open_sessions
from errors import NotFoundError
from training.runs.observer import NullObserver


def record(folder, name, *, ended):
    """A stream of two states."""
    states = [{"text": "a" * t, "timestep": t, "timestamp_ms": t, "attribution": [], "action": None} for t in (0, 1)]
    lines = [{"episode_id": name, "problem_id": "p"}, *states, *([{"endTime": 9}] if ended else [])]
    path = folder / name / "raw" / f"{name}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def read(folder):
    episodes, _ = read_with_progress(folder, NullObserver())
    return [episode.id for episode in without_open_sessions(episodes, folder)]


def test_a_stream_without_an_end_is_left_out(tmp_path, sample_sessions):
    record(tmp_path, "open", ended=False)
    record(tmp_path, "ended", ended=True)
    (tmp_path / "samples").symlink_to(sample_sessions)
    assert sorted(read(tmp_path)) == ["ended", "sample-longest-streak", "sample-title-case"]


def test_where_none_has_ended_that_is_said(tmp_path):
    record(tmp_path, "open", ended=False)
    with pytest.raises(NotFoundError, match="no session that has ended yet"):
        read(tmp_path)
