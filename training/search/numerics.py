"""Arithmetic on arrays that search and learning share. Not here: anything about games."""

from __future__ import annotations

import numpy as np

from training.search.interfaces import Floats, Ints


def softmax(logits: Floats) -> Floats:
    """Softmax over the last axis; -inf gives exactly 0."""
    weights: Floats = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights


def argmax(scores: Floats) -> Ints:
    """Index (B,) of the first best of each row of `scores` (B, K)."""
    best: Ints = scores.argmax(-1)
    return best


def sample(probs: Floats, uniform: Floats) -> Ints:
    """Index (B,) drawn from each row of `probs` (B, M) by a number in [0, 1) (B,); never one of probability 0."""
    cumulative = probs.cumsum(-1)
    # Scaled by the last sum, which rounding leaves just beside 1.
    index: Ints = (cumulative <= (uniform * cumulative[:, -1])[:, None]).sum(-1)
    return index
