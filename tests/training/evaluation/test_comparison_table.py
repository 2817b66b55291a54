"""The table of a comparison promises: every measure with both numbers, what it is held against, and plain types."""

import json
import math
from types import SimpleNamespace

from training.evaluation.clustered_statistics import Estimate
from training.evaluation.comparison_table import comparison_rows

ESTIMATES = (
    "human_accuracy", "human_nll", "prior_nll", "assistant_return", "recorded_return", "no_op_share", "kept_brier",
    "base_brier",
)  # fmt: skip
NUMBERS = ("calibration_error", "value_error", "value_spread")


def report(start):
    """Each measure has a number of its own."""
    numbers = {name: Estimate(start + i, 0.5) for i, name in enumerate(ESTIMATES)}
    return SimpleNamespace(**numbers, **{name: start + 50.0 + i for i, name in enumerate(NUMBERS)})


def test_every_measure_stands_before_and_after_beside_what_it_is_held_against():
    before, after = report(0.0), report(100.0)
    rows = {row.name: row for row in comparison_rows(before, after)}
    assert list(rows) == [
        "human's decision, accuracy", "human's decision, NLL", "assistant's return a decision", "share of NO-OP",
        "p(kept), Brier score", "p(kept), calibration error", "value, RMS error",
    ]  # fmt: skip
    nll = rows["human's decision, NLL"]
    assert (nll.before, nll.after, nll.baseline) == (before.human_nll, after.human_nll, after.prior_nll)
    assert (nll.baseline_name, nll.better) == ("class prior", "lower")
    assert rows["assistant's return a decision"].baseline is after.recorded_return
    assert rows["assistant's return a decision"].better == rows["human's decision, accuracy"].better == "higher"
    assert rows["p(kept), Brier score"].baseline is after.base_brier
    assert rows["value, RMS error"].baseline == Estimate(after.value_spread, None)
    assert rows["p(kept), calibration error"].after == Estimate(after.calibration_error, None)
    assert rows["share of NO-OP"].baseline is None and rows["share of NO-OP"].better == ""


def test_a_row_in_plain_types_is_strict_json():
    before, after = report(0.0), report(1.0)
    before.human_nll, before.value_error = Estimate(None, None), math.nan
    plain = [row.as_dict() for row in comparison_rows(before, after)]
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain[1]["before"] == {"mean": None, "error": None} and plain[6]["before"]["mean"] is None
    assert plain[0] == {
        "name": "human's decision, accuracy",
        "before": {"mean": 0.0, "error": 0.5},
        "after": {"mean": 1.0, "error": 0.5},
        "baseline_name": "",
        "baseline": None,
        "better": "higher",
    }
