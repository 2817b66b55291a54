"""Small layers that several networks share. Not here: networks.

A decision is a hundred small operations, and looking up modules and parameters by name would cost as much time as the
arithmetic. So a layer keeps its parameters in a tuple as well, and its formula is a function of that tuple. The
parameters are the same objects under both names; moving, copying and loading a module keep it so.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbones.sharded_dropout import Dropout, dropout


@torch.no_grad()
def column_major(matrix: Tensor) -> Tensor:
    """Lays a parameter, a matrix, out column by column in memory and returns it.

    Few rows at a time, which is what a decision multiplies it with, then take up to half the time (MKL on AVX-512);
    many take the same.
    """
    matrix.data = matrix.data.t().contiguous().t()
    return matrix


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer whose matrix is laid out by columns."""
    layer = nn.Linear(inputs, outputs)
    column_major(layer.weight)
    return layer


MLPWeights = tuple[Tensor, Tensor, Tensor, Tensor]


def mlp(x: Tensor, weights: MLPWeights, rate: float = 0.0) -> Tensor:
    """Linear, exact GELU, dropout, linear: `(..., inputs)` to `(..., outputs)`; x as `dropout` takes it, if any."""
    first, first_bias, last, last_bias = weights
    x = F.gelu(F.linear(x, first, first_bias))
    if rate:
        x = dropout(x, rate)
    return F.linear(x, last, last_bias)


class MLP(nn.Sequential):
    """Linear, exact GELU, (dropout,) linear; the linear layers are the first and the last of the sequence."""

    def __init__(self, inputs: int, hidden: int, outputs: int, rate: float | None = None) -> None:
        first, last = linear(inputs, hidden), linear(hidden, outputs)
        super().__init__(first, nn.GELU(), *([] if rate is None else [Dropout(rate)]), last)
        self.weights: MLPWeights = (first.weight, first.bias, last.weight, last.bias)
        self.rate = rate or 0.0

    def forward(self, x: Tensor) -> Tensor:
        """`(..., inputs)` to `(..., outputs)`."""
        return mlp(x, self.weights, self.rate if self.training else 0.0)


def masked_mean_max(lines: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and maximum over the lines of each file, `(B, d)` both; zeros for a file without lines.

    lines `(B, L, d)`; mask `(B, L)` bool, None: every place is a line.
    """
    if mask is None:
        return lines.mean(1), lines.amax(1)
    hidden = ~mask[:, :, None]
    count = mask.sum(1, keepdim=True)  # (B, 1)
    mean = lines.masked_fill(hidden, 0.0).sum(1) / count.clamp(min=1)
    largest = lines.masked_fill(hidden, -torch.inf).amax(1)
    return mean, largest.masked_fill(count == 0, 0.0)
