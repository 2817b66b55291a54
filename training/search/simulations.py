"""Simulations of many games in lockstep: down the trees, one step, one reply, one evaluation, up.

The first visits of a root's candidates are made together, all others one after the other. Not here: what the grown
trees say, networks, edits, rewards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import numpy as np

from config import SearchConfig
from training.search import action_selection
from training.search.interfaces import A, Ints, S, SearchModel
from training.search.numerics import sample
from training.search.pikl import pikl
from training.search.search_randomness import SearchRandomness
from training.search.sequential_halving import visit_table
from training.search.tree import ROOT, UNVISITED, Tree


@dataclass(frozen=True)
class SimulationPaths:
    """B paths from roots to leaves, D = depth: arrays (D, B), valid below `length` (B,).

    games (B,): whose trees. simulations (B,): which simulations of theirs, from 0. nodes, actions, replies (D, B): the
    nodes passed, the candidates taken there and the human's replies. leaf (B,): the node at the end, `UNVISITED`: one
    that is yet to be added.
    """

    games: Ints
    simulations: Ints
    nodes: Ints
    actions: Ints
    replies: Ints
    length: Ints
    leaf: Ints

    @classmethod
    def empty(cls, games: Ints, simulations: Ints, depth: int) -> SimulationPaths:
        """Paths of length 0 at the roots of `games` (B,)."""
        count = len(games)
        nodes, actions, replies = np.zeros((3, depth, count), dtype=np.int64)
        length, leaf = np.zeros(count, dtype=np.int64), np.full(count, UNVISITED)
        return cls(games, simulations, nodes, actions, replies, length, leaf)

    def last_edges(self, paths: Ints) -> tuple[Ints, Ints, Ints]:
        """Game, node and candidate (B,) at which the paths with the indices `paths` (B,) ended."""
        last = self.length[paths] - 1
        return self.games[paths], self.nodes[last, paths], self.actions[last, paths]


@dataclass(frozen=True)
class TreeSimulator(Generic[S, A]):
    """Trees, and the model and random numbers by which they grow."""

    tree: Tree[S, A]
    model: SearchModel[S, A]
    config: SearchConfig
    randomness: SearchRandomness

    def visit_considered_once(self) -> Ints:
        """The first visit of each candidate that halving considers; returns how many those were (G,), 0 with PUCT.

        They can share one call, as neither the choice of candidates nor a first reply depends on any result.
        """
        log_probs, config = self.tree.prior_log_probs[:, ROOT], self.config
        considered = min(config.considered, config.simulations)
        if config.algorithm == "puct" or considered < 1 or config.depth < 1:
            return np.zeros(len(log_probs), dtype=np.int64)
        counts: Ints = np.minimum((log_probs > -np.inf).sum(-1), considered)
        games, simulations = np.nonzero(np.arange(considered) < counts[:, None])
        paths = SimulationPaths.empty(games, simulations, config.depth)
        order = action_selection.initial_order(log_probs + self.randomness.gumbel)
        paths.actions[0] = order[games, simulations]
        paths.length[:] = 1
        self._expand(paths)
        self._back_up(paths)
        return counts

    def simulate(self, games: Ints, simulation: int) -> None:
        """One simulation in the trees of `games` (B,), all different; `simulation` counts from 0."""
        paths = self._descend(games, simulation)
        self._expand(paths)
        self._back_up(paths)

    def _descend(self, all_games: Ints, simulation: int) -> SimulationPaths:
        """Down every tree until something is new, or the depth is reached."""
        tree, count = self.tree, len(all_games)
        paths = SimulationPaths.empty(all_games, np.full(count, simulation), self.config.depth)
        active, games, nodes = np.arange(count), all_games, np.zeros(count, dtype=np.int64)
        for depth in range(self.config.depth):
            actions = self._select_root(games, simulation) if depth == 0 else self._select_interior(games, nodes)
            paths.nodes[depth, active], paths.actions[depth, active] = nodes, actions
            paths.length[active] = depth + 1
            chances = tree.chance_index[games, nodes, actions]
            visited = chances != UNVISITED
            active, games, chances = active[visited], games[visited], chances[visited]
            if not games.size:
                return paths
            replies = self._sample_replies(games, chances)
            paths.replies[depth, active] = replies
            nodes = tree.children_index[games, chances, replies]
            visited = nodes != UNVISITED
            active, games, nodes = active[visited], games[visited], nodes[visited]
            if not games.size:
                return paths
        paths.leaf[active] = nodes
        return paths

    def _select_root(self, games: Ints, simulation: int) -> Ints:
        """The candidate (B,) to take at the roots of `games` (B,)."""
        tree, config, roots = self.tree, self.config, np.full(len(games), ROOT)
        if config.algorithm == "puct":
            return self._select_interior(games, roots)
        log_probs, visits = tree.prior_log_probs[games, ROOT], tree.children_visits[games, ROOT]
        qvalues = tree.rescaled_qvalues(games, roots, config)
        scores = action_selection.gumbel_scores(log_probs, qvalues, visits, self.randomness.gumbel[games], config)
        existing = (log_probs > -np.inf).sum(-1)
        table = visit_table(config.considered, config.simulations)
        considered_visit = table[np.minimum(existing, config.considered), simulation]
        return action_selection.select_considered(scores, visits, considered_visit)

    def _select_interior(self, games: Ints, nodes: Ints) -> Ints:
        """The candidate (B,) to take at `nodes` (B,)."""
        tree, config = self.tree, self.config
        log_probs, visits = tree.prior_log_probs[games, nodes], tree.children_visits[games, nodes]
        qvalues = tree.rescaled_qvalues(games, nodes, config)
        if config.algorithm == "puct":
            return action_selection.select_puct(log_probs, qvalues, visits, config)
        improved = action_selection.improved_policy(log_probs, qvalues, visits, config)
        return action_selection.select_interior(improved, visits)

    def _sample_replies(self, games: Ints, chances: Ints) -> Ints:
        """Replies (B,) of humans between imitation and reason."""
        tree, mixture = self.tree, np.array(self.config.lambdas)
        uniforms = self.randomness.uniforms(games, chances, tree.reply_visits[games, chances].sum(-1))
        lambdas = mixture[(uniforms[:, 0] * len(mixture)).astype(np.int64)]
        qvalues, log_tau = tree.rescaled_reply_qvalues(games, chances), tree.reply_log_probs[games, chances]
        return sample(pikl(qvalues, log_tau, lambdas, self.config.kappa), uniforms[:, 1])

    def _expand(self, paths: SimulationPaths) -> None:
        """Adds what is new at the end of each path: a chance node for a new candidate, a node for a new reply."""
        tree, unfinished = self.tree, np.flatnonzero(paths.leaf == UNVISITED)
        if not unfinished.size:
            return
        games, nodes, actions = paths.last_edges(unfinished)
        new = tree.chance_index[games, nodes, actions] == UNVISITED
        if new.any():
            self._step(paths, unfinished[new])
        chances = tree.chance_index[games, nodes, actions]
        replies = paths.replies[paths.length[unfinished] - 1, unfinished]
        afterstates = [tree.afterstates[g][c] for g, c in zip(games.tolist(), chances.tolist(), strict=True)]
        seeds = self.randomness.seeds[games, paths.simulations[unfinished]]
        states, rewards = self.model.reply(afterstates, replies, seeds)
        rewards = rewards + tree.step_rewards[games, chances]
        leaves = tree.add_nodes(games, states, rewards, self.model.evaluate(states))
        paths.leaf[unfinished] = tree.children_index[games, chances, replies] = leaves

    def _step(self, paths: SimulationPaths, new: Ints) -> None:
        """Assistant's decisions at the ends of the paths `new` (B,), taken for the first time, and first replies."""
        tree, (games, nodes, actions) = self.tree, paths.last_edges(new)
        states = [tree.states[g][n] for g, n in zip(games.tolist(), nodes.tolist(), strict=True)]
        edges = games, nodes, actions
        afterstates, rewards = self.model.step(states, tree.pairs[edges], tree.kept_probs[edges])
        log_probs = self.model.reply_log_probs(afterstates)
        chances = tree.add_chances(games, afterstates, rewards, log_probs)
        tree.chance_index[edges] = chances
        paths.replies[paths.length[new] - 1, new] = self._sample_replies(games, chances)

    def _back_up(self, paths: SimulationPaths) -> None:
        """Backs the leaves' values up: return = reward of the transition + discount * return after it."""
        tree, nodes = self.tree, paths.leaf.copy()
        returns = tree.raw_values[paths.games, nodes]
        for depth in reversed(range(int(paths.length.max()))):
            active = np.flatnonzero(paths.length > depth)
            games = paths.games[active]
            returns[active] = tree.node_rewards[games, nodes[active]] + self.config.discount * returns[active]
            nodes[active] = paths.nodes[depth, active]
            edges = (games, nodes[active], paths.actions[depth, active])
            tree.back_up(edges, paths.replies[depth, active], returns[active])
