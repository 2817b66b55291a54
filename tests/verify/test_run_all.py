"""The command: every promised check, documented, and an exit code that follows the verdict."""

from __future__ import annotations

import json
import os
import re

import pytest

from verify import all_checks, run_all
from verify.check import Check

PROMISED = {
    "shapes_masks": {"illegal_mass_mean"},
    "bc_overfit": {"action_acc", "line_acc"},
    "value_regression": {"value_rmse"},
    "goal_regression": {"goal_mse"},
    "ppo_toy": {"pre_reward", "post_reward"},
}


def good(settings):
    return {"passed": True, "number": 1.0}


def bad(settings):
    return {"passed": False, "number": 2.0}


def checks(*functions):
    return [Check(function.__name__, function, ("number",)) for function in functions]


def test_every_promised_result_is_there():
    numbers = {check.name: set(check.numbers) for check in all_checks.CHECKS}
    assert len(numbers) == len(all_checks.CHECKS)
    for name, promised in PROMISED.items():
        assert promised <= numbers[name]


def test_every_check_is_documented_and_no_other(root):
    text = (root / "docs" / "verification.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(documented) == sorted(check.name for check in all_checks.CHECKS)


@pytest.mark.parametrize(("functions", "code"), [((good,), 0), ((good, bad), 2)])
def test_the_exit_code_follows_the_verdict(monkeypatch, capsys, functions, code):
    monkeypatch.setattr(all_checks, "CHECKS", checks(*functions))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert run_all.main(["--device", "cpu", "--seed", "3"]) == code
    printed = capsys.readouterr()
    assert json.loads(printed.out)["overall_pass"] is (code == 0)
    assert "good" in printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "nonsense"], "nonsense"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--devce", "cpu"], "--devce"),
        (["--dev", "cpu"], "--dev"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(capsys, words, said):
    assert run_all.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert said in printed.err
