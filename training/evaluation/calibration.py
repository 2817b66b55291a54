"""Whether predicted shares come true as often as they say. Not here: who predicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Pair = tuple[float, float]
"""A predicted share and the observed one, in [0, 1]."""

BINS = 10
"""Of equal width, in which calibration is measured."""


@dataclass(frozen=True)
class Reliability:
    """One bin of predicted shares: how many, mean predicted, mean observed."""

    count: int
    predicted: float
    observed: float


def binned(pairs: Iterable[Pair]) -> tuple[list[Pair], ...]:
    """The pairs in `BINS` bins of equal width by what was predicted; NaN is in none."""
    bins: tuple[list[Pair], ...] = tuple([] for _ in range(BINS))
    for pair in pairs:
        if not math.isnan(pair[0]):
            bins[min(int(pair[0] * BINS), BINS - 1)].append(pair)
    return bins


def reliability(pairs: Iterable[Pair]) -> tuple[Reliability, ...]:
    """The bins of predictions and of what came of them; empty ones are left out."""
    return tuple(_reliability(members) for members in binned(pairs) if members)


def calibration_error(bins: Sequence[Reliability]) -> float | None:
    """Expected calibration error: mean |predicted - observed| over predictions; None without any."""
    total = sum(bin.count for bin in bins)
    return math.fsum(bin.count * abs(bin.predicted - bin.observed) for bin in bins) / total if total else None


def mean(numbers: Sequence[float]) -> float:
    """The arithmetic mean of at least one number."""
    return math.fsum(numbers) / len(numbers)


def _reliability(pairs: Sequence[Pair]) -> Reliability:
    return Reliability(
        len(pairs), mean([predicted for predicted, _ in pairs]), mean([observed for _, observed in pairs])
    )
