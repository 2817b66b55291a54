"""From the statistics of a node to comparable Q-values: completed, rescaled, weighed. Pure functions.

Source: Danihelka et al. 2022, "Policy improvement by planning with Gumbel" (sections 3-5, appendix D for the mixed
value); min-max normalisation as in Schrittwieser et al. 2020. Names as in mctx.
Shapes: B nodes, K candidates; `visits` and `returns` (B, K) count and sum the returns backed up through a candidate.
A candidate that does not exist has log-probability -inf; its other entries mean nothing. Not here: trees.
"""

from __future__ import annotations

import numpy as np

from config import SearchConfig
from training.search.interfaces import Floats, Ints


def completed_qvalues(
    log_probs: Floats, raw_value: Floats, visits: Ints, returns: Floats, prior_visits: float
) -> tuple[Floats, Floats]:
    """Q (B, K) of all candidates, and the node's mixed value (B,), which is the Q of those not visited.

    mixed = (raw_value + N * sum_visited(p r) / sum_visited(p)) / (1 + N) with N visits, mean returns r and the
    network's `raw_value` (B,). Visited: Q = (n r + prior_visits * mixed) / (n + prior_visits), so that one lucky reply
    of the human does not count as much as several; with `prior_visits` 0, Q = r.
    """
    visited = visits > 0
    mean_returns: Floats = returns / np.maximum(visits, 1)
    # Relative to the most probable visited candidate, so that a tiny prior does not underflow to 0 / 0.
    logits = np.where(visited, log_probs, -np.inf)
    best = logits.max(-1, keepdims=True)
    weights = np.exp(logits - np.where(best > -np.inf, best, 0.0))
    total = visits.sum(-1)
    visited_value = (weights * mean_returns).sum(-1) / np.maximum(weights.sum(-1), 1e-300)
    mixed: Floats = (raw_value + total * visited_value) / (1 + total)
    fallback = mixed[:, None]
    # As a step from the mixed value, which is exact where a return equals it.
    share = visits / np.maximum(visits + prior_visits, 1)
    return np.where(visited, fallback + share * (mean_returns - fallback), fallback), mixed


def rescale_qvalues(qvalues: Floats, min_value: Floats, max_value: Floats) -> Floats:
    """`qvalues` (B, K) from `min_value` .. `max_value` (B,) to 0 .. 1; 0 where both are equal."""
    span = (max_value - min_value)[:, None]
    return np.divide(qvalues - min_value[:, None], span, out=np.zeros_like(qvalues), where=span > 1e-12)


def qvalue_bounds(qvalues: Floats, log_probs: Floats) -> tuple[Floats, Floats]:
    """Least and largest Q (B,) of the candidates that exist."""
    exists = log_probs > -np.inf
    return np.where(exists, qvalues, np.inf).min(-1), np.where(exists, qvalues, -np.inf).max(-1)


def sigma(rescaled_qvalues: Floats, visits: Ints, config: SearchConfig) -> Floats:
    """(maxvisit_init + max visits) * value_scale * q: puts rescaled Q-values (B, n) on the scale of log-probabilities.

    They count the more, the more `visits` (B, K) they rest on.
    """
    scaled: Floats = (config.maxvisit_init + visits.max(-1, keepdims=True)) * config.value_scale * rescaled_qvalues
    return scaled
