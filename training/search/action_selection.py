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


def completed_qvalues(
    log_probs: Floats, value: Floats, visits: Ints, returns: Floats, prior_visits: float
) -> tuple[Floats, Floats]:
    """Q (B, K) of all candidates, and the node's mixed value (B,), which is the Q of those not visited.

    mixed = (value + N * sum_visited(p r) / sum_visited(p)) / (1 + N) with N visits, mean returns r and the network's
    `value` (B,). Visited: Q = (n r + prior_visits * mixed) / (n + prior_visits), so that one lucky reply of the human
    does not count as much as several; with `prior_visits` 0, Q = r.
    """
    visited = visits > 0
    means: Floats = returns / np.maximum(visits, 1)
    # Relative to the likeliest visited one, so that a tiny prior does not underflow to 0 / 0.
    logits = np.where(visited, log_probs, -np.inf)
    best = logits.max(-1, keepdims=True)
    weights = np.exp(logits - np.where(best > -np.inf, best, 0.0))
    total = visits.sum(-1)
    mean = (weights * means).sum(-1) / np.maximum(weights.sum(-1), 1e-300)
    mixed: Floats = (value + total * mean) / (1 + total)
    fallback = mixed[:, None]
    # As a step from the mixed value, which is exact where a return equals it.
    share = visits / np.maximum(visits + prior_visits, 1)
    return np.where(visited, fallback + share * (means - fallback), fallback), mixed


def rescale(q: Floats, min_value: Floats, max_value: Floats) -> Floats:
    """`q` (B, K) from `min_value` .. `max_value` (B,) to 0 .. 1; 0 where they are equal."""
    span = (max_value - min_value)[:, None]
    return np.divide(q - min_value[:, None], span, out=np.zeros_like(q), where=span > 1e-12)


def bounds(q: Floats, log_probs: Floats) -> tuple[Floats, Floats]:
    """Least and largest Q (B,) of the candidates that exist."""
    exists = log_probs > -np.inf
    return np.where(exists, q, np.inf).min(-1), np.where(exists, q, -np.inf).max(-1)


def sigma(rescaled: Floats, visits: Ints, config: SearchConfig) -> Floats:
    """Weighs a rescaled Q (B, n) against log-probabilities, the more the more `visits` (B, K) it rests on."""
    weighed: Floats = (config.maxvisit_init + visits.max(-1, keepdims=True)) * config.value_scale * rescaled
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


def initial_order(scores: Floats) -> Ints:
    """All candidates (B, K) in the order in which `pick_considered` takes them while none has a visit."""
    first = scores.copy()
    first[first[:, NO_OP] > -np.inf, NO_OP] = np.inf
    order: Ints = (-first).argsort(-1, kind="stable")
    return order


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
