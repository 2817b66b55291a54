"""Whether predicted shares come true as often as they say. Not here: who predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

BINS = 10
"""Of equal width, in which calibration is measured."""


@dataclass(frozen=True)
class Reliability:
    """One bin of predicted shares: how many, mean predicted, mean observed."""

    count: int
    predicted: float
    observed: float


def reliability(predicted: Tensor, observed: Tensor) -> tuple[Reliability, ...]:
    """Predictions and what came of them, `(N,)` each, in `BINS` bins of equal width; empty ones are left out."""
    bins = (predicted * BINS).long().clamp(max=BINS - 1)
    masks = (bins == i for i in range(BINS))
    return tuple(
        Reliability(int(mask.sum()), float(predicted[mask].mean()), float(observed[mask].mean()))
        for mask in masks
        if mask.any()
    )


def calibration_error(bins: Sequence[Reliability]) -> float | None:
    """Expected calibration error: mean |predicted - observed| over predictions; None without any."""
    total = sum(bin.count for bin in bins)
    return sum(bin.count * abs(bin.predicted - bin.observed) for bin in bins) / total if total else None
