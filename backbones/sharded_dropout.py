"""Dropout, which several processes with parts of one minibatch draw as one process with all of it would.

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
    """Which rows `(B,)` of a minibatch of `size` files are here; lines of the longest file here and of all."""

    rows: Tensor
    size: int
    here: int
    longest: int


_part: ContextVar[BatchShard | None] = ContextVar("part", default=None)


@contextmanager
def shard_of(lengths: Tensor, rows: Tensor) -> Iterator[None]:
    """In the block networks see the rows `(B,)` of a minibatch whose files have `lengths` `(N,)`, padded to the longest
    of them."""
    here, longest = (max(int(some.max()), 1) for some in (lengths[rows], lengths))
    before = _part.set(BatchShard(rows, len(lengths), here, longest))
    try:
        yield
    finally:
        _part.reset(before)


def dropout(x: Tensor, rate: float) -> Tensor:
    """What `F.dropout` does in training, in the same order of random numbers.

    x `(B, S, d)`, or the same as `(B * S, d)`: L lines of each file and, before them, S - L places that files of every
    length have. Elsewhere padding's places would shift the others' numbers.
    """
    part = _part.get()
    if part is None or not rate:
        return F.dropout(x, rate)
    places = x.numel() // (len(part.rows) * x.shape[-1])  # S
    whole = x.new_empty(part.size, places - part.here + part.longest, x.shape[-1])
    if x.is_cuda:  # where one kernel draws and multiplies
        whole = F.dropout(whole.fill_(1.0), rate) != 0
    else:
        whole.bernoulli_(1.0 - rate)
    kept = whole[part.rows.to(x.device), :places].reshape(x.shape).float()
    return (x * kept.div_(1.0 - rate)).to(x.dtype)  # in bfloat16 the factor would be rounded


class Dropout(nn.Module):
    """The same as a layer: nothing outside training."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape as x."""
        return dropout(x, self.rate) if self.training else x
