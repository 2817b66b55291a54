"""Means with intervals, for the tables of the documents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

T_975 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23, 19: 2.09, 29: 2.05}
"""Student's t at 97.5 % by degrees of freedom; between two, the smaller one's."""


@dataclass(frozen=True)
class Interval:
    """A mean and half the width of its 95 % confidence interval."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ± {self.half:.3f}"


def interval(values: Sequence[float]) -> Interval:
    """Student's interval of the mean of independent values; infinitely wide for fewer than two."""
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    if n < 2:
        return Interval(mean, math.inf)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1))
    return Interval(mean, T_975[max(d for d in T_975 if d < n)] * deviation / math.sqrt(n))
