"""What a network sees of a line besides its meaning: 20 numbers. Not here: text embedding, legality.

Also the window of lines that a network sees of a long file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from config import N_SCALARS, FeaturizerConfig
from featurizers.ragged import Ragged, offsets_of
from state import T_LAST, State

TAB, TAB_WIDTH = 9, 4

EDITS, RECENCY = [2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15], [3, 10]
"""Columns of the scalars that the 12 columns of both attributions become, and those of exp(-age / tau)."""


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
    return Ragged(np.frombuffer(raw, dtype=np.uint8).astype(np.int32), offsets_of(lengths))


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
    edits = np.concatenate((state.human[first : first + n], state.assistant[first : first + n]), axis=1)  # (n, 12)
    scalars[:, EDITS] = np.minimum(np.maximum(edits, 0), _limits(config.w_max)) / _units(
        config.w_max, config.states_max
    )
    scalars[:, RECENCY] = np.exp(np.minimum(edits[:, T_LAST::6] - state.t, 0) / config.tau_steps)
    cursor = state.cursor
    here = cursor.line - first
    if cursor.on and 0 <= here < n:
        scalars[here, 16] = 1.0
        scalars[here, 17] = cursor.char / config.w_max
    scalars[:, 18] = max(cursor.last_t, 0) / config.states_max
    if cursor.line >= 0:
        scalars[:, 19] = np.tanh(np.arange(-here, n - here) / config.cursor_dist_c)
    return scalars


@cache
def _limits(w_max: int) -> NDArray[np.float64]:
    """Largest value of each column of both attributions."""
    return np.array([np.inf, w_max, w_max, 1, 1, 1] * 2)


@cache
def _units(w_max: int, states_max: int) -> NDArray[np.float64]:
    """What each of them is divided by."""
    return np.array([states_max, w_max, w_max, 1, 1, 1] * 2, dtype=np.float64)
