"""The order in which an epoch goes through its rows.

It follows from a generator alone: a run that was interrupted continues with the same order without storing it.
Not here: seeds (`seeds.py`), padding, which the featurizer's batches do.
"""

from __future__ import annotations

import torch
from torch import Tensor

POOL = 16
"""Minibatches whose rows are sorted by length together: little padding, and still a random order."""


def bucketed(lengths: Tensor, batch_size: int, shuffle: torch.Generator) -> list[Tensor]:
    """Indices `(<= batch_size,)` of minibatches in random order, rows of similar length together.

    lengths: `(N,)` lines of each row.
    """
    order = torch.randperm(len(lengths), generator=shuffle)
    batches: list[Tensor] = []
    for pool in torch.split(order, batch_size * POOL):
        batches.extend(torch.split(pool[torch.argsort(lengths[pool], stable=True)], batch_size))
    return [batches[i] for i in torch.randperm(len(batches), generator=shuffle).tolist()]
