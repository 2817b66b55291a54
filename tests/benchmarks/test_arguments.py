"""What is said when a study's folder or file is missing."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("study", "kind"),
    [
        (("training",), "folder"),
        (("scaling",), "folder"),
        (("learning", "signal"), "folder"),
        (("learning", "table"), "file"),
        (("improvement", "table"), "file"),
    ],
)
def test_what_is_missing_is_named_in_one_line(study, kind, tmp_path):
    name, *command = study
    missing = tmp_path / "nowhere"
    line = [sys.executable, "-m", f"benchmarks.{name}", *command, str(missing)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"{missing}: there is no such {kind}")
