"""The trees of G games as arrays that grow together. Not here: who is visited, and what a visit means.

An assistant node has K candidates; each candidate that was taken leads to a chance node with the human's M replies;
each reply leads to the next assistant node. So a child is keyed by (candidate, reply). Names as in mctx.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from config import SearchConfig
from training.search.interfaces import A, Evaluation, Floats, Ints, S
from training.search.qtransforms import completed_qvalues, qvalue_bounds, rescale_qvalues

ROOT = 0
"""Index of every tree's root among its nodes."""

UNVISITED = -1
"""Index in place of a chance node or child that does not exist yet."""


@dataclass
class Tree(Generic[S, A]):
    """Statistics of G games, N nodes each, C chance nodes, K candidates, M replies.

    Nodes: pairs (G, N, K, 2), prior_log_probs and kept_probs (G, N, K), as evaluated; raw_values (G, N) of the
    network; node_rewards (G, N) of the transition into the node; children_visits and children_returns (G, N, K),
    number and sum of what was backed up through a candidate; chance_index (G, N, K), the chance node of a candidate.
    Chance nodes: step_rewards (G, C), reply_log_probs, reply_visits and reply_returns (G, C, M), children_index
    (G, C, M), the node after a reply.
    min_value, max_value (G,): least and largest value or mean return anywhere in the tree. node_count, chance_count
    (G,): how many exist.
    """

    states: list[list[S]]
    afterstates: list[list[A]]
    pairs: Ints
    prior_log_probs: Floats
    kept_probs: Floats
    raw_values: Floats
    node_rewards: Floats
    children_visits: Ints
    children_returns: Floats
    chance_index: Ints
    step_rewards: Floats
    reply_log_probs: Floats
    reply_visits: Ints
    reply_returns: Floats
    children_index: Ints
    min_value: Floats
    max_value: Floats
    node_count: Ints
    chance_count: Ints

    @classmethod
    def of_roots(cls, roots: Sequence[S], evaluation: Evaluation, config: SearchConfig) -> Tree[S, A]:
        """Trees of nothing but their roots, with memory for `config.simulations`."""
        games, candidates = evaluation.log_probs.shape
        node = (games, config.simulations + 1)
        chance = (games, config.simulations)
        tree: Tree[S, A] = cls(
            states=[[] for _ in roots],
            afterstates=[[] for _ in roots],
            pairs=np.zeros((*node, candidates, 2), dtype=np.int64),
            prior_log_probs=np.full((*node, candidates), -np.inf),
            kept_probs=np.full((*node, candidates), np.nan),
            raw_values=np.zeros(node),
            node_rewards=np.zeros(node),
            children_visits=np.zeros((*node, candidates), dtype=np.int64),
            children_returns=np.zeros((*node, candidates)),
            chance_index=np.full((*node, candidates), UNVISITED, dtype=np.int64),
            step_rewards=np.zeros(chance),
            reply_log_probs=np.full((*chance, config.replies), -np.inf),
            reply_visits=np.zeros((*chance, config.replies), dtype=np.int64),
            reply_returns=np.zeros((*chance, config.replies)),
            children_index=np.full((*chance, config.replies), UNVISITED, dtype=np.int64),
            min_value=np.full(games, np.inf),
            max_value=np.full(games, -np.inf),
            node_count=np.zeros(games, dtype=np.int64),
            chance_count=np.zeros(games, dtype=np.int64),
        )
        tree.add_nodes(np.arange(games), roots, np.zeros(games), evaluation)
        return tree

    def add_nodes(self, games: Ints, states: Sequence[S], rewards: Floats, evaluation: Evaluation) -> Ints:
        """Adds assistant nodes (B,) to the trees of `games` (B,), reached with `rewards` (B,)."""
        nodes = _allocate(self.node_count, games)
        for game, state in zip(games.tolist(), states, strict=True):
            self.states[game].append(state)
        self.pairs[games, nodes] = evaluation.pairs
        self.prior_log_probs[games, nodes] = evaluation.log_probs
        if evaluation.kept_probs is not None:
            self.kept_probs[games, nodes] = evaluation.kept_probs
        self.raw_values[games, nodes] = evaluation.value
        self.node_rewards[games, nodes] = rewards
        self.update_value_bounds(games, evaluation.value)
        return nodes

    def add_chances(self, games: Ints, afterstates: Sequence[A], rewards: Floats, log_probs: Floats) -> Ints:
        """Adds chance nodes (B,) to the trees of `games` (B,); log_probs: (B, M)."""
        chances = _allocate(self.chance_count, games)
        for game, afterstate in zip(games.tolist(), afterstates, strict=True):
            self.afterstates[game].append(afterstate)
        self.step_rewards[games, chances] = rewards
        self.reply_log_probs[games, chances] = log_probs
        return chances

    def update_value_bounds(self, games: Ints, returns: Floats) -> None:
        """Extends `min_value` and `max_value` of `games` (B,) by `returns` (B,)."""
        np.minimum.at(self.min_value, games, returns)
        np.maximum.at(self.max_value, games, returns)

    def rescaled_qvalues(self, games: Ints, nodes: Ints, config: SearchConfig) -> Floats:
        """Completed Q (B, K) of `nodes` (B,), from 0 to 1.

        Gumbel: by the node's own least and largest, as its policy compares candidates of one node. PUCT: by those of
        the whole tree, as its bonus has a fixed size.
        """
        log_probs, visits = self.prior_log_probs[games, nodes], self.children_visits[games, nodes]
        raw_value, returns = self.raw_values[games, nodes], self.children_returns[games, nodes]
        qvalues, _ = completed_qvalues(log_probs, raw_value, visits, returns, config.prior_visits)
        if config.algorithm == "puct":
            return rescale_qvalues(qvalues, self.min_value[games], self.max_value[games])
        return rescale_qvalues(qvalues, *qvalue_bounds(qvalues, log_probs))

    def rescaled_reply_qvalues(self, games: Ints, chances: Ints) -> Floats:
        """Mean return (B, M) of each reply, rescaled by all the tree has seen; of a new one, the mean of all."""
        visits, returns = self.reply_visits[games, chances], self.reply_returns[games, chances]
        mean_return = returns.sum(-1) / np.maximum(visits.sum(-1), 1)
        qvalues = np.where(visits > 0, returns / np.maximum(visits, 1), mean_return[:, None])
        return rescale_qvalues(qvalues, self.min_value[games], self.max_value[games])

    def back_up(self, edges: tuple[Ints, Ints, Ints], replies: Ints, returns: Floats) -> None:
        """Adds `returns` (B,) to the candidates at `edges`, games, nodes and candidates (B,), and to their replies.

        Edges must be different: a repeated one would count once.
        """
        self.children_visits[edges] += 1
        self.children_returns[edges] += returns
        reply_edges = edges[0], self.chance_index[edges], replies
        self.reply_visits[reply_edges] += 1
        self.reply_returns[reply_edges] += returns
        self.update_value_bounds(edges[0], self.children_returns[edges] / self.children_visits[edges])


def _allocate(counts: Ints, games: Ints) -> Ints:
    """The next free index (B,) of each of `games` (B,), counted in `counts` (G,); a game listed twice gets two."""
    indices = counts[games]
    np.add.at(counts, games, 1)
    if (counts[games] > indices + 1).any():  # rare, and the rest is slow
        order = games.argsort(kind="stable")
        indices[order] += np.arange(len(games)) - np.searchsorted(games[order], games[order])
    return indices
