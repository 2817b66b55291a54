"""States of similar length together, so that a network call is spent on lines and not on padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PADDING, CALL = 0.25, 64
"""A bucket may be padded by a quarter of its lines, and by as many more as another network call would cost."""

MOST = 64
"""States in a bucket: more of them gain nothing, and memory stays bounded."""


def buckets(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Indices of states of similar length: every one in one bucket, buckets and their states by length."""
    order = np.argsort(lengths, kind="stable")
    cuts, size, lines = [], 0, 0
    for place, length in enumerate(lengths[order].tolist()):
        size, lines = size + 1, lines + length
        if size > MOST or size * length > (1 + PADDING) * lines + CALL:
            cuts.append(place)
            size, lines = 1, length
    return np.split(order, cuts)
