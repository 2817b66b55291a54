"""Rows of different lengths in one flat array. Not here: what the rows mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray


def concat_ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenation of `arange(start, start + length)` over all pairs, `(lengths.sum(),)`."""
    if len(starts) == 1:
        return np.arange(starts[0], starts[0] + lengths[0])
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)


def offsets_of(lengths: Iterable[int]) -> NDArray[np.int64]:
    """Where each row starts, and the end of the last one: `(rows + 1,)`."""
    return np.array([0, *accumulate(lengths)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Row i is `values[offsets[i]:offsets[i + 1]]`. values `(n,)` of any type, offsets `(rows + 1,)`."""

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """The given rows, in the given order."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        return Ragged(self.values[concat_ranges(starts, lengths)], offsets_of(lengths.tolist()))

    def head(self, most: int) -> Ragged:
        """At most so many values of each row."""
        lengths = np.diff(self.offsets)
        if len(lengths) == 0 or lengths.max() <= most:
            return self
        lengths = np.minimum(lengths, most)
        return Ragged(self.values[concat_ranges(self.offsets[:-1], lengths)], offsets_of(lengths.tolist()))

    @staticmethod
    def concat(parts: Sequence[Ragged]) -> Ragged:
        """All rows of all parts, in order."""
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return Ragged(np.concatenate([part.values for part in parts]), offsets_of(lengths.tolist()))
