"""The sample sessions are what their script writes, and read as sessions do."""

import runpy
import subprocess
import sys

from rewards import retention
from state_adapter import read_episodes


def test_the_committed_sessions_are_what_the_script_writes(tmp_path, root, sample_sessions):
    runpy.run_path(str(root / "examples" / "make_samples.py"))["main"](tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.json")}
    committed = {path.relative_to(sample_sessions): path.read_bytes() for path in sample_sessions.rglob("*.json")}
    assert written == committed and len(written) == 2


def test_they_show_two_people_with_different_tastes(sample_sessions):
    episodes, summary = read_episodes(sample_sessions, strict=True)
    assert not summary.repaired and [len(one.states) for one in episodes] == [29, 29]
    tastes = {}
    for episode in episodes:
        assert episode.states[-1].env.tests_passed == episode.states[-1].env.tests_total
        comments = [retention(one).retained for one in episode.transitions("A") if one.decision in (5, 6)]
        tastes[episode.problem_id] = sum(comments) / len(comments)
    assert tastes["longest-streak"] == 0.0 and tastes["title-case"] == 1.0


def test_its_help_writes_nothing(root, tmp_path):
    done = subprocess.run(
        [sys.executable, root / "examples" / "make_samples.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stdout.startswith("usage: ") and not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_refused_in_one_line(root, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = subprocess.run(
        [sys.executable, root / "examples" / "make_samples.py", tmp_path / "file"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "expected a folder" in done.stderr.splitlines()[-1] and (tmp_path / "file").read_text() == "mine"
