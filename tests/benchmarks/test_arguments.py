"""What is said when a study's folder or file is missing or wrong."""

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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["improvement", "run", "--out", "{tmp}", "--seeds", "1"], "is a folder, or in none that is there"),
        (["improvement", "run", "--out", "{tmp}/nowhere/r.jsonl"], "is a folder, or in none that is there"),
        (["improvement", "run", "--out", "{tmp}/r.jsonl", "--jobs", "0"], "argument --jobs: "),
        (["improvement", "run", "--out", "{tmp}/r.jsonl", "--repeats", "0"], "argument --repeats: "),
        (["improvement", "run", "--out", "{tmp}/r.jsonl", "--people", "nobody"], "nobody: expected one of likes_code"),
        (["improvement", "table", "{tmp}/cut.jsonl"], "cut.jsonl:2: is no line of results"),
        (["learning", "table", "{tmp}/cut.jsonl"], "cut.jsonl:2: is no line of results"),
        (["search_throughput", "--seconds", "nan"], "argument --seconds: "),
    ],
)
def test_nonsense_is_refused_in_one_line(arguments, said, tmp_path):
    (tmp_path / "cut.jsonl").write_text('{"person": "x"}\n{"pers')
    name, *given = (argument.format(tmp=tmp_path) for argument in arguments)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[-1]
