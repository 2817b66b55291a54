"""States to a network's input: `encode` (arrays, once) and `forward` (features, every batch).

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
from alignment import strip_line_end
from config import N_SCALARS, TEXT_DIM, FeaturizerConfig
from featurizers.embedders import build_embedder
from featurizers.encoded_states import EncodedStates, StateBatch
from featurizers.history import history_features
from featurizers.ragged import concat_ranges, offsets_of
from featurizers.scalars import SIZES, fill_scalars, line_bytes_and_sizes
from state import State, window_start


@dataclass(frozen=True, slots=True)
class LineFeatures:
    """Features of B states, the input of a policy.

    x `(B, L, d_in)`; mask `(B, L)` bool, where there is a line; padded: whether the mask is False anywhere;
    legal `(B, 7, L)` bool; history `(B, 32)`, None: unknown everywhere (see `StateBatch`).
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
        self.proj.weight.data = self.proj.weight.data.t().contiguous().t()  # see `backbones.layers.column_major`
        self.weights = self.proj.weight, self.proj.bias  # looking them up by name takes longer
        self.set_trainable(text_embedder=config.train_text_embedder, projector=config.train_featurizer_projector)

    @property
    def device(self) -> torch.device | str:
        """Device of the parameters."""
        device = self.weights[0].device
        return "cpu" if device.type == "cpu" else device

    def set_trainable(self, *, text_embedder: bool, projector: bool) -> None:
        """Sets which parts learn."""
        self.text_embedder.requires_grad_(text_embedder)
        self.proj.requires_grad_(projector)

    def freeze(self) -> None:
        """Ends learning: the features, and with them the human policy's outputs, no longer change."""
        self.set_trainable(text_embedder=False, projector=False)

    def encode(self, states: Sequence[State], h_max: int | None = None) -> EncodedStates:
        """Arrays of the states that do not depend on parameters; of long files the window of `h_max` lines.

        h_max: by default the config's.
        """
        config, h_max = self.config, h_max or self.config.h_max
        firsts = [window_start(state, h_max) for state in states]
        visible = [s.lines[first : first + h_max] for s, first in zip(states, firsts, strict=True)]
        ids: dict[str, int] = {}
        text_ids = np.array([ids.setdefault(line, len(ids)) for lines in visible for line in lines], dtype=np.int64)
        distinct = list(ids)
        if not config.line_ends and ("\n" in (joined := "".join(distinct)) or "\r" in joined):
            distinct = list(map(strip_line_end, distinct))
        texts, sizes = line_bytes_and_sizes(distinct, config.w_max)
        offsets = offsets_of(map(len, visible))
        scalars = np.zeros((len(text_ids), N_SCALARS), dtype=np.float32)
        scalars[:, SIZES] = sizes[text_ids]
        fill_scalars(scalars, states, firsts, offsets, config)
        legal = actions.legality_by_line(states, config.w_max)
        if legal.shape[1] > len(text_ids):  # files longer than their windows
            begins = offsets_of(map(len, states))[:-1] + firsts
            legal = legal[:, concat_ranges(begins, np.diff(offsets))]
        first_line = np.array(firsts, dtype=np.int64)
        texts = self.text_embedder.encode(distinct, texts)
        history = history_features([state.history for state in states])
        return EncodedStates(texts, text_ids, scalars, np.ascontiguousarray(legal.T), offsets, first_line, history)

    def forward(self, batch: StateBatch) -> LineFeatures:
        """Features of a batch; those of a line do not depend on the rest of the batch."""
        size, longest = batch.mask.shape
        texts = self.text_embedder(batch.text_values, batch.text_offsets)  # (T, 128)
        x = torch.cat((texts.index_select(0, batch.texts), batch.scalars), dim=1)
        x = F.linear(x, *self.weights)  # (N, d_in)
        if batch.places is not None:
            x = x.new_zeros(size * longest, x.shape[1]).index_copy(0, batch.places, x)
        return LineFeatures(x.view(size, longest, -1), batch.mask, batch.places is not None, batch.legal, batch.history)
