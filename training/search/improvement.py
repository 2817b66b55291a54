"""What a node's statistics say about its policy: completed Q, improved policy, who is visited next. Pure functions.

Sources: Danihelka et al. 2022, "Policy improvement by planning with Gumbel" (Gumbel: sections 3-5, appendix D for the
mixed value); Silver et al. 2018 and Schrittwieser et al. 2020 (PUCT, min-max normalisation).
Shapes: B nodes, K candidates; `visits` and `returns` (B, K) count and sum the returns backed up through a candidate.
A candidate that does not exist has log-probability -inf; its other entries mean nothing. Not here: trees.
"""

from __future__ import annotations

import numpy as np

from config import SearchConfig
from training.search.interfaces import NO_OP, Floats, Ints
from training.search.pikl import softmax


def completed_q(log_probs: Floats, value: Floats, visits: Ints, returns: Floats) -> tuple[Floats, Floats]:
    """Q (B, K): the mean return of visited candidates, the mixed value (B,) of the others; and that mixed value.

    mixed = (value + N * sum_visited(p q) / sum_visited(p)) / (1 + N) with N visits and `value` (B,) the network's.
    """
    visited = visits > 0
    q: Floats = returns / np.maximum(visits, 1)
    # Relative to the likeliest visited one, so that a tiny prior does not underflow to 0 / 0.
    logits = np.where(visited, log_probs, -np.inf)
    best = logits.max(-1, keepdims=True)
    weights = np.exp(logits - np.where(best > -np.inf, best, 0.0))
    total = visits.sum(-1)
    mean = (weights * q).sum(-1) / np.maximum(weights.sum(-1), 1e-300)
    mixed: Floats = (value + total * mean) / (1 + total)
    return np.where(visited, q, mixed[:, None]), mixed


def rescale(q: Floats, low: Floats, high: Floats) -> Floats:
    """`q` (B, ...) by the least and largest return (B,) seen in its tree: 0 to 1, and 0 while they are equal."""
    span = (high - low).reshape(-1, *[1] * (q.ndim - 1))
    offset = q - low.reshape(span.shape)
    return np.divide(offset, span, out=np.zeros_like(q), where=span > 1e-12)


def sigma(rescaled: Floats, visits: Ints, config: SearchConfig) -> Floats:
    """The monotone transformation of a rescaled Q (B, ...) that weighs it against log-probabilities."""
    scale = (config.visit_offset + visits.max(-1)) * config.value_scale
    weighed: Floats = scale.reshape(-1, *[1] * (rescaled.ndim - 1)) * rescaled
    return weighed


def improved_policy(log_probs: Floats, rescaled_q: Floats, visits: Ints, config: SearchConfig) -> Floats:
    """softmax(log_probs + sigma(completed Q)), (B, K)."""
    return softmax(log_probs + sigma(rescaled_q, visits, config))


def gumbel_scores(log_probs: Floats, rescaled_q: Floats, visits: Ints, gumbel: Floats, config: SearchConfig) -> Floats:
    """g + log_probs + sigma(completed Q), (B, K): the order of the root's candidates."""
    return gumbel + log_probs + sigma(rescaled_q, visits, config)


def pick_considered(scores: Floats, visits: Ints, considered: Ints) -> Ints:
    """Best candidate (B,) by `scores` (B, K) among those with exactly `considered` (B,) visits.

    NO-OP comes first, so that it is considered however unlikely it is.
    """
    eligible = (visits == considered[:, None]) & (scores > -np.inf)
    masked = np.where(eligible, scores, -np.inf)
    masked[eligible[:, NO_OP] & (considered == 0), NO_OP] = np.inf
    return argmax(masked)


def pick_interior(improved: Floats, visits: Ints) -> Ints:
    """The candidate (B,) whose share of visits lags most behind the improved policy (section 5, deterministic)."""
    lag = improved - visits / (1 + visits.sum(-1, keepdims=True))
    return argmax(np.where(improved > 0, lag, -np.inf))


def pick_puct(log_probs: Floats, rescaled_q: Floats, visits: Ints, config: SearchConfig) -> Ints:
    """argmax of q + c p sqrt(1 + N) / (1 + n), c = init + log((1 + N + base) / base), with N visits of the node."""
    total = 1 + visits.sum(-1, keepdims=True)
    weight = config.puct_init + np.log((total + config.puct_base) / config.puct_base)
    bonus = weight * softmax(log_probs) * np.sqrt(total) / (1 + visits)
    return argmax(np.where(log_probs > -np.inf, rescaled_q + bonus, -np.inf))


def argmax(scores: Floats) -> Ints:
    """Index (B,) of the first best of each row of `scores` (B, K)."""
    best: Ints = scores.argmax(-1)
    return best
