"""Shares of counts with their intervals, and whether the counts allow to say anything. Not here: what is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH = 12
"""Observations from which a rate says something: from there on no interval is wider than one half."""

_Z = 1.959963984540054
"""Of a standard normal variable, which is within it with 95 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The mean of n numbers in [0, 1]. low, high: its 95 % Wilson interval; None where n is 0."""

    n: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def enough(self) -> bool:
        """Whether there are `ENOUGH` observations."""
        return self.n >= ENOUGH


def rate(shares: Sequence[float]) -> Rate:
    """The mean of numbers in [0, 1] with the interval of Wilson (1927), which is exact for none but safe for all.

    Of numbers with that mean those that are 0 or 1 vary most, so that for shares between them the interval is too wide
    rather than too narrow. It takes them for independent.
    """
    n = len(shares)
    if not n:
        return Rate(0)
    mean = min(max(math.fsum(shares) / n, 0.0), 1.0)
    centre, scale = mean + _Z**2 / (2 * n), 1 + _Z**2 / n
    half_width = _Z * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n**2))
    low, high = (centre - half_width) / scale, (centre + half_width) / scale
    return Rate(n, mean, min(max(low, 0.0), mean), max(min(high, 1.0), mean))
