"""The studies' arguments: refusals in one line, help at once, what is missing is named."""

import subprocess
import sys

import pytest

from app.main_wrapper import run_command
from benchmarks import command_lines, improvement, learning

STUDIES = [
    "decision", "improvement", "judge", "learning", "recording", "retention", "reviewer", "scaling",
    "page", "search_bandits", "search_throughput", "services", "simulation", "training", "tutor", "writers",
]  # fmt: skip


def refusal(study, words, capsys):
    """What is said on stderr when a study is started with these words."""
    parser = getattr(command_lines, study)(None)
    assert run_command(lambda: parser.parse_args(words) and 0) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("study", "words", "kind"),
    [
        ("training", [], "folder"),
        ("scaling", [], "folder"),
        ("learning", ["signal"], "folder"),
        ("learning", ["table"], "file"),
        ("improvement", ["table"], "file"),
    ],
)
def test_what_is_missing_is_named_in_one_line(study, words, kind, tmp_path, capsys):
    missing = str(tmp_path / "nowhere")
    assert f"{missing}: there is no such {kind}" in refusal(study, [*words, missing], capsys)
    assert "'' is empty" in refusal(study, [*words, ""], capsys)


@pytest.mark.parametrize(
    ("study", "words", "named"),
    [
        ("improvement", ["run", "--out", "{tmp}", "--seeds", "1"], "is a folder, or in no existing one"),
        ("improvement", ["run", "--out", "{tmp}/nowhere/r.jsonl"], "is a folder, or in no existing one"),
        ("improvement", ["run", "--out", "{tmp}/r.jsonl", "--jobs", "0"], "argument --jobs: "),
        ("improvement", ["run", "--out", "{tmp}/r.jsonl", "--repeats", "0"], "argument --repeats: "),
        ("search_throughput", ["--seconds", "nan"], "argument --seconds: "),
        ("decision", ["--threads", "0"], "argument --threads: "),
        ("judge", ["--cases", "0"], "argument --cases: "),
        ("scaling", ["{tmp}", "--times", "0"], "argument --times: "),
        ("simulation", ["--repeats", "x"], "argument --repeats: "),
    ],
)
def test_nonsense_is_refused_in_one_line(study, words, named, tmp_path, capsys):
    assert named in refusal(study, [word.format(tmp=tmp_path) for word in words], capsys)


@pytest.mark.parametrize("study", [improvement, learning])
def test_a_damaged_line_of_results_is_named(study, tmp_path, capsys):
    results = tmp_path / "cut.jsonl"
    results.write_text('{"person": "x"}\n{"pers')
    options = getattr(command_lines, study.__name__.rpartition(".")[2])(None).parse_args(["table", str(results)])
    assert run_command(lambda: study.main(options) or 0) == 2
    assert "cut.jsonl:2: is no line of results" in capsys.readouterr().err


def test_an_unknown_person_is_refused(tmp_path, capsys):
    words = ["run", "--out", str(tmp_path / "r.jsonl"), "--people", "nobody"]
    options = command_lines.improvement(None).parse_args(words)
    assert run_command(lambda: improvement.main(options) or 0) == 2
    assert "nobody: expected one of likes_code" in capsys.readouterr().err


def test_help_does_not_wait_for_pytorch(root):
    """Of every study, in one process."""
    code = """
import runpy, sys
for study in sys.argv[1:]:
    sys.argv = [study, "--help"]
    try:
        runpy.run_module(f"benchmarks.{study}", run_name="__main__")
    except SystemExit as end:
        assert end.code == 0
    assert "torch" not in sys.modules, study
"""
    done = subprocess.run([sys.executable, "-c", code, *STUDIES], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: python -m benchmarks.") == len(STUDIES)


def test_every_study_is_listed(root):
    commands = [path.stem for path in (root / "benchmarks").glob("*.py") if "__main__" in path.read_text()]
    assert sorted(commands) == sorted(STUDIES)
