"""The person's earlier texts: the last of each session, the latest sessions, whatever a crash left of a stream."""

import json
import os

from services.writers import own_texts
from services.writers.own_texts import EditedFile, edited_file, last_text, latest_texts
from state_adapter import exclusion_mark


def stream(folder, name, *lines, age=0):
    path = folder / name / "raw" / f"{name}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    os.utime(path, (10**9 - age, 10**9 - age))
    return path


def test_the_last_text_of_each_session_the_oldest_first(tmp_path):
    stream(tmp_path, "new", {"episode_id": "new"}, {"text": "a"}, {"text": "b"}, {"endTime": 1})
    stream(tmp_path, "old", {"episode_id": "old"}, {"text": "c"}, age=10)
    stream(tmp_path, "oldest", {"episode_id": "oldest"}, {"text": "d"}, age=20)
    (tmp_path / "new/raw/changes.jsonl").write_text('{"text": "no state"}')
    assert list(latest_texts(tmp_path, most=2)) == ["c", "b"]
    assert list(latest_texts(tmp_path / "absent")) == []


def test_a_pipe_in_place_of_a_stream_is_not_waited_for(tmp_path, monkeypatch):
    path = stream(tmp_path, "pipe")
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(own_texts, "last_text", lambda stream, *_: stream.name)
    stream(tmp_path, "session", {"text": "a"})
    assert list(latest_texts(tmp_path)) == ["session.jsonl"]


def test_what_a_crash_tore_is_passed_over(tmp_path):
    assert last_text(stream(tmp_path, "torn", {"text": "whole"}, '{"text": "to')) == "whole"
    assert last_text(stream(tmp_path, "empty", {"episode_id": "empty"}, {"endTime": 1})) is None
    assert last_text(tmp_path / "absent") is None


def test_nothing_is_learned_of_other_kinds_of_files_nor_of_sessions_that_are_left_out(tmp_path):
    assert last_text(stream(tmp_path, "notes", {"episode_id": "notes", "file": "notes.md"}, {"text": "# a"})) is None
    python = stream(tmp_path, "python", {"episode_id": "python", "file": "src/a.py"}, {"text": "a"})
    assert edited_file(python) == EditedFile("src/a.py", None) and last_text(python) == "a"
    exclusion_mark(python).touch()
    assert last_text(python) is None and list(latest_texts(tmp_path)) == []


def test_the_file_of_a_torn_or_absent_session_is_unknown(tmp_path):
    unknown = EditedFile(None, None)
    assert edited_file(stream(tmp_path, "torn", '{"episode_id": "torn", "fi')) == unknown
    assert edited_file(stream(tmp_path, "wrong", '{"episode_id": "wrong", "file": 3, "folder": []}')) == unknown
    assert edited_file(tmp_path / "absent") == unknown


def test_nothing_is_learned_of_a_file_that_is_ignored_by_now(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    header = {"episode_id": "mine", "file": "src/a.py", "folder": str(own)}
    mine = stream(tmp_path / "episodes", "mine", header, {"text": "a"})
    assert last_text(mine) == "a" and list(latest_texts(tmp_path / "episodes")) == ["a"]
    (own / ".gitignore").write_text("src\n")
    assert last_text(mine) is None and list(latest_texts(tmp_path / "episodes")) == []
