"""Means over the rows of a minibatch of which other processes may hold some. Not here: what is averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from training.distributed.process_group import SINGLE_PROCESS, DistributedContext


@dataclass(frozen=True)
class WeightedMean:
    """A mean as two scalars: the sums of weight * value and of weight over the rows of this process."""

    total: Tensor
    weight: Tensor

    @property
    def value(self) -> Tensor:
        """The mean over the rows of this process; 0 if none counts."""
        return self.total / self.weight.clamp(min=1e-6)


def weighted_mean(values: Tensor, weights: Tensor | None = None) -> WeightedMean:
    """Mean of `values (B,)` with `weights (B,)`, by default 1.

    A row of weight 0 does not count and may hold anything, not-a-number included.
    """
    if weights is None:
        return WeightedMean(values.sum(), values.new_full((), len(values)))
    return WeightedMean((torch.where(weights > 0, values, 0.0) * weights).sum(), weights.sum())


def all_reduce_means(
    losses: Mapping[str, WeightedMean], distributed: DistributedContext = SINGLE_PROCESS, *, counts: bool = True
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Collective. By name, this process's shares of the means over all rows of all processes, and those means.

    Shares have gradients, whose sum over the processes is that of one process with all rows, however unevenly the rows
    that count are spread. counts: whether the rows of this process count at all.
    """
    totals = torch.stack([loss.total.detach() for loss in losses.values()])
    weights = torch.stack([loss.weight.detach() for loss in losses.values()])
    totals, weights = distributed.all_reduce_sum(torch.stack((totals, weights)) * float(counts))
    weights_or_one = weights.clamp(min=1e-6)
    shares = {name: loss.total * float(counts) / weights_or_one[i] for i, (name, loss) in enumerate(losses.items())}
    return shares, dict(zip(losses, totals / weights_or_one, strict=True))
