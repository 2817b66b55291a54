"""States of similar length together, so that a network call is spent on lines and not on padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PADDING_SHARE, CALL_COST = 0.25, 64
"""Padding of a bucket: at most a share of its lines, and as many lines more as another network call would cost."""

MAX_STATES = 64
"""States in a bucket at most: more gain nothing, and memory stays bounded."""


def buckets(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Indices of states, each in one bucket with others of similar length; sorted by length."""
    order = np.argsort(lengths, kind="stable")
    cuts, size, lines = [], 0, 0
    for place, length in enumerate(lengths[order].tolist()):
        size, lines = size + 1, lines + length
        if size > MAX_STATES or size * length > (1 + PADDING_SHARE) * lines + CALL_COST:
            cuts.append(place)
            size, lines = 1, length
    return np.split(order, cuts)
