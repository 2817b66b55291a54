"""A session's history in 32 numbers: what the assistant tried, and what the person kept of it.

It lets one policy adapt inside a session and across people before any training. The latest decision counts most:
the k-th before it has the weight `DECAY ** k`. Decisions are counted, not turns, because a history may reach over
several sessions, whose turns all begin at 0. Not here: how a network uses it, what "kept" means.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from config import N_DECISIONS
from state import HISTORY_LENGTH, PastDecision

DECAY = 0.9
RECENT_DECAY = 0.6
SUMMARY_DIM = 4 * N_DECISIONS + 3
HISTORY_DIM = SUMMARY_DIM + 1
"""The summary, and 1 if there is a history (0: it is unknown, and the summary says nothing)."""

PRIOR_KEPT, PRIOR_WEIGHT = 0.4, 2.0
"""Acceptance before anything is known, and how many decisions that is worth."""


def history_features(histories: Sequence[tuple[PastDecision, ...] | None]) -> NDArray[np.float32]:
    """Each history's summary and whether there is one `(S, 32)`; zeros where it is unknown.

    Per decision: tried, kept, undone, as decayed counts that would reach 1 if it had always been so; then the
    acceptance so far and the recent one (both drawn towards a prior), and how much there is to go by, in [0, 1); then
    1 for the latest decision, which people answer to most.
    """
    summaries = np.zeros((len(histories), HISTORY_DIM), dtype=np.float32)
    there = [row for row, history in enumerate(histories) if history is not None]
    if there:
        summaries[there] = _summaries([history[-HISTORY_LENGTH:] for history in histories if history is not None])
    return summaries


def _summaries(histories: Sequence[tuple[PastDecision, ...]]) -> NDArray[np.float64]:
    size, lengths = len(histories), np.array([len(history) for history in histories])
    rows = np.arange(size).repeat(lengths)
    ages = lengths.cumsum()[rows] - 1 - np.arange(len(rows))  # 0: the latest of its history
    pasts = [past for history in histories for past in history]
    cells = rows * N_DECISIONS + np.array([past.decision for past in pasts], dtype=np.int64)
    kept = np.array([0.0 if past.kept is None else past.kept for past in pasts])
    known = np.array([past.kept is not None for past in pasts], dtype=np.float64)

    def per_decision(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.bincount(cells, weights, size * N_DECISIONS)
        return np.multiply(counts, 1 - DECAY, dtype=np.float64).reshape(size, N_DECISIONS)

    def drawn(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted mean of `kept`, drawn towards the prior."""
        total = PRIOR_WEIGHT + np.bincount(rows, weights, size)
        mean: NDArray[np.float64] = (PRIOR_KEPT * PRIOR_WEIGHT + np.bincount(rows, weights * kept, size)) / total
        return mean

    weights = _powers(DECAY)[ages]
    summaries = np.zeros((size, HISTORY_DIM))
    summaries[:, :7] = per_decision(weights)
    summaries[:, 7:14] = per_decision(weights * kept)
    summaries[:, 14:21] = per_decision(weights * (known - kept))
    summaries[:, 21] = drawn(known)
    summaries[:, 22] = drawn(_powers(RECENT_DECAY)[ages] * known)
    summaries[:, 23] = lengths / (lengths + 8.0)
    for summary, history in zip(summaries, histories, strict=True):
        if history:
            summary[24 + history[-1].decision] = 1.0
    summaries[:, SUMMARY_DIM] = 1.0
    return summaries


@cache
def _powers(decay: float) -> NDArray[np.float64]:
    """`decay` to the power of each age that a history has."""
    return np.asarray(decay ** np.arange(float(HISTORY_LENGTH)))
