"""The report and the command: the promised structure, strict JSON, and an exit code that follows the verdict."""

from __future__ import annotations

import json
import math
import os
import re

import pytest

from verify import all_checks, run_all
from verify.check import THRESHOLDS, Check, Settings, strict
from verify.report import report, run

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


def not_a_number(settings):
    return {"passed": False, "number": math.nan, "by_backbone": {"lstm": [math.inf, 1.0]}}


def raising(settings):
    raise ValueError("found something")


def dying(settings):
    os._exit(9)


def checks(*functions):
    return [Check(function.__name__, function, ("number",)) for function in functions]


def test_thresholds_are_the_contract_s():
    assert THRESHOLDS == {
        "illegal_mass_mean_lt": 1e-6, "bc_action_acc_ge": 0.95, "bc_line_acc_ge": 0.90,
        "value_rmse_le": 0.05, "goal_mse_le": 1e-3, "ppo_post_reward_ge": 0.4,
    }  # fmt: skip


def test_every_promised_result_is_there():
    numbers = {check.name: set(check.numbers) for check in all_checks.CHECKS}
    assert len(numbers) == len(all_checks.CHECKS)
    for name, promised in PROMISED.items():
        assert promised <= numbers[name]


def test_every_check_is_documented_and_no_other(root):
    text = (root / "docs" / "verification.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(documented) == sorted(check.name for check in all_checks.CHECKS)


@pytest.mark.parametrize(
    ("functions", "verdict", "processes"),
    [((good,), True, 1), ((good, bad), False, 1), ((good, raising), False, 1), ((good, bad), False, 2)],
)
def test_the_verdict_is_that_of_all(functions, verdict, processes):
    found = report(checks(*functions), Settings(), processes)
    assert found["overall_pass"] is verdict
    assert found["thresholds"] == THRESHOLDS
    assert set(found["results"]) == {function.__name__ for function in functions}


def test_what_raises_fails_and_keeps_its_keys(capsys):
    found = report(checks(good, raising), Settings())["results"]["raising"]
    assert found["passed"] is False
    assert found["number"] is None
    assert found["error"] == "ValueError: found something"
    assert "Traceback" in capsys.readouterr().err


def test_a_process_that_dies_fails_its_check():
    found = report(checks(dying), Settings(), processes=2)
    assert found["overall_pass"] is False
    assert found["results"]["dying"]["number"] is None


def test_the_report_is_strict_json():
    (check,) = checks(not_a_number)
    found = run(check, Settings())
    assert json.loads(json.dumps(found, allow_nan=False))["by_backbone"] == {"lstm": [None, 1.0]}
    assert found["number"] is None
    assert strict({"a": (-math.inf, "x", 3, True, None)}) == {"a": [None, "x", 3, True, None]}


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


def test_seeds_are_different_for_different_purposes():
    one, other = Settings(seed=1), Settings(seed=2)
    seeds = [one.seed_of("a"), one.seed_of("b"), one.seed_of("a", 0), one.seed_of("a0"), other.seed_of("a")]
    assert len(set(seeds)) == len(seeds)
    assert one.seed_of("a") == Settings(seed=1).seed_of("a")
