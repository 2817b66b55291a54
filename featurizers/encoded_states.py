"""States as arrays that do not depend on parameters (`EncodedStates`), and a padded selection of them (`StateBatch`).

A data set is encoded once; each of its distinct lines is kept once. Not here: parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actions import Decision
from config import N_DECISIONS
from featurizers.ragged import Ragged, concat_ranges, offsets_of


@dataclass(frozen=True, slots=True)
class StateBatch:
    """B states, padded to L lines (the longest of them, at least 1); N lines in all, T of them distinct.

    text_values, text_offsets: what the text embedder reads of the T distinct lines (for most of them int32 both).
    texts `(N,)`: which of them each line is. scalars `(N, 20)`.
    places `(N,)`: where each line stands among the `B * L` places; None: nothing is padding.
    mask `(B, L)` bool: where there is a line. legal `(B, 7, L)` bool: where the assistant may decide what.
    history `(B, 32)`: summary of the session's history, its last column 1 if there is one; None: there is none in the
    whole batch.
    """

    text_values: Tensor
    text_offsets: Tensor
    texts: Tensor
    scalars: Tensor
    places: Tensor | None
    mask: Tensor
    legal: Tensor
    history: Tensor | None

    def to(self, device: torch.device | str) -> StateBatch:
        """A copy of the batch on a device."""
        moved = {
            field.name: value.to(device) for field in fields(self) if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class EncodedStates:
    """Arrays of S states with N lines in all (windows of at most `h_max` lines each), T of them distinct.

    texts: T rows for the text embedder. text_ids `(N,)`; scalars `(N, 20)`; legal `(N, 7)`; offsets `(S + 1,)`:
    state i has the lines `offsets[i]:offsets[i + 1]`; first_line `(S,)`: the file's line that its first one is;
    history `(S, 32)`: summary of the session's history, the last column 1 if there is one.
    """

    texts: Ragged
    text_ids: NDArray[np.int64]
    scalars: NDArray[np.float32]
    legal: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    first_line: NDArray[np.int64]
    history: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.first_line)

    def lengths(self) -> NDArray[np.int64]:
        """Lines of each state, `(S,)`."""
        return np.diff(self.offsets)

    def batch(
        self, rows: Sequence[int] | NDArray[np.int64] | Tensor | None = None, device: torch.device | str = "cpu"
    ) -> StateBatch:
        """The given states (all by default), padded to the longest of them."""
        selected = self if rows is None else self.take(np.asarray(rows, dtype=np.int64))
        return selected._padded(device)

    def take(self, rows: NDArray[np.int64]) -> EncodedStates:
        """The given states in the given order, and of the distinct lines those that they have."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        lines = concat_ranges(starts, lengths)
        distinct, text_ids = np.unique(self.text_ids[lines], return_inverse=True)
        return EncodedStates(
            self.texts.take(distinct), text_ids, self.scalars[lines], self.legal[lines], offsets_of(lengths.tolist()),
            self.first_line[rows], self.history[rows],
        )  # fmt: skip

    def _padded(self, device: torch.device | str) -> StateBatch:
        size, ends = len(self), self.offsets.tolist()
        longest = max(1, *(end - start for start, end in pairwise(ends)))
        legal, places = self.legal, None
        if ends[-1] < size * longest:
            is_line = np.arange(longest) < np.diff(self.offsets)[:, None]
            places = torch.from_numpy(np.flatnonzero(is_line))
            legal = np.zeros((size * longest, N_DECISIONS), dtype=bool)
            legal[is_line.ravel()] = self.legal
        allowed = torch.from_numpy(legal).view(size, longest, N_DECISIONS).transpose(1, 2)
        mask = allowed[:, Decision.NO_OP]  # it is legal at every line
        batch = StateBatch(
            torch.from_numpy(self.texts.values), torch.from_numpy(self.texts.offsets.astype(np.int32)),
            torch.from_numpy(self.text_ids),
            torch.from_numpy(self.scalars), places, mask, allowed,
            torch.from_numpy(self.history) if self.history.any() else None,
        )  # fmt: skip
        return batch if device == "cpu" else batch.to(device)

    @staticmethod
    def concat(parts: Sequence[EncodedStates]) -> EncodedStates:
        """All states of all parts, in order."""
        shifts = np.cumsum([0] + [len(part.texts) for part in parts[:-1]])
        return EncodedStates(
            Ragged.concat([part.texts for part in parts]),
            np.concatenate([part.text_ids + shift for part, shift in zip(parts, shifts, strict=True)]),
            np.concatenate([part.scalars for part in parts]),
            np.concatenate([part.legal for part in parts]),
            offsets_of([length for part in parts for length in part.lengths().tolist()]),
            np.concatenate([part.first_line for part in parts]),
            np.concatenate([part.history for part in parts]),
        )
