"""Text embedders: distinct lines to vectors of 128. One may be added from outside: docs/adding-an-embedder.md.

Not here: which lines, the other features of a line, the embedder that asks a local server (`ollama.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import MODULES, TEXT_DIM, FeaturizerConfig
from errors import InputError
from featurizers.ragged import Ragged

BYTES = 256


class TextEmbedder(nn.Module):
    """Lines to vectors in two steps: `encode` once per data set, without parameters; `forward` once per batch."""

    def __init__(self, config: FeaturizerConfig) -> None:
        super().__init__()

    def encode(self, lines: Sequence[str], codes: Ragged) -> Ragged:
        """Parameter-free encoding of each line for `forward`, one row a line.

        codes: each line's first 160 bytes (int32), of an empty one a space.
        """
        return codes

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        """Vectors `(T, 128)` of T lines; row i of the encoding is `values[offsets[i]:offsets[i + 1]]`."""
        raise NotImplementedError


class MeanByteEmbedder(TextEmbedder):
    """`mlp`: mean of the bytes' embeddings, linear, GELU."""

    def __init__(self, config: FeaturizerConfig) -> None:
        super().__init__(config)
        self.char_embed = nn.Embedding(BYTES, config.char_dim)
        layer = nn.Linear(config.char_dim, TEXT_DIM)
        self.text_mlp = nn.Sequential(layer, nn.GELU())
        self.weights = self.char_embed.weight, layer.weight, layer.bias  # looking them up by name takes longer

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        table, weight, bias = self.weights
        total = F.embedding_bag(values, table, offsets, mode="sum", include_last_offset=True)
        mean = total / offsets.diff()[:, None]  # the mode "mean" takes twice as long
        return F.gelu(F.linear(mean, weight, bias))


class ByteCountEmbedder(TextEmbedder):
    """`mlp_trainable`: log(1 + count) of each byte, linear, GELU, linear."""

    def __init__(self, config: FeaturizerConfig) -> None:
        super().__init__(config)
        self.text_mlp = nn.Sequential(nn.Linear(BYTES, TEXT_DIM), nn.GELU(), nn.Linear(TEXT_DIM, TEXT_DIM))

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        lines = len(offsets) - 1
        cells = rows_of(values, offsets) * BYTES + values
        counts = torch.bincount(cells, minlength=lines * BYTES).view(lines, BYTES)
        out: Tensor = self.text_mlp(counts.float().log1p())
        return out


class CharCNN(TextEmbedder):
    """`char_cnn`: embeddings of bytes, convolution over 5 of them, GELU, maximum over the line, linear."""

    def __init__(self, config: FeaturizerConfig) -> None:
        super().__init__(config)
        self.char_embed = nn.Embedding(BYTES + 1, config.char_dim, padding_idx=BYTES)
        self.conv = nn.Conv1d(config.char_dim, config.char_dim, kernel_size=5, padding=2)
        self.out = nn.Linear(config.char_dim, TEXT_DIM)

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        lengths = offsets.diff()
        width = int(lengths.max()) if len(lengths) else 1
        is_byte = torch.arange(width, device=values.device) < lengths[:, None]  # (T, width)
        padded = torch.full(is_byte.shape, BYTES, dtype=torch.long, device=values.device)
        padded[is_byte] = values.long()
        x = F.gelu(self.conv(self.char_embed(padded).transpose(1, 2)))  # (T, char_dim, width)
        out: Tensor = self.out(x.masked_fill(~is_byte[:, None], -torch.inf).amax(2))
        return out


def rows_of(values: Tensor, offsets: Tensor) -> Tensor:
    """The row that each value belongs to, `(n,)`."""
    rows = torch.arange(len(offsets) - 1, device=values.device)
    return torch.repeat_interleave(rows, offsets.diff(), output_size=len(values))


_EMBEDDERS: dict[str, type[TextEmbedder]] = {}


def register_embedder(name: str, embedder: type[TextEmbedder]) -> None:
    """Adds an embedder under the name that `FeaturizerConfig.text_embedder` gives."""
    _EMBEDDERS[name] = embedder


def embedder_names() -> tuple[str, ...]:
    """Names of all registered embedders."""
    return tuple(sorted(_EMBEDDERS))


def build_embedder(config: FeaturizerConfig) -> TextEmbedder:
    """The embedder that the config names. Raises InputError: no embedder of that name is registered."""
    if config.text_embedder not in _EMBEDDERS:
        choices = f"there are {', '.join(embedder_names())}, and what a module in {MODULES} registers"
        raise InputError("text_embedder", f"unknown embedder {config.text_embedder!r}; {choices}")
    return _EMBEDDERS[config.text_embedder](config)


register_embedder("mlp", MeanByteEmbedder)
register_embedder("mlp_trainable", ByteCountEmbedder)
register_embedder("char_cnn", CharCNN)
