"""Search of many games at once over any model: what to play and what to learn from it.

The assistant's decisions are searched (Gumbel with sequential halving and completed Q by default, PUCT by
configuration), the human's replies sampled from a piKL mixture. A game's result depends on its own random numbers only,
not on the games beside it. Not here: how trees grow (`simulations`), networks, edits, rewards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config import SearchConfig
from training.search import action_selection
from training.search.interfaces import A, Bools, Floats, Ints, S, SearchModel
from training.search.numerics import argmax, softmax
from training.search.qtransforms import completed_qvalues, qvalue_bounds, rescale_qvalues, sigma
from training.search.search_randomness import SearchRandomness
from training.search.simulations import TreeSimulator
from training.search.tree import ROOT, Tree


@dataclass(frozen=True)
class SearchResult:
    """What the search of G games says about their roots. Entries of candidates that do not exist are 0.

    pairs: (G, K, 2), decision and line of each candidate; candidate 0 is NO-OP, whose line is -1.
    mask: (G, K), which candidates exist. prior_log_probs: (G, K), the policy before the search.
    improved_policy: (G, K), the target of learning. Gumbel: softmax(prior_log_probs + sigma(completed Q)), without the
        noise that explores; PUCT: share of visits.
    mass_outside_candidates: (G,), what the improved policy of all legal pairs leaves to those that are no candidates.
    selected: (G,), index of the candidate to play. Without exploration, what argmax takes by `improved_policy`: of the
        most probable decision, its most probable line.
    value: (G,), expected return of `improved_policy`. raw_value: (G,), before the search.
    visit_counts: (G, K). qvalues: (G, K), completed, in units of return.
    """

    pairs: Ints
    mask: Bools
    prior_log_probs: Floats
    improved_policy: Floats
    mass_outside_candidates: Floats
    selected: Ints
    value: Floats
    raw_value: Floats
    visit_counts: Ints
    qvalues: Floats

    @property
    def decisions(self) -> Ints:
        """The decision (G,) to play, as a number of `actions.Decision`."""
        return self._selected_pairs[:, 0]

    @property
    def lines(self) -> Ints:
        """The line (G,) of the decision to play, from 0; -1 for NO-OP."""
        return self._selected_pairs[:, 1]

    @property
    def _selected_pairs(self) -> Ints:
        pairs: Ints = self.pairs[np.arange(len(self.selected)), self.selected]
        return pairs


def run_search(
    roots: Sequence[S], model: SearchModel[S, A], config: SearchConfig, randomness: SearchRandomness
) -> SearchResult:
    """Searches `roots` (G states) with `config.simulations` each."""
    return read_result(grow_trees(roots, model, config, randomness), config, randomness)


def grow_trees(
    roots: Sequence[S], model: SearchModel[S, A], config: SearchConfig, randomness: SearchRandomness
) -> Tree[S, A]:
    """The trees from which `run_search` reads its result."""
    tree: Tree[S, A] = Tree.of_roots(roots, model.evaluate(roots), config)
    simulator = TreeSimulator(tree, model, config, randomness)
    visited = simulator.visit_considered_once()
    for simulation in range(int(visited.min()), config.simulations):
        simulator.simulate(np.flatnonzero(visited <= simulation), simulation)
    return tree


def read_result(tree: Tree[S, A], config: SearchConfig, randomness: SearchRandomness) -> SearchResult:
    """The result that the roots of `tree` give."""
    log_probs, raw_value = tree.prior_log_probs[:, ROOT], tree.raw_values[:, ROOT]
    visits, returns = tree.children_visits[:, ROOT], tree.children_returns[:, ROOT]
    mask = log_probs > -np.inf
    qvalues, mixed_value = completed_qvalues(log_probs, raw_value, visits, returns, config.prior_visits)
    bounds = qvalue_bounds(qvalues, log_probs)
    improved_logits = log_probs + sigma(rescale_qvalues(qvalues, *bounds), visits, config)
    # Legal pairs that are no candidates are scored together like an unvisited candidate.
    with np.errstate(divide="ignore"):
        outside_logits = np.log(np.maximum(1.0 - np.exp(log_probs).sum(-1, keepdims=True), 0.0))
    outside_logits += sigma(rescale_qvalues(mixed_value[:, None], *bounds), visits, config)
    policy = softmax(improved_logits) if config.algorithm == "gumbel" else visits / visits.sum(-1, keepdims=True)
    if randomness.explore:
        selected = _explored(improved_logits, visits, config, randomness)
    else:
        selected = action_selection.most_probable_pair(policy, tree.pairs[:, ROOT])
    return SearchResult(
        pairs=tree.pairs[:, ROOT],
        mask=mask,
        prior_log_probs=log_probs,
        improved_policy=policy,
        mass_outside_candidates=softmax(np.concatenate([outside_logits, improved_logits], axis=-1))[:, 0],
        selected=selected,
        value=(policy * np.where(mask, qvalues, 0.0)).sum(-1),
        raw_value=raw_value,
        visit_counts=visits,
        qvalues=np.where(mask, qvalues, 0.0),
    )


def _explored(improved_logits: Floats, visits: Ints, config: SearchConfig, randomness: SearchRandomness) -> Ints:
    """The candidate (G,) to play with exploration: the best of the most visited by Gumbel's scores.

    With PUCT one drawn in proportion to the visits: argmax(log n + g).
    """
    if config.algorithm == "gumbel":
        return action_selection.select_considered(improved_logits + randomness.gumbel, visits, visits.max(-1))
    with np.errstate(divide="ignore"):
        return argmax(np.log(visits) + randomness.gumbel)
