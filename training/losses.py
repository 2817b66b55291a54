"""The losses of all phases as pure functions of tensors. Not here: networks, loops, weights of a sum of losses.

`weights` (all functions): `(B,)`, which rows count, 0 for those that do not; a mean over no rows is 0.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of the rows that count; a row that does not count may hold anything, not-a-number included."""
    return (torch.where(weights > 0, values, 0.0) * weights).sum() / weights.sum().clamp(min=1e-6)


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


def clipped_value(value: Tensor, old: Tensor, target: Tensor, clip: float) -> Tensor:
    """Loss per row `(B,)`: half the squared error, the worse of the value's and of the value held within `clip` of
    `old`, so that one epoch does not carry it far."""
    held = old + (value - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((value - target).square(), (held - target).square())


def share_loss(logit: Tensor, share: Tensor) -> Tensor:
    """Cross-entropy per row `(B,)` of a predicted share in [0, 1]; proper, so the sigmoid estimates its mean."""
    return F.binary_cross_entropy_with_logits(logit, share, reduction="none")


def effective_sample_size(log_weights: Tensor) -> float:
    """Kish's (sum w)^2 / (n sum w^2), in (0, 1]: the share of the sample that the weights leave; 0 without rows."""
    if not len(log_weights):
        return 0.0
    weights = (log_weights - log_weights.max()).double().exp()
    return float(weights.sum().square() / (len(weights) * weights.square().sum()))
