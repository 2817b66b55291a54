"""The losses of all phases as pure functions of tensors. Not here: networks, loops, weights of a sum of losses.

`weights` (all functions): `(B,)`, which rows count, 0 for those that do not; a mean over no rows is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.distributed.process_group import SINGLE_PROCESS, DistributedContext


@dataclass(frozen=True)
class WeightedMean:
    """A mean of rows of which other processes may hold some: the sums of weight * value and of weight, scalars."""

    total: Tensor
    weight: Tensor

    @property
    def value(self) -> Tensor:
        """Of the rows that are here."""
        return self.total / self.weight.clamp(min=1e-6)


def mean(values: Tensor, weights: Tensor | None = None) -> WeightedMean:
    """Of the rows that count (None: all); a row that does not count may hold anything, not-a-number included."""
    if weights is None:
        return WeightedMean(values.sum(), values.new_full((), len(values)))
    return WeightedMean((torch.where(weights > 0, values, 0.0) * weights).sum(), weights.sum())


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """The same where all rows are here."""
    return mean(values, weights).value


def means(
    parts: Mapping[str, WeightedMean], distributed: DistributedContext = SINGLE_PROCESS, *, counts: bool = True
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Collective. By name, this process's shares of the means over all rows of all processes, and those means.

    Shares have gradients, whose sum over the processes is that of one process with all rows, however unevenly the rows
    that count are spread. counts: whether the rows here count at all.
    """
    totals, weights = (torch.stack([getattr(part, name).detach() for part in parts.values()]) * float(counts)
                       for name in ("total", "weight"))  # fmt: skip
    totals, weights = distributed.all_reduce_sum(torch.stack((totals, weights)))
    over = weights.clamp(min=1e-6)
    shares = {name: part.total * float(counts) / over[i] for i, (name, part) in enumerate(parts.items())}
    return shares, dict(zip(parts, totals / over, strict=True))


def clipped_surrogate(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """Loss per row `(B,)`: -min(r A, clip(r, 1 - clip, 1 + clip) A) with r = exp(log_ratio).

    Schulman et al. 2017, Proximal Policy Optimization Algorithms, eq. 7.
    """
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def advantage_weights(advantage: Tensor, beta: float, cap: float) -> Tensor:
    """exp(A / beta), at most `cap`: how much a recorded decision is imitated (Peng et al. 2019, Advantage-Weighted
    Regression, eq. 9)."""
    return (advantage / beta).exp().clamp(max=cap)


def clipped_value_loss(value: Tensor, old: Tensor, target: Tensor, clip: float) -> Tensor:
    """Loss per row `(B,)`: half the squared error, the worse of the value's and of the value held within `clip` of
    `old`, so that one epoch does not carry it far."""
    held = old + (value - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((value - target).square(), (held - target).square())


def retention_cross_entropy(logit: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy per row `(B,)` of a predicted share in [0, 1]; proper, so the sigmoid estimates its mean."""
    return F.binary_cross_entropy_with_logits(logit, share, reduction="none")


def effective_sample_size(log_weights: Tensor) -> float:
    """Kish's (sum w)^2 / (n sum w^2), in (0, 1]: the share of the sample that the weights leave; 0 without rows."""
    if not len(log_weights):
        return 0.0
    weights = (log_weights - log_weights.max()).double().exp()
    return float(weights.sum().square() / (len(weights) * weights.square().sum()))
