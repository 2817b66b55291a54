"""Search of many games at once: what to play and what to learn from it.

The assistant's decisions are searched (Gumbel with sequential halving and completed Q by default, PUCT by
configuration), the human's replies sampled from a piKL mixture. A game's result depends on its own noise only, not on
the games beside it. Not here: how trees grow (`simulations`), networks, edits, rewards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config import SearchConfig
from training.search import action_selection
from training.search.interfaces import A, Bools, Dynamics, Evaluator, Floats, Ints, S
from training.search.pikl import softmax
from training.search.search_randomness import SearchRandomness
from training.search.simulations import TreeSimulator
from training.search.tree import Tree


@dataclass(frozen=True)
class SearchResult:
    """What the search of G games found at their roots. Entries of candidates that do not exist are 0.

    pairs: (G, K, 2), decision and line. mask: (G, K), which candidates exist. log_probs: (G, K), the prior.
    policy: (G, K), the target. Gumbel: softmax(log_probs + sigma(completed Q)); PUCT: share of visits.
    mass_outside_candidates: (G,), what the improved policy of all legal pairs leaves to those that are no candidates.
    chosen: (G,), index of the candidate to play.
    value: (G,), expected return of `policy`. raw_value: (G,), before the search.
    visits: (G, K). q: (G, K), completed, in units of return.
    """

    pairs: Ints
    mask: Bools
    log_probs: Floats
    policy: Floats
    mass_outside_candidates: Floats
    chosen: Ints
    value: Floats
    raw_value: Floats
    visits: Ints
    q: Floats

    @property
    def moves(self) -> Ints:
        """Decision and line (G, 2) to play."""
        return self.pairs[np.arange(len(self.chosen)), self.chosen]


def search(
    roots: Sequence[S], evaluator: Evaluator[S], dynamics: Dynamics[S, A], config: SearchConfig, noise: SearchRandomness
) -> SearchResult:
    """Searches `roots` (G states) with `config.simulations` each."""
    return result(grow_trees(roots, evaluator, dynamics, config, noise), config, noise)


def grow_trees(
    roots: Sequence[S], evaluator: Evaluator[S], dynamics: Dynamics[S, A], config: SearchConfig, noise: SearchRandomness
) -> Tree[S, A]:
    """The trees that `search` reads its result from."""
    tree: Tree[S, A] = Tree.start(roots, evaluator.evaluate(roots), config)
    growth = TreeSimulator(tree, evaluator, dynamics, config, noise)
    done = growth.visit_considered_once()
    for simulation in range(int(done.min()), config.simulations):
        growth.simulate(np.flatnonzero(done <= simulation), simulation)
    return tree


def result(tree: Tree[S, A], config: SearchConfig, noise: SearchRandomness) -> SearchResult:
    """What the roots of `tree` say."""
    log_probs, visits, raw_value = tree.log_probs[:, 0], tree.visits[:, 0], tree.value[:, 0]
    mask = log_probs > -np.inf
    q, mixed = action_selection.completed_qvalues(log_probs, raw_value, visits, tree.returns[:, 0], config.prior_visits)
    min_value, max_value = action_selection.bounds(q, log_probs)
    rescaled = action_selection.rescale(q, min_value, max_value)
    improved = log_probs + action_selection.sigma(rescaled, visits, config)
    if config.algorithm == "gumbel":
        policy = softmax(improved)
        chosen = action_selection.pick_considered(improved + noise.gumbel, visits, visits.max(-1))
    else:
        policy = visits / visits.sum(-1, keepdims=True)
        # argmax(log n + g) draws in proportion to the visits; without noise it takes the most visited.
        with np.errstate(divide="ignore"):
            chosen = action_selection.argmax(np.log(visits) + noise.gumbel)
    # Legal pairs that are no candidates, scored together like an unvisited candidate.
    with np.errstate(divide="ignore"):
        rest = np.log(np.maximum(1.0 - np.exp(log_probs).sum(-1, keepdims=True), 0.0))
    rest += action_selection.sigma(action_selection.rescale(mixed[:, None], min_value, max_value), visits, config)
    return SearchResult(
        pairs=tree.pairs[:, 0],
        mask=mask,
        log_probs=log_probs,
        policy=policy,
        mass_outside_candidates=softmax(np.concatenate([rest, improved], axis=-1))[:, 0],
        chosen=chosen,
        value=(policy * np.where(mask, q, 0.0)).sum(-1),
        raw_value=raw_value,
        visits=visits,
        q=np.where(mask, q, 0.0),
    )
