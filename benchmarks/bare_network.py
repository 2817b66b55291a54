"""A bare transformer of the default policy's size, written as anyone would: the yardstick of `decision.py`.

d_model 128, 4 layers, 4 heads, a prebuilt local mask, eager scaled_dot_product_attention, the heads for decisions, the
human's decisions, value and goal. Not here: features, masks for padding, legality.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

D_IN, D_MODEL, HEADS, LAYERS, GLOBALS, RADIUS = 192, 128, 4, 4, 4, 32


def mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, D_MODEL), nn.GELU(), nn.Linear(D_MODEL, outputs))


class BareBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(D_MODEL, 3 * D_MODEL), nn.Linear(D_MODEL, D_MODEL)
        self.ln1, self.ln2 = nn.LayerNorm(D_MODEL), nn.LayerNorm(D_MODEL)
        self.ff = nn.Sequential(
            nn.Linear(D_MODEL, 4 * D_MODEL), nn.GELU(), nn.Dropout(0.1), nn.Linear(4 * D_MODEL, D_MODEL)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        size, length, width = x.shape
        q, k, v = self.qkv(x).view(size, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(size, length, width)
        x = self.ln1(x + self.out(mixed))
        out: Tensor = self.ln2(x + self.ff(x))
        return out


class BareNetwork(nn.Module):
    """Lines `(B, L, 192)` and a mask `(L + 4, L + 4)` to the four heads' outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.proj, self.ln = nn.Linear(D_IN, D_MODEL), nn.LayerNorm(D_MODEL)
        self.globals = nn.Parameter(torch.randn(1, GLOBALS, D_MODEL))
        self.blocks = nn.ModuleList(BareBlock() for _ in range(LAYERS))
        self.decision, self.human = mlp(D_MODEL, 7), mlp(D_MODEL, 7)
        self.value, self.goal = mlp(2 * D_MODEL, 1), mlp(2 * D_MODEL, 8)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        x = torch.cat((self.ln(self.proj(x)), self.globals.expand(len(x), -1, -1)), dim=1)
        for block in self.blocks:
            x = block(x, mask)
        lines, g = x[:, :-GLOBALS], x[:, -GLOBALS:].mean(1)
        summary = 0.5 * (torch.cat((lines.mean(1), lines.amax(1)), dim=-1) + torch.cat((g, g), dim=-1))
        return self.decision(lines), self.human(lines), self.value(summary), self.goal(summary)


def local_mask(lines: int) -> Tensor:
    """Where a place may look, `(L + 4, L + 4)` bool."""
    place = torch.arange(lines + GLOBALS)
    near = (place[:, None] - place).abs() <= RADIUS
    return near | (place[:, None] >= lines) | (place >= lines)
