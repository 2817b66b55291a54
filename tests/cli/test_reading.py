"""Reading for a training beside a server promises: what is being recorded is left out, all else is learned from."""

import json
import sys

import pytest

from cli import reading
from cli.reading import read_with_progress, without_open_sessions
from errors import NotFoundError
from training.runs.observer import NullObserver
from training.telemetry import RunRecord


def record(sessions, name, *, ended, **header):
    """A stream of two states."""
    states = [{"text": "a" * t, "timestep": t, "timestamp_ms": t, "attribution": [], "action": None} for t in (0, 1)]
    lines = [{"episode_id": name, "problem_id": "p", **header}, *states, *([{"endTime": 9}] if ended else [])]
    path = sessions / name / "raw" / f"{name}.jsonl"
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


class Heard(NullObserver):
    """Keeps what it was told."""

    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)


@pytest.fixture
def own_files(tmp_path):
    """Sessions of two of the person's files, of which an ignore file names one."""
    own, sessions = tmp_path / "own", tmp_path / "episodes"
    own.mkdir()
    for name in ("a", "b"):
        record(sessions, name, ended=True, file=f"{name}.py", folder=str(own))
    (own / ".gitignore").write_text("a.py\n")
    return own, sessions


def learned_ids(sessions, observer):
    return [episode.id for episode in reading.read(sessions, observer, RunRecord("1", "test"))]


def test_sessions_of_files_that_are_ignored_by_now_are_left_out_and_that_is_said(own_files):
    (own, sessions), heard = own_files, Heard()
    assert learned_ids(sessions, heard) == ["b"]
    assert [line for line in heard.lines if "ignored" in line] == ["left out 1 session: their files are ignored"]
    (own / ".gitignore").unlink()
    assert learned_ids(sessions, Heard()) == ["a", "b"]


def test_where_all_are_of_ignored_files_nothing_is_learned(own_files):
    own, sessions = own_files
    (own / ".gitignore").write_text("*")
    with pytest.raises(NotFoundError, match="2 sessions: their files are ignored"):
        learned_ids(sessions, Heard())


def test_without_the_package_that_reads_ignore_files_no_file_of_the_persons_is_learned_from(own_files, monkeypatch):
    _, sessions = own_files
    record(sessions, "problem", ended=True)
    monkeypatch.setitem(sys.modules, "sessions.ignored_sessions", None)
    heard = Heard()
    assert learned_ids(sessions, heard) == ["problem"] and any("pathspec" in line for line in heard.lines)
