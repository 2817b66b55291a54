"""Which candidate of a node is visited or played next. Pure functions.

Sources: Danihelka et al. 2022, "Policy improvement by planning with Gumbel" (sections 3-5); Silver et al. 2018 and
Schrittwieser et al. 2020 (PUCT).
Shapes: B nodes, K candidates; `visits` (B, K). A candidate that does not exist has log-probability -inf; its other
entries mean nothing. Not here: trees, Q-values (`qtransforms`).
"""

from __future__ import annotations

import numpy as np

from config import SearchConfig
from training.search.interfaces import NO_OP, Floats, Ints
from training.search.numerics import argmax, softmax
from training.search.qtransforms import sigma


def improved_policy(log_probs: Floats, rescaled_qvalues: Floats, visits: Ints, config: SearchConfig) -> Floats:
    """softmax(log_probs + sigma(completed Q)), (B, K)."""
    return softmax(log_probs + sigma(rescaled_qvalues, visits, config))


def gumbel_scores(
    log_probs: Floats, rescaled_qvalues: Floats, visits: Ints, gumbel: Floats, config: SearchConfig
) -> Floats:
    """g + log_probs + sigma(completed Q), (B, K): the order of the root's candidates."""
    return gumbel + log_probs + sigma(rescaled_qvalues, visits, config)


def select_considered(scores: Floats, visits: Ints, considered_visit: Ints) -> Ints:
    """Best candidate (B,) by `scores` (B, K) among those with exactly `considered_visit` (B,) visits.

    NO-OP comes first, so that it is considered however unlikely it is.
    """
    eligible = (visits == considered_visit[:, None]) & (scores > -np.inf)
    masked = np.where(eligible, scores, -np.inf)
    masked[eligible[:, NO_OP] & (considered_visit == 0), NO_OP] = np.inf
    return argmax(masked)


def initial_order(scores: Floats) -> Ints:
    """All candidates (B, K) in the order in which `select_considered` takes them while none has a visit."""
    ordered_scores = scores.copy()
    ordered_scores[ordered_scores[:, NO_OP] > -np.inf, NO_OP] = np.inf
    order: Ints = (-ordered_scores).argsort(-1, kind="stable")
    return order


def select_interior(improved: Floats, visits: Ints) -> Ints:
    """The candidate (B,) whose share of visits lags most behind the improved policy (section 5, deterministic)."""
    lag = improved - visits / (1 + visits.sum(-1, keepdims=True))
    return argmax(np.where(improved > 0, lag, -np.inf))


def most_probable_pair(policy: Floats, pairs: Ints) -> Ints:
    """The candidate (B,) that argmax takes by `policy` (B, K): of the most probable decision, its most probable line.

    pairs (B, K, 2): decision and line of each candidate. A decision's probability is the sum over its lines, so that
    NO-OP, which is one pair, does not win over a decision whose probability is spread over many lines.
    """
    decisions = pairs[..., 0]
    same_decision = decisions[:, :, None] == decisions[:, None, :]
    decision_probs = np.where(same_decision, policy[:, None, :], 0.0).sum(-1)
    is_best = decision_probs >= decision_probs.max(-1, keepdims=True) - 1e-12
    return argmax(np.where(is_best, policy, -np.inf))


def select_puct(log_probs: Floats, rescaled_qvalues: Floats, visits: Ints, config: SearchConfig) -> Ints:
    """argmax of q + c p sqrt(1 + N) / (1 + n), c = init + log((1 + N + base) / base), with N visits of the node."""
    total = 1 + visits.sum(-1, keepdims=True)
    weight = config.puct_init + np.log((total + config.puct_base) / config.puct_base)
    bonus = weight * softmax(log_probs) * np.sqrt(total) / (1 + visits)
    return argmax(np.where(log_probs > -np.inf, rescaled_qvalues + bonus, -np.inf))
