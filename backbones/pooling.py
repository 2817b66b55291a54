"""Mean and maximum over the lines of a file. Not here: decisions, which pool their own scores."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_and_max(lines: Tensor, mask: Tensor | None) -> Tensor:
    """`[mean, maximum]` over the lines of each file, `(B, 2 * d)`; zeros for a file without lines.

    lines `(B, L, d)`; mask `(B, L)` bool, None: every place is a line.
    """
    if mask is None:
        return torch.cat((lines.mean(1), lines.amax(1)), dim=1)
    there = mask[:, :, None]
    count = mask.sum(1, keepdim=True)  # (B, 1)
    mean = lines.masked_fill(~there, 0.0).sum(1) / count.clamp(min=1)
    largest = lines.masked_fill(~there, -torch.inf).amax(1)
    return torch.cat((mean, largest.masked_fill(count == 0, 0.0)), dim=1)
