"""The table of a comparison: each measure before and after, and what it is held against. Not here: how it is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from training.evaluation.clustered_statistics import Estimate
from training.evaluation.held_out_report import Report

Direction = Literal["higher", "lower", ""]
Number = Estimate | float | None


@dataclass(frozen=True)
class ComparisonRow:
    """A measure. baseline: what it is held against, "": nothing. better: the direction that is better, "": neither."""

    name: str
    before: Estimate
    after: Estimate
    baseline_name: str = ""
    baseline: Estimate | None = None
    better: Direction = ""

    def as_dict(self) -> dict[str, object]:
        """The row in plain JSON types; a number that is not finite is None."""
        return {
            "name": self.name,
            "before": _plain(self.before),
            "after": _plain(self.after),
            "baseline_name": self.baseline_name,
            "baseline": None if self.baseline is None else _plain(self.baseline),
            "better": self.better,
        }


def comparison_rows(before: Report, after: Report) -> list[ComparisonRow]:
    """The measures in the order in which a person reads them."""
    return [
        _row("human's decision, accuracy", before.human_accuracy, after.human_accuracy, better="higher"),
        _row("human's decision, NLL", before.human_nll, after.human_nll, ("class prior", after.prior_nll), "lower"),
        _row(
            "assistant's return a decision",
            before.assistant_return,
            after.assistant_return,
            ("as recorded", after.recorded_return),
            "higher",
        ),
        _row("share of NO-OP", before.no_op_share, after.no_op_share),
        _row("p(kept), Brier score", before.kept_brier, after.kept_brier, ("base rate", after.base_brier), "lower"),
        _row("p(kept), calibration error", before.calibration_error, after.calibration_error, better="lower"),
        _row("value, RMS error", before.value_error, after.value_error, ("spread", after.value_spread), "lower"),
    ]


def _row(
    name: str, before: Number, after: Number, baseline: tuple[str, Number] | None = None, better: Direction = ""
) -> ComparisonRow:
    """baseline: its name and number, if there is one."""
    baseline_name, number = baseline or ("", None)
    held_against = None if baseline is None else _estimate(number)
    return ComparisonRow(name, _estimate(before), _estimate(after), baseline_name, held_against, better)


def _estimate(number: Number) -> Estimate:
    return number if isinstance(number, Estimate) else Estimate(number, None)


def _plain(estimate: Estimate) -> dict[str, float | None]:
    return {"mean": _finite(estimate.mean), "error": _finite(estimate.error)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
