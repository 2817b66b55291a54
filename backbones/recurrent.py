"""Recurrent backbones: local mixing of neighbouring lines around bidirectional layers (`lstm`, `bigru`).

Not here: features, heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from backbones.layers import linear, mean_and_max
from backbones.registry import Backbone
from config import ModelConfig


class Mixing(nn.Module):
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


class Recurrent(Backbone):
    """Mixing layers, bidirectional layers, mixing layers. The session's history is added to every line."""

    def __init__(self, config: ModelConfig, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        d = config.d_model
        self.proj = linear(config.d_in, d)
        self.ln = nn.LayerNorm(d)
        self.before = nn.ModuleList(Mixing(config) for _ in range(config.surround_layers))
        dropout = config.dropout if config.layers > 1 else 0.0
        self.rnn = kind(d, config.hidden, config.layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.out = linear(2 * config.hidden, d)
        self.after = nn.ModuleList(Mixing(config) for _ in range(config.surround_layers))
        self.last_ln = nn.LayerNorm(d)

    def forward(self, x: Tensor, mask: Tensor | None, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `Backbone`; the summary is the mean and the maximum of the lines."""
        hidden = None
        if mask is not None:
            hidden = ~mask[:, :, None]
            x = x.masked_fill(hidden, 0.0)
        x = self.ln(self.proj(x))
        if context is not None:
            x = x + context[:, None]
        for layer in self.before:
            x = layer(x, hidden)
        x = x + self.out(self._recur(x, mask))
        for layer in self.after:
            x = layer(x, hidden)
        x = self.last_ln(x)
        return x, torch.cat(mean_and_max(x, mask), dim=1)

    def _recur(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Output of the bidirectional layers, `(B, L, 2 * hidden)`."""
        if mask is None:
            out: Tensor = self.rnn(x)[0]
            return out
        lengths = mask.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.rnn(packed)[0], batch_first=True, total_length=x.shape[1])[0]


class LSTM(Recurrent):
    """`lstm`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, nn.LSTM)


class BiGRU(Recurrent):
    """`bigru`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, nn.GRU)
