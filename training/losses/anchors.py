"""How strongly what was known before learning holds a person's few sessions. Not here: the divergences themselves."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def anchor_weight(weight: float, sessions: int) -> float:
    """Strength of an anchor to the start: `weight / sqrt(sessions)`, so that it falls as sessions are added."""
    return weight / math.sqrt(max(sessions, 1))


def anchored_retention_targets(retained: Tensor, initial_logit: Tensor, anchor: float) -> Tensor:
    """Targets of p(kept), `(N,)`: the shares retained, drawn towards what was expected before learning.

    Cross-entropy is linear in its target, so this is the loss plus `anchor` times the cross-entropy with the start, up
    to scale. initial_logit `(N,)`: the head's at the start; the mean share stands in for it where it fits better (a
    head that an imported model lacked knows nothing). Shares that are not known (NaN) stay so.
    """
    is_known = ~retained.isnan()
    if not is_known.any():
        return retained
    mean = retained[is_known].mean().clamp(0.01, 0.99)
    candidates = (initial_logit.sigmoid(), mean.expand_as(retained))
    initial = min(candidates, key=lambda p: float(F.binary_cross_entropy(p[is_known], retained[is_known])))
    return torch.where(is_known, (retained + anchor * initial) / (1 + anchor), retained)
