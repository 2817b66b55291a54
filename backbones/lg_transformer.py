"""Transformer over lines with local attention and global tokens (as in Longformer, Beltagy et al. 2020, section 3.1).

A line sees the lines at a distance of at most `radius` and the global tokens; these see everything and carry the
session's history. Post-norm. Not here: features, heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbones.pooling import mean_and_max
from backbones.registry import Backbone
from config import ModelConfig


class Attention(nn.Module):
    """Multi-head self-attention with packed query, key and value."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))
        self.out_proj = nn.Linear(d_model, d_model)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x `(B, S, d_model)`; mask is added to the scores, `(S, S)` or `(B, 1, S, S)`."""
        size, length, width = x.shape
        packed = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = packed.view(size, length, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return F.linear(mixed.transpose(1, 2).reshape(size, length, width), self.out_proj.weight, self.out_proj.bias)


class Block(nn.Module):
    """Attention and a feed-forward layer, each followed by a residual and a layer norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        if config.global_tokens == "restarted":
            self.global_tokens = nn.Parameter(torch.randn(config.n_global_tokens, d) * 0.02)
        self.attn = Attention(d, config.n_heads)
        self.ln1 = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(4 * d, d))
        self.ln2 = nn.LayerNorm(d)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x `(B, S, d_model)`; mask as in `Attention`."""
        x = self.ln1(x + self.attn(x, mask))
        out: Tensor = self.ln2(x + self.ff(x))
        return out


class LGTransformer(Backbone):
    """The global tokens come first, then the lines, so that one mask serves files of every length."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_global, self.radius = config.n_global_tokens, config.radius
        self.restarted = config.global_tokens == "restarted"
        self.proj = nn.Linear(config.d_in, config.d_model)
        self.ln = nn.LayerNorm(config.d_model)
        if not self.restarted:
            self.global_tokens = nn.Parameter(torch.randn(config.n_global_tokens, config.d_model) * 0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self._local = torch.empty(0, 0)

    def forward(self, x: Tensor, mask: Tensor | None, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `Backbone`; the summary is the mean of `[mean, max]` of the lines and of the mean global token."""
        if mask is not None:
            x = x.masked_fill(~mask[:, :, None], 0.0)
        visible = self._visible(x.shape[1], mask, x)
        n, lines = self.n_global, self.ln(self.proj(x))
        both = lines
        for index, block in enumerate(self.blocks):
            if self.restarted:
                both = self._with_globals(block, lines, context)
            elif index == 0:
                both = self._with_globals(self, lines, context)
            both = block(both, visible)
            lines = both[:, n:]
        g = both[:, :n].mean(1)
        return lines, 0.5 * (mean_and_max(lines, mask) + torch.cat((g, g), dim=1))

    @staticmethod
    def _with_globals(owner: nn.Module, lines: Tensor, context: Tensor | None) -> Tensor:
        """The owner's global tokens, told of the session's history, before the lines: `(B, n_global + L, d_model)`."""
        tokens = owner.global_tokens
        assert isinstance(tokens, Tensor)
        tokens = tokens.expand(len(lines), -1, -1) if context is None else tokens + context[:, None]
        return torch.cat((tokens, lines), dim=1)

    def _visible(self, length: int, mask: Tensor | None, like: Tensor) -> Tensor:
        """What is added to the attention scores: 0 where a place sees another, -inf elsewhere."""
        total = self.n_global + length
        local = self._local
        if len(local) < total or local.device != like.device or local.dtype != like.dtype:
            local = self._local = _local_mask(total, self.n_global, self.radius, like)
        local = local[:total, :total]
        if mask is None:
            return local
        keys = F.pad(mask, (self.n_global, 0), value=True)[:, None, None]  # (B, 1, 1, S)
        return local.masked_fill(~keys, -torch.inf)


@torch.inference_mode(False)  # it is kept, and a tensor of inference mode could not be used in training later
def _local_mask(total: int, n_global: int, radius: int, like: Tensor) -> Tensor:
    place = torch.arange(total, device=like.device)
    hidden = (place[:, None] - place).abs() > radius
    hidden[:n_global] = False
    hidden[:, :n_global] = False
    return torch.zeros(total, total, device=like.device, dtype=like.dtype).masked_fill_(hidden, -torch.inf)
