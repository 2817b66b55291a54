"""States to what a network reads: `encode` (arrays, once) and `forward` (features, every batch).

Training and serving take the same path; a single state is a batch of one. Not here: the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import actions
from config import N_DECISIONS, N_SCALARS, TEXT_BYTES, TEXT_DIM, FeaturizerConfig
from featurizers.embedders import build_embedder
from featurizers.encoded import Batch, Encoded
from featurizers.history import HISTORY_DIM, summarise
from featurizers.ragged import offsets_of
from featurizers.scalars import line_scalars, text_scalars, utf8, window
from state import State

LEGAL_AT_ONCE = 64
"""States whose legality is computed together; they are padded to the longest of them."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Features of B states: what a policy reads.

    x `(B, L, d_in)`; mask `(B, L)` bool, where there is a line; padded: whether the mask is False anywhere;
    legal `(B, 7, L)` bool; history `(B, 32)`, None: unknown everywhere (see `Batch`).
    """

    x: Tensor
    mask: Tensor
    padded: bool
    legal: Tensor
    history: Tensor | None


class Featurizer(nn.Module):
    """Text embedding (128) and 20 scalars of each line, projected to `d_in`."""

    def __init__(self, config: FeaturizerConfig) -> None:
        super().__init__()
        self.config = config
        self.text_embedder = build_embedder(config)
        self.proj = nn.Linear(TEXT_DIM + N_SCALARS, config.d_in)
        self.set_trainable(text_embedder=config.train_text_embedder, projector=config.train_featurizer_projector)

    def set_trainable(self, *, text_embedder: bool, projector: bool) -> None:
        """Says which parts learn."""
        self.text_embedder.requires_grad_(text_embedder)
        self.proj.requires_grad_(projector)

    def freeze(self) -> None:
        """Ends learning: from then on the features, and with them the human policy's answers, stay as they are."""
        self.set_trainable(text_embedder=False, projector=False)

    def encode(self, states: Sequence[State], h_max: int | None = None) -> Encoded:
        """All of the states that does not depend on parameters; of long files the window of `h_max` lines.

        h_max: by default the config's.
        """
        config, most = self.config, h_max or self.config.h_max
        firsts = [window(len(s), s.cursor.line if s.cursor.on else -1, most) for s in states]
        seen = [s.lines[first : first + most] for s, first in zip(states, firsts, strict=True)]
        ids: dict[str, int] = {}
        text_ids = np.array([ids.setdefault(line, len(ids)) for lines in seen for line in lines], dtype=np.int64)
        distinct = list(ids)
        codes = utf8(distinct, max(config.w_max, TEXT_BYTES))
        sizes = text_scalars(distinct, codes, config.w_max)[text_ids]
        offsets = offsets_of([len(lines) for lines in seen])
        if config.w_max > TEXT_BYTES:
            codes = utf8(distinct, TEXT_BYTES)
        scalars = [
            line_scalars(s, first, sizes[start:end], config)
            for s, first, start, end in zip(states, firsts, offsets[:-1], offsets[1:], strict=True)
        ]
        legal = []
        for begin in range(0, len(states), LEGAL_AT_ONCE):
            some = slice(begin, begin + LEGAL_AT_ONCE)
            rows = actions.legal(states[some], config.w_max)
            for row, first, lines in zip(rows, firsts[some], seen[some], strict=True):
                legal.append(row[:, first : first + len(lines)].T)
        return Encoded(
            texts=self.text_embedder.encode(distinct, codes),
            text_ids=text_ids,
            scalars=np.concatenate([np.zeros((0, N_SCALARS), dtype=np.float32), *scalars]),
            legal=np.concatenate([np.zeros((0, N_DECISIONS), dtype=bool), *legal]),
            offsets=offsets,
            first_line=np.array(firsts, dtype=np.int64),
            history=np.array([summarise(s.history) for s in states], dtype=np.float32).reshape(-1, HISTORY_DIM),
        )

    def forward(self, batch: Batch) -> Lines:
        """Features of a batch; the same for a line whatever else is in the batch."""
        size, longest = batch.mask.shape
        texts = self.text_embedder(batch.text_values, batch.text_offsets)  # (T, 128)
        x = torch.cat((texts.index_select(0, batch.texts), batch.scalars), dim=1)
        x = F.linear(x, self.proj.weight, self.proj.bias)  # (N, d_in)
        if batch.places is not None:
            x = x.new_zeros(size * longest, x.shape[1]).index_copy(0, batch.places, x)
        return Lines(x.view(size, longest, -1), batch.mask, batch.places is not None, batch.legal, batch.history)
