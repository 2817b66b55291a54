"""Dropout that is the same for several processes with shards of a minibatch as for one process with all of it.

The mask of a place follows from where it stands in the whole minibatch. So each process draws the mask of all of it,
from a generator seeded alike, and uses its own rows. Not here: who has which rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class BatchShard:
    """A process's rows `(B,)` of a minibatch of `size` files; lines of its longest file and of the longest of all."""

    rows: Tensor
    size: int
    shard_longest: int
    longest: int


_current_shard: ContextVar[BatchShard | None] = ContextVar("current_shard", default=None)


@contextmanager
def shard_of(lengths: Tensor, rows: Tensor) -> Iterator[None]:
    """In the block networks see the rows `(B,)` of a minibatch whose files have `lengths` `(N,)`, padded to the longest
    of them."""
    shard_longest, longest = max(int(lengths[rows].max()), 1), max(int(lengths.max()), 1)
    before = _current_shard.set(BatchShard(rows, len(lengths), shard_longest, longest))
    try:
        yield
    finally:
        _current_shard.reset(before)


def dropout(x: Tensor, rate: float) -> Tensor:
    """`F.dropout` in training, with the random numbers that one process with the whole minibatch would draw.

    x `(B, S, d)`, or the same as `(B * S, d)`: L lines of each file and, before them, S - L places that files of every
    length have. Any other order would let padding shift the others' numbers.
    """
    shard = _current_shard.get()
    if shard is None or not rate:
        return F.dropout(x, rate)
    places = x.numel() // (len(shard.rows) * x.shape[-1])  # S
    mask = x.new_empty(shard.size, places - shard.shard_longest + shard.longest, x.shape[-1])
    if x.is_cuda:  # where one kernel draws and multiplies
        mask = F.dropout(mask.fill_(1.0), rate) != 0
    else:
        mask.bernoulli_(1.0 - rate)
    survivors = mask[shard.rows.to(x.device), :places].reshape(x.shape).float()
    return (x * survivors.div_(1.0 - rate)).to(x.dtype)  # in bfloat16 the factor would be rounded


class Dropout(nn.Module):
    """`dropout` as a layer: the identity outside training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape as x."""
        return dropout(x, self.rate) if self.training else x
