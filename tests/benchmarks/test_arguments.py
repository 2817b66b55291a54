"""What is said when a study's folder is missing."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("study", [("training",), ("scaling",), ("learning", "signal")])
def test_a_missing_folder_is_one_line(study, tmp_path):
    name, *command = study
    missing = tmp_path / "nowhere"
    line = [sys.executable, "-m", f"benchmarks.{name}", *command, str(missing)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"argument recordings: {missing}: there is no such folder")
