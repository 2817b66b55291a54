"""What a network sees of a line besides its meaning: 20 numbers. Not here: text embedding, legality.

Also the window of lines that a network sees of a long file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from config import N_SCALARS, FeaturizerConfig
from featurizers.ragged import Ragged, offsets_of
from state import State

TAB, TAB_WIDTH = 9, 4


def window(n: int, cursor_line: int, h_max: int) -> int:
    """First line that a network sees of a file of `n` lines; `cursor_line` -1: the cursor is off."""
    if n <= h_max or cursor_line < 0:
        return 0
    return min(max(cursor_line - h_max // 2, 0), n - h_max)


def utf8(lines: Sequence[str], limit: int) -> Ragged:
    """The first `limit` bytes of each line; an empty line is one space."""
    lines = [line or " " for line in lines]
    lengths = list(map(len, lines))
    if max(lengths, default=0) > limit:
        lines = [line[:limit] for line in lines]
        lengths = list(map(len, lines))
    joined = "".join(lines)
    if joined.isascii():
        raw = joined.encode()
    else:
        pieces = [line.encode("utf-8", "surrogatepass")[:limit] for line in lines]
        raw = b"".join(pieces)
        lengths = list(map(len, pieces))
    return Ragged(np.frombuffer(bytearray(raw), dtype=np.uint8), offsets_of(np.array(lengths, dtype=np.int64)))


def text_scalars(lines: Sequence[str], codes: Ragged, w_max: int) -> NDArray[np.float32]:
    """Length and indentation `(len(lines), 2)`, each at most 1. codes: `utf8(lines, w_max)`."""
    sizes = np.empty((len(lines), 2), dtype=np.float32)
    sizes[:, 0] = np.diff(codes.offsets)
    blanks = [len(line) - len(line.lstrip(" \t")) for line in lines]
    if (codes.values == TAB).any():
        blanks = [n + (TAB_WIDTH - 1) * line.count("\t", 0, n) for n, line in zip(blanks, lines, strict=True)]
    sizes[:, 1] = blanks
    if "" in lines:
        sizes[[not line for line in lines], 0] = 0.0
    np.minimum(sizes, w_max, out=sizes)
    sizes /= w_max
    return sizes


def line_scalars(state: State, first: int, sizes: NDArray[np.float32], config: FeaturizerConfig) -> NDArray[np.float32]:
    """The 20 scalars of each line from `first` on, `(len(sizes), 20)`.

    sizes `(n, 2)`: length and indentation of those lines. In order: length, indentation; for the human, then the
    assistant: last turn, recency exp(-age / tau), start and end of the span, three flags; cursor here, its column if
    here, its last turn, tanh of the distance to it (0 if it is nowhere).
    """
    n = len(sizes)
    scalars = np.zeros((n, N_SCALARS), dtype=np.float32)
    scalars[:, :2] = sizes
    edits = np.concatenate((state.human[first : first + n], state.assistant[first : first + n]), axis=1)
    edits = edits.reshape(n, 2, 6)
    both = scalars[:, 2:16].reshape(n, 2, 7)  # a view: one row per agent
    both[:, :, 0] = np.maximum(edits[:, :, 0], 0) / config.states_max
    both[:, :, 1] = np.exp(np.maximum(state.t - edits[:, :, 0], 0) / -config.tau_steps)
    both[:, :, 2:4] = np.minimum(np.maximum(edits[:, :, 1:3], 0), config.w_max) / config.w_max
    both[:, :, 4:] = edits[:, :, 3:]
    cursor = state.cursor
    here = cursor.line - first
    if cursor.on and 0 <= here < n:
        scalars[here, 16] = 1.0
        scalars[here, 17] = cursor.char / config.w_max
    scalars[:, 18] = max(cursor.last_t, 0) / config.states_max
    if cursor.line >= 0:
        scalars[:, 19] = np.tanh(np.arange(-here, n - here) / config.cursor_dist_c)
    return scalars
