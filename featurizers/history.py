"""A session's history in 32 numbers: what the assistant tried, and what the person kept of it.

It lets one policy adapt inside a session and across people before any training. The latest decision counts most:
the k-th before it has the weight `DECAY ** k`. Decisions are counted, not turns, because a history may reach over
several sessions, whose turns all begin at 0. Not here: how a network uses it, what "kept" means.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from config import N_DECISIONS
from state import HISTORY_LENGTH, Past

DECAY = 0.9
RECENT_DECAY = 0.6
SUMMARY_DIM = 4 * N_DECISIONS + 3
HISTORY_DIM = SUMMARY_DIM + 1
"""The summary, and 1 if there is a history (0: it is unknown, and the summary says nothing)."""

PRIOR_KEPT, PRIOR_WEIGHT = 0.4, 2.0
"""Acceptance before anything is known, and how many decisions that is worth."""


def summarise(history: tuple[Past, ...]) -> NDArray[np.float32]:
    """The history's summary and whether there is one `(32,)`; zeros if it is unknown.

    Per decision: tried, kept, undone, as decayed counts that would reach 1 if it had always been so; then the
    acceptance so far and the recent one (both drawn towards a prior), and how much there is to go by, in [0, 1); then
    1 for the latest decision, which people answer to most.
    """
    summary = np.zeros(HISTORY_DIM, dtype=np.float32)
    summary[SUMMARY_DIM] = 1.0
    history = history[-HISTORY_LENGTH:]
    decisions = np.array([past.decision for past in history], dtype=np.int64)
    kept = np.array([np.nan if past.kept is None else past.kept for past in history], dtype=np.float64)
    weights, recent = _weights(DECAY, len(history)), _weights(RECENT_DECAY, len(history))
    known = ~np.isnan(kept)
    decisions_known, kept_known = decisions[known], kept[known]
    summary[:7] = np.bincount(decisions, weights, N_DECISIONS) * (1 - DECAY)
    summary[7:14] = np.bincount(decisions_known, weights[known] * kept_known, N_DECISIONS) * (1 - DECAY)
    summary[14:21] = np.bincount(decisions_known, weights[known] * (1 - kept_known), N_DECISIONS) * (1 - DECAY)
    summary[21] = _drawn(np.ones(len(kept_known)), kept_known)
    summary[22] = _drawn(recent[known], kept_known)
    summary[23] = len(history) / (len(history) + 8.0)
    if len(history):
        summary[24 + decisions[-1]] = 1.0
    return summary


def _drawn(weights: NDArray[np.float64], kept: NDArray[np.float64]) -> float:
    """Weighted mean of `kept`, drawn towards the prior."""
    return float((PRIOR_KEPT * PRIOR_WEIGHT + weights @ kept) / (PRIOR_WEIGHT + weights.sum()))


@cache
def _weights(decay: float, length: int) -> NDArray[np.float64]:
    return np.asarray(decay ** np.arange(length - 1, -1, -1.0))
