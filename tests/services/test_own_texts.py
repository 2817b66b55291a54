"""The person's earlier texts: the last of each session, the latest sessions, whatever a crash left of a stream."""

import json
import os

from services.own_texts import last_text, latest_texts


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


def test_what_a_crash_tore_is_passed_over(tmp_path):
    assert last_text(stream(tmp_path, "torn", {"text": "whole"}, '{"text": "to')) == "whole"
    assert last_text(stream(tmp_path, "empty", {"episode_id": "empty"}, {"endTime": 1})) is None
    assert last_text(tmp_path / "absent") is None
