"""Solved problems are remembered, and a damaged file is set aside rather than lost or feared."""

import json

import pytest

from errors import InputError
from services.solving.solved_problems import SolvedProblems


def test_solved_problems_are_remembered(tmp_path):
    path, reports = tmp_path / "data" / "solved.json", []
    solved = SolvedProblems(path, reports.append)
    assert "a" not in solved
    solved.add("a")
    solved.add("ünï/…")
    again = SolvedProblems(path, reports.append)
    assert "a" in again and "ünï/…" in again and "b" not in again and not reports


def test_a_problem_keeps_the_time_when_it_was_first_solved(tmp_path):
    path = tmp_path / "solved.json"
    path.write_text('{"solved": {"a": 5}}')
    solved = SolvedProblems(path)
    solved.add("a")
    solved.add("b")
    assert json.loads(path.read_text())["solved"]["a"] == 5 and "b" in SolvedProblems(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"solved": []}', b'{"solved": {"a": "x"}}', b"\xff", b"[" * 99999]
)
def test_a_damaged_file_is_set_aside_with_one_line(tmp_path, content):
    path, reports = tmp_path / "solved.json", []
    path.write_bytes(content)
    solved = SolvedProblems(path, reports.append)
    (report,) = reports
    (damaged,) = tmp_path.glob("solved.json.damaged-*")
    assert damaged.read_bytes() == content and damaged.name in report and not path.exists()
    solved.add("a")
    assert "a" in SolvedProblems(path, reports.append) and len(reports) == 1


def test_what_is_no_file_stays_and_the_disks_refusal_is_told(tmp_path):
    path = tmp_path / "solved.json"
    path.mkdir()
    reports = []
    solved = SolvedProblems(path, reports.append)
    assert len(reports) == 1
    tmp_path.chmod(0o700)
    blocked = SolvedProblems(tmp_path / "file" / "solved.json")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError):
        blocked.add("a")
    assert "a" in blocked and "a" not in solved
    (tmp_path / "file").unlink()
    blocked.add("b")
    assert {"a", "b"} <= set(json.loads((tmp_path / "file" / "solved.json").read_text())["solved"])
