"""Recurrent backbones: local mixing of neighbouring lines around bidirectional layers (`lstm`, `bigru`).

Not here: features, heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbones.layers import linear, masked_mean_max
from backbones.registry import Backbone
from backbones.sharded_dropout import Dropout
from config import ModelConfig


class ConvMixing(nn.Module):
    """Depthwise, then pointwise convolution over lines, with a residual."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d, k = config.d_model, config.kernel_size
        self.ln = nn.LayerNorm(d)
        self.depthwise = nn.Conv1d(d, d, k, padding=k // 2, groups=d)
        self.pointwise = nn.Conv1d(d, d, 1)

    def forward(self, x: Tensor, hidden: Tensor | None) -> Tensor:
        """x `(B, L, d_model)`; hidden `(B, L, 1)` bool: padding, which must not flow into the last lines."""
        y = self.ln(x)
        if hidden is not None:
            y = y.masked_fill(hidden, 0.0)
        mixed = self.depthwise(y.transpose(1, 2))[..., : x.shape[1]]  # an even kernel gives one place too many
        y = self.pointwise(F.gelu(mixed))
        out: Tensor = x + y.transpose(1, 2)
        return out


class BidirectionalLayer(nn.Module):
    """A recurrent layer over the lines from the top, and one from the bottom: `(B, L, inputs)` to `(B, L, 2 * hidden)`.

    Padding stands after the last line, so a layer from the top meets it too late to be influenced. For the other one
    each file's lines are turned round within their own length. (Packed sequences do the same, and make training two to
    four times as slow.)
    """

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], inputs: int, hidden: int) -> None:
        super().__init__()
        self.down, self.up = kind(inputs, hidden, batch_first=True), kind(inputs, hidden, batch_first=True)

    def forward(self, x: Tensor, order: Tensor | None) -> Tensor:
        """order `(B * L,)`: which place's line comes to each when files are turned round; None: all are full."""
        if x.is_cuda:  # cuDNN goes back through a layer in training mode alone; there is no dropout in these
            for layer in (self.down, self.up):
                layer.training = torch.is_grad_enabled()
        return torch.cat((self.down(x)[0], reverse_lines(self.up(reverse_lines(x, order))[0], order)), dim=2)


def reverse_lines(x: Tensor, order: Tensor | None) -> Tensor:
    """x `(B, L, d)` with each file's lines in the opposite order."""
    # Whole rows are copied here: a tenth of the time that gather takes.
    return x.flip(1) if order is None else x.flatten(0, 1).index_select(0, order).view_as(x)


def reversal_index(mask: Tensor) -> Tensor:
    """For `reverse_lines`: the place `(B * L,)` whose line comes to each place; padding stays where it is."""
    size, longest = mask.shape
    place = torch.arange(longest, device=mask.device)
    within = torch.where(mask, mask.sum(1, keepdim=True) - 1 - place, place)
    return (within + torch.arange(0, size * longest, longest, device=mask.device)[:, None]).flatten()


class Recurrent(Backbone):
    """Mixing layers, bidirectional layers, mixing layers. The session's history is added to every line."""

    def __init__(self, config: ModelConfig, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        d, hidden = config.d_model, config.hidden
        self.proj = linear(config.d_in, d)
        self.ln = nn.LayerNorm(d)
        self.before = nn.ModuleList(ConvMixing(config) for _ in range(config.surround_layers))
        widths = [d] + [2 * hidden] * (config.layers - 1)
        self.layers = nn.ModuleList(BidirectionalLayer(kind, width, hidden) for width in widths)
        self.dropout = Dropout(config.dropout)
        self.out = linear(2 * hidden, d)
        self.after = nn.ModuleList(ConvMixing(config) for _ in range(config.surround_layers))
        self.last_ln = nn.LayerNorm(d)

    def forward(self, x: Tensor, mask: Tensor | None, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `Backbone`; the summary is the mean and the maximum of the lines."""
        hidden, order = None, None
        if mask is not None:
            hidden, order = ~mask[:, :, None], reversal_index(mask)
            x = x.masked_fill(hidden, 0.0)
        x = self.ln(self.proj(x))
        if context is not None:
            x = x + context[:, None]
        for mixing in self.before:
            x = mixing(x, hidden)
        y = x
        for layer in self.layers:
            y = self.dropout(layer(y, order))
        x = x + self.out(y)
        for mixing in self.after:
            x = mixing(x, hidden)
        x = self.last_ln(x)
        return x, torch.cat(masked_mean_max(x, mask), dim=1)


class LSTM(Recurrent):
    """Backbone `lstm`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, nn.LSTM)


class BiGRU(Recurrent):
    """Backbone `bigru`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, nn.GRU)
