"""Losses as pure functions of tensors, one number per row `(B,)`. Not here: means, networks, weights of a sum."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def clipped_surrogate(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """-min(r A, clip(r, 1 - clip, 1 + clip) A) with r = exp(log_ratio), `(B,)`.

    Schulman et al. 2017, Proximal Policy Optimization Algorithms, eq. 7.
    """
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def advantage_weights(advantage: Tensor, beta: float, cap: float) -> Tensor:
    """exp(A / beta), at most `cap`, `(B,)`: how much a recorded decision is imitated.

    Peng et al. 2019, Advantage-Weighted Regression, eq. 9.
    """
    return (advantage / beta).exp().clamp(max=cap)


def clipped_value_loss(value: Tensor, old: Tensor, target: Tensor, clip: float) -> Tensor:
    """Half the squared error `(B,)`, the larger of the value's and of the value held within `clip` of `old`, so that
    one epoch does not carry it far."""
    clipped = old + (value - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((value - target).square(), (clipped - target).square())


def retention_cross_entropy(logit: Tensor, retained: Tensor) -> Tensor:
    """Cross-entropy `(B,)` of a predicted share in [0, 1]; proper, so the sigmoid estimates its mean."""
    return F.binary_cross_entropy_with_logits(logit, retained, reduction="none")
