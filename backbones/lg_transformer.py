"""Transformer over lines with local attention and global tokens (as in Longformer, Beltagy et al. 2020, section 3.1).

A line sees the lines at a distance of at most `radius` and the global tokens; these see everything and carry the
session's history. Post-norm. Not here: features, heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backbones.layers import MLP, column_major, linear, masked_mean_max, mlp
from backbones.registry import Backbone
from config import ModelConfig


class Attention(nn.Module):
    """Parameters of self-attention; query, key and value are packed."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))
        self.out_proj = linear(d_model, d_model)
        column_major(nn.init.xavier_uniform_(self.in_proj_weight))
        nn.init.zeros_(self.out_proj.bias)


class Block(nn.Module):
    """Parameters of one layer; `block` is its formula."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        if config.global_tokens == "restarted":
            self.global_tokens = nn.Parameter(torch.randn(config.n_global_tokens, d) * 0.02)
        self.attn = Attention(d)
        self.ln1 = nn.LayerNorm(d)
        self.ff = MLP(d, 4 * d, d, config.dropout)
        self.ln2 = nn.LayerNorm(d)
        out = self.attn.out_proj
        self.weights: BlockWeights = (
            (self.attn.in_proj_weight, self.attn.in_proj_bias, out.weight, out.bias),
            self.ff.weights,
            (self.ln1.weight, self.ln1.bias, self.ln2.weight, self.ln2.bias),
        )


FourTensors = tuple[Tensor, Tensor, Tensor, Tensor]
BlockWeights = tuple[FourTensors, FourTensors, FourTensors]


def block(x: Tensor, mask: Tensor | None, weights: BlockWeights, *, size: int, n_heads: int, dropout: float) -> Tensor:
    """Attention and a feed-forward layer, each followed by a residual and a layer norm.

    x `(B * S, d)` with B = size; mask, if any, is added to the attention scores, `(S, S)` or `(B, 1, S, S)`.
    """
    (packed, packed_bias, out, out_bias), of_ff, (norm1, bias1, norm2, bias2) = weights
    rows, d = x.shape
    qkv = F.linear(x, packed, packed_bias).view(size, rows // size, 3, n_heads, d // n_heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, S, d / heads)
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(rows, d)
    x = torch.layer_norm(x + F.linear(mixed, out, out_bias), (d,), norm1, bias1)
    return torch.layer_norm(x + mlp(x, of_ff, dropout), (d,), norm2, bias2)


class LGTransformer(Backbone):
    """The global tokens come first, then the lines, so that one mask serves files of every length."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_global, self.radius = config.n_global_tokens, config.radius
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.proj = linear(config.d_in, config.d_model)
        self.ln = nn.LayerNorm(config.d_model)
        if config.global_tokens == "carried":
            self.global_tokens = nn.Parameter(torch.randn(config.n_global_tokens, config.d_model) * 0.02)
        blocks = [Block(config) for _ in range(config.n_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.first = self.proj.weight, self.proj.bias, self.ln.weight, self.ln.bias
        initial_tokens = [getattr(block, "global_tokens", None) for block in blocks]
        if config.global_tokens == "carried":
            initial_tokens[0] = self.global_tokens
        self.layers = tuple((block.weights, initial) for block, initial in zip(blocks, initial_tokens, strict=True))
        """Of each layer its weights and the global tokens it begins with; None: those that the one before has made."""
        self._local = torch.empty(0, 0)

    def forward(self, x: Tensor, mask: Tensor | None, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `Backbone`; the summary is the mean of `[mean, max]` of the lines and of the mean global token."""
        if mask is not None:
            x = x.masked_fill(~mask[:, :, None], 0.0)
        (size, length, _), n = x.shape, self.n_global
        visible = self._visible(length, mask, x)
        weight, bias, norm, norm_bias = self.first
        both = lines = torch.layer_norm(F.linear(x, weight, bias), norm.shape, norm, norm_bias)
        dropout = self.dropout if self.training else 0.0
        for weights, initial in self.layers:
            if initial is not None:
                tokens = initial.expand(size, -1, -1) if context is None else initial + context[:, None]
                both = torch.cat((tokens, lines), dim=1)
            flat = both.view(size * (n + length), -1)
            flat = block(flat, visible, weights, size=size, n_heads=self.n_heads, dropout=dropout)
            both = flat.view(size, n + length, -1)
            lines = both[:, n:]
        g = both[:, :n].mean(1)
        mean, largest = masked_mean_max(lines, mask)
        return lines, 0.5 * torch.cat((mean + g, largest + g), dim=1)

    def _visible(self, length: int, mask: Tensor | None, like: Tensor) -> Tensor | None:
        """The bias of the attention scores: 0 where a place sees another, -inf elsewhere; None: all see all."""
        if mask is None and length <= self.radius + 1:
            return None
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
