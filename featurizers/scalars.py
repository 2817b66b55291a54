"""Twenty numbers per line beside its text.

Not here: text embedding, legality.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from config import TEXT_BYTES, FeaturizerConfig
from featurizers.ragged import Ragged, offsets_of
from state import SPAN_START, T_LAST, State

TAB_WIDTH = 4

SIZES = slice(0, 2)
"""Columns of a line's scalars: length and indentation, as shares of `w_max`."""
EDITS, EDIT_COLUMNS = slice(2, 16), 7
"""Columns: for the human, then the assistant: last turn, recency exp(-age / tau), span (start, end), three flags."""
CURSOR_HERE, CURSOR_COLUMN, CURSOR_TURN, CURSOR_DISTANCE = range(16, 20)
"""Columns: 1 on the cursor's line, the cursor's column there, its last turn, tanh of the distance to it."""


def line_bytes_and_sizes(lines: Sequence[str], w_max: int) -> tuple[Ragged, NDArray[np.float64]]:
    """Of each line its first 160 bytes of UTF-8 (of an empty one: a space), and length and indentation `(lines, 2)`.

    The lengths are divided by `w_max` and at most 1.
    """
    limit = max(w_max, TEXT_BYTES)
    cut = [line[:limit] or " " for line in lines]
    joined = "".join(cut)
    if joined.isascii():
        codes, lengths = joined.encode(), list(map(len, cut))
    else:
        pieces = [line.encode("utf-8", "surrogatepass") for line in cut]
        codes, lengths = b"".join(pieces), list(map(len, pieces))
    blanks = [len(line) - len(line.lstrip(" \t")) for line in lines]
    if "\t" in joined:
        blanks = [n + (TAB_WIDTH - 1) * line.count("\t", 0, n) for n, line in zip(blanks, lines, strict=True)]
    texts = Ragged(np.frombuffer(codes, dtype=np.uint8).astype(np.int32), offsets_of(lengths))
    if "" in lines:
        lengths = [n if line else 0 for n, line in zip(lengths, lines, strict=True)]
    sizes = np.minimum((lengths, blanks), w_max).T / w_max
    return texts if limit == TEXT_BYTES and joined.isascii() else texts.head(TEXT_BYTES), sizes


def fill_scalars(
    scalars: NDArray[np.float32], states: Sequence[State], firsts: Sequence[int], offsets: NDArray[np.int64],
    config: FeaturizerConfig,
) -> None:  # fmt: skip
    """Writes all columns but `SIZES` of the scalars `(N, 20)`, which are zeros before.

    Of state i the lines from `firsts[i]` on are the rows `offsets[i]:offsets[i + 1]`. The distance to a cursor that is
    nowhere is 0.
    """
    n, starts = len(scalars), offsets.tolist()
    if n == 0:
        return
    human, assistant = [], []
    cursors: list[tuple[float, ...]] = []
    for state, first, start, end in zip(states, firsts, starts, starts[1:], strict=False):
        visible = slice(first, first + end - start)
        human.append(state.human[visible])
        assistant.append(state.assistant[visible])
        cursor = state.cursor
        row = start + cursor.line - first
        cursors.append((state.t, max(cursor.last_t, 0) / config.states_max, row, cursor.line >= 0))
        if cursor.on and start <= row < end:
            scalars[row, CURSOR_HERE] = 1.0
            scalars[row, CURSOR_COLUMN] = cursor.char / config.w_max
    if len(states) == 1:  # the same numbers for all lines
        t, cursor_t, cursor_row, has_cursor = cursors[0]
        edits = np.concatenate((human[0], assistant[0]), axis=1)
    else:
        t, cursor_t, cursor_row, has_cursor = np.array(cursors).reshape(-1, 4).repeat(np.diff(offsets), axis=0).T
        edits = np.concatenate((np.concatenate(human), np.concatenate(assistant)), axis=1)
    edits = edits.reshape(n, 2, 6)
    limited = np.minimum(np.maximum(edits, 0), _limits(config.w_max)) / _units(config.w_max, config.states_max)
    both = scalars[:, EDITS].reshape(n, 2, EDIT_COLUMNS)  # a view, like `edits`: per line and agent
    both[:, :, 0] = limited[:, :, T_LAST]
    both[:, :, 1] = np.exp(np.minimum(edits[:, :, T_LAST].T - t, 0) / config.tau_steps).T
    both[:, :, 2:] = limited[:, :, SPAN_START:]
    scalars[:, CURSOR_TURN] = cursor_t
    scalars[:, CURSOR_DISTANCE] = has_cursor * np.tanh((np.arange(n) - cursor_row) / config.cursor_dist_c)


@cache
def _limits(w_max: int) -> NDArray[np.float64]:
    """Largest value that counts of each column of an attribution."""
    return np.array([np.inf, w_max, w_max, 1, 1, 1])


@cache
def _units(w_max: int, states_max: int) -> NDArray[np.float64]:
    """Divisor of each column of an attribution."""
    return np.array([states_max, w_max, w_max, 1, 1, 1], dtype=np.float64)
