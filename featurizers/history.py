"""A session's history in 32 numbers: how often the assistant tried what, and how much of it the person kept.

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

TRIED, KEPT, UNDONE = (slice(i * N_DECISIONS, (i + 1) * N_DECISIONS) for i in range(3))
"""Columns: of each decision how often it was tried, kept and undone, as decayed counts that reach 1 if always."""
ACCEPTANCE, RECENT_ACCEPTANCE, EVIDENCE = range(3 * N_DECISIONS, 3 * N_DECISIONS + 3)
"""Columns: shares kept so far and recently, both drawn towards a prior; how much there is to go by, in [0, 1)."""
LATEST = slice(3 * N_DECISIONS + 3, SUMMARY_DIM)
"""Columns: 1 for the latest decision, to which people respond most."""
SUMMARY, HAS_HISTORY = slice(SUMMARY_DIM), slice(SUMMARY_DIM, HISTORY_DIM)
"""Columns: all of the above; 1 if there is a history, 0 if it is unknown, and the summary then is zero."""

PRIOR_KEPT, PRIOR_WEIGHT = 0.4, 2.0
"""Acceptance before anything is known, and how many decisions that is worth."""
EVIDENCE_HALF = 8.0
"""Number of decisions at which `EVIDENCE` is one half."""


def history_features(histories: Sequence[tuple[PastDecision, ...] | None]) -> NDArray[np.float32]:
    """Summary of each history `(S, 32)` in the columns named above; zeros where the history is unknown (None)."""
    summaries = np.zeros((len(histories), HISTORY_DIM), dtype=np.float32)
    rows = [row for row, history in enumerate(histories) if history is not None]
    if rows:
        summaries[rows] = _summaries([history[-HISTORY_LENGTH:] for history in histories if history is not None])
    return summaries


def _summaries(histories: Sequence[tuple[PastDecision, ...]]) -> NDArray[np.float64]:
    size, lengths = len(histories), np.array([len(history) for history in histories])
    rows = np.arange(size).repeat(lengths)
    ages = lengths.cumsum()[rows] - 1 - np.arange(len(rows))  # 0: the latest of its history
    pasts = [past for history in histories for past in history]
    cells = rows * N_DECISIONS + np.array([past.decision for past in pasts], dtype=np.int64)
    retained = np.array([0.0 if past.kept is None else past.kept for past in pasts])
    is_known = np.array([past.kept is not None for past in pasts], dtype=np.float64)

    def per_decision(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.bincount(cells, weights, size * N_DECISIONS)
        return np.multiply(counts, 1 - DECAY, dtype=np.float64).reshape(size, N_DECISIONS)

    def shrunk_mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted mean of the shares kept, drawn towards the prior."""
        total = PRIOR_WEIGHT + np.bincount(rows, weights, size)
        return np.asarray((PRIOR_KEPT * PRIOR_WEIGHT + np.bincount(rows, weights * retained, size)) / total)

    weights = _powers(DECAY)[ages]
    summaries = np.zeros((size, HISTORY_DIM))
    summaries[:, TRIED] = per_decision(weights)
    summaries[:, KEPT] = per_decision(weights * retained)
    summaries[:, UNDONE] = per_decision(weights * (is_known - retained))
    summaries[:, ACCEPTANCE] = shrunk_mean(is_known)
    summaries[:, RECENT_ACCEPTANCE] = shrunk_mean(_powers(RECENT_DECAY)[ages] * is_known)
    summaries[:, EVIDENCE] = lengths / (lengths + EVIDENCE_HALF)
    for summary, history in zip(summaries, histories, strict=True):
        if history:
            summary[LATEST][history[-1].decision] = 1.0
    summaries[:, HAS_HISTORY] = 1.0
    return summaries


@cache
def _powers(decay: float) -> NDArray[np.float64]:
    """`decay` to the power of each age that a history has."""
    return np.asarray(decay ** np.arange(float(HISTORY_LENGTH)))
