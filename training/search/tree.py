"""The trees of G games as arrays that grow together. Not here: who is visited, and what a visit means.

An assistant node has K candidates; behind a candidate that was taken lies a chance node with the human's M replies;
behind a reply, the next assistant node. So a child is keyed by (candidate, reply).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from config import SearchConfig
from training.search.action_selection import bounds, completed_qvalues, rescale
from training.search.interfaces import A, Evaluation, Floats, Ints, S


@dataclass
class Tree(Generic[S, A]):
    """Statistics of G games, N nodes each (node 0 is the root), C chance nodes, K candidates, M replies.

    Nodes: pairs (G, N, K, 2), log_probs (G, N, K), value (G, N) of the network, reward (G, N) of the transition into
    the node; visits and returns (G, N, K), number and sum of what was backed up through a candidate; chance (G, N, K),
    the chance node behind it, -1: never taken.
    Chance nodes: step_reward (G, C), reply_log_probs (G, C, M), reply_visits and reply_returns (G, C, M), child
    (G, C, M), -1: never seen.
    low, high (G,): least and largest value or mean return anywhere in the tree. nodes, chances (G,): how many exist.
    """

    states: list[list[S]]
    afterstates: list[list[A]]
    pairs: Ints
    log_probs: Floats
    value: Floats
    reward: Floats
    visits: Ints
    returns: Floats
    chance_index: Ints
    step_reward: Floats
    reply_log_probs: Floats
    reply_visits: Ints
    reply_returns: Floats
    children_index: Ints
    min_value: Floats
    max_value: Floats
    nodes: Ints
    chances: Ints

    @classmethod
    def start(cls, roots: Sequence[S], evaluation: Evaluation, config: SearchConfig) -> Tree[S, A]:
        """Trees of nothing but their roots."""
        games, candidates = evaluation.log_probs.shape
        node = (games, config.simulations + 1)
        chance_index = (games, config.simulations)
        tree: Tree[S, A] = cls(
            states=[[] for _ in roots],
            afterstates=[[] for _ in roots],
            pairs=np.zeros((*node, candidates, 2), dtype=np.int64),
            log_probs=np.full((*node, candidates), -np.inf),
            value=np.zeros(node),
            reward=np.zeros(node),
            visits=np.zeros((*node, candidates), dtype=np.int64),
            returns=np.zeros((*node, candidates)),
            chance_index=np.full((*node, candidates), -1, dtype=np.int64),
            step_reward=np.zeros(chance_index),
            reply_log_probs=np.full((*chance_index, config.replies), -np.inf),
            reply_visits=np.zeros((*chance_index, config.replies), dtype=np.int64),
            reply_returns=np.zeros((*chance_index, config.replies)),
            children_index=np.full((*chance_index, config.replies), -1, dtype=np.int64),
            min_value=np.full(games, np.inf),
            max_value=np.full(games, -np.inf),
            nodes=np.zeros(games, dtype=np.int64),
            chances=np.zeros(games, dtype=np.int64),
        )
        tree.add_nodes(np.arange(games), roots, np.zeros(games), evaluation)
        return tree

    def add_nodes(self, games: Ints, states: Sequence[S], rewards: Floats, evaluation: Evaluation) -> Ints:
        """Assistant nodes (B,) in the trees of `games` (B,), reached with `rewards` (B,)."""
        nodes = _allocate(self.nodes, games)
        for game, state in zip(games.tolist(), states, strict=True):
            self.states[game].append(state)
        self.pairs[games, nodes] = evaluation.pairs
        self.log_probs[games, nodes] = evaluation.log_probs
        self.value[games, nodes] = evaluation.value
        self.reward[games, nodes] = rewards
        self.update_value_bounds(games, evaluation.value)
        return nodes

    def add_chances(self, games: Ints, afterstates: Sequence[A], rewards: Floats, log_probs: Floats) -> Ints:
        """Chance nodes (B,) in the trees of `games` (B,); log_probs: (B, M)."""
        chances = _allocate(self.chances, games)
        for game, afterstate in zip(games.tolist(), afterstates, strict=True):
            self.afterstates[game].append(afterstate)
        self.step_reward[games, chances] = rewards
        self.reply_log_probs[games, chances] = log_probs
        return chances

    def update_value_bounds(self, games: Ints, returns: Floats) -> None:
        """Extends `min_value` and `max_value` of `games` (B,) by `returns` (B,)."""
        np.minimum.at(self.min_value, games, returns)
        np.maximum.at(self.max_value, games, returns)

    def rescaled_q(self, games: Ints, nodes: Ints, config: SearchConfig) -> Floats:
        """Completed Q (B, K) of `nodes` (B,), from 0 to 1.

        Gumbel: by the node's own least and largest, as its policy compares candidates of one node. PUCT: by those of
        the whole tree, as its bonus has a fixed size.
        """
        log_probs, visits = self.log_probs[games, nodes], self.visits[games, nodes]
        value, returns = self.value[games, nodes], self.returns[games, nodes]
        q, _ = completed_qvalues(log_probs, value, visits, returns, config.prior_visits)
        if config.algorithm == "puct":
            return rescale(q, self.min_value[games], self.max_value[games])
        return rescale(q, *bounds(q, log_probs))

    def rescaled_reply_q(self, games: Ints, chances: Ints) -> Floats:
        """Mean return (B, M) behind each reply, rescaled by all the tree has seen; the mean of all behind a new one."""
        visits, returns = self.reply_visits[games, chances], self.reply_returns[games, chances]
        mean = returns.sum(-1) / np.maximum(visits.sum(-1), 1)
        q = np.where(visits > 0, returns / np.maximum(visits, 1), mean[:, None])
        return rescale(q, self.min_value[games], self.max_value[games])

    def back_up(self, edges: tuple[Ints, Ints, Ints], replies: Ints, returns: Floats) -> None:
        """Adds `returns` (B,) to the candidates at `edges`, games, nodes and candidates (B,), and to their replies.

        An edge that is there twice would count once.
        """
        self.visits[edges] += 1
        self.returns[edges] += returns
        behind = edges[0], self.chance_index[edges], replies
        self.reply_visits[behind] += 1
        self.reply_returns[behind] += returns
        self.update_value_bounds(edges[0], self.returns[edges] / self.visits[edges])


def _allocate(counts: Ints, games: Ints) -> Ints:
    """The next free place (B,) of each of `games` (B,), taken in `counts` (G,); a game that is there twice gets two."""
    places = counts[games]
    np.add.at(counts, games, 1)
    if (counts[games] > places + 1).any():  # seldom, and the rest takes time
        order = games.argsort(kind="stable")
        places[order] += np.arange(len(games)) - np.searchsorted(games[order], games[order])
    return places
