"""README promises: its example runs, its commands are commands."""

import ast
import json
import re
from pathlib import Path

import pytest

from cli.run_tasks import parser
from data_paths import SAMPLE_STATE
from state_adapter import read_state

README = Path(__file__).resolve().parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_library_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(example, str(README), "exec"), {})
    decision, line, probability, _ = capsys.readouterr().out.split()
    assert 0 <= int(decision) <= 6 and int(line) in (-1, 0, 1) and 0 < float(probability) <= 1


@pytest.mark.parametrize("command", re.findall(r"python -m cli\.run_tasks ([^`]+)`", TEXT))
def test_commands_are_commands(command):
    assert parser().parse_args(command.split()).command == command.split()[0]


def test_the_sample_state_is_the_one_of_the_library_example():
    (lines,) = re.findall(r"^lines = (\[.*?^\])", TEXT, re.DOTALL | re.MULTILINE)
    assert read_state(SAMPLE_STATE).lines
    assert json.loads(SAMPLE_STATE.read_bytes())["line_tuples"] == ast.literal_eval(lines)
