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
from training.search.interfaces import A, Dynamics, Evaluator, Ints, S
from training.search.pikl import pikl, sample
from training.search.search_randomness import SearchRandomness
from training.search.sequential_halving import visit_table
from training.search.tree import Tree


@dataclass(frozen=True)
class Path:
    """Ways down, B of them, D = depth: arrays (D, B), valid below `length` (B,); leaf (B,), -1: new.

    games (B,): whose trees. simulations (B,): which simulations of theirs, from 0.
    """

    games: Ints
    simulations: Ints
    nodes: Ints
    actions: Ints
    replies: Ints
    length: Ints
    leaf: Ints

    @classmethod
    def empty(cls, games: Ints, simulations: Ints, depth: int) -> Path:
        count = len(games)
        nodes, actions, replies = np.zeros((3, depth, count), dtype=np.int64)
        length, leaf = np.zeros(count, dtype=np.int64), np.full(count, -1)
        return cls(games, simulations, nodes, actions, replies, length, leaf)

    def end(self, ways: Ints) -> tuple[Ints, Ints, Ints]:
        """Game, node and candidate (B,) where `ways` (B,) stopped."""
        last = self.length[ways] - 1
        return self.games[ways], self.nodes[last, ways], self.actions[last, ways]


@dataclass(frozen=True)
class TreeSimulator(Generic[S, A]):
    """Trees and what they grow by."""

    tree: Tree[S, A]
    evaluator: Evaluator[S]
    dynamics: Dynamics[S, A]
    config: SearchConfig
    noise: SearchRandomness

    def visit_considered_once(self) -> Ints:
        """The first visit of each candidate that halving considers; returns how many those were (G,), 0 with PUCT.

        Which candidates they are hangs on no result, nor does a first reply.
        """
        log_probs, config = self.tree.log_probs[:, 0], self.config
        most = min(config.considered, config.simulations)
        if config.algorithm == "puct" or most < 1 or config.depth < 1:
            return np.zeros(len(log_probs), dtype=np.int64)
        counts: Ints = np.minimum((log_probs > -np.inf).sum(-1), most)
        games, simulations = np.nonzero(np.arange(most) < counts[:, None])
        path = Path.empty(games, simulations, config.depth)
        path.actions[0] = action_selection.initial_order(log_probs + self.noise.gumbel)[games, simulations]
        path.length[:] = 1
        self._expand(path)
        self._back_up(path)
        return counts

    def simulate(self, games: Ints, simulation: int) -> None:
        """One simulation in the trees of `games` (B,), all different; `simulation` counts from 0."""
        path = self._descend(games, simulation)
        self._expand(path)
        self._back_up(path)

    def _descend(self, all_games: Ints, simulation: int) -> Path:
        """Down every tree until something is new, or the depth is reached."""
        tree, count = self.tree, len(all_games)
        path = Path.empty(all_games, np.full(count, simulation), self.config.depth)
        ways, games, nodes = np.arange(count), all_games, np.zeros(count, dtype=np.int64)
        for depth in range(self.config.depth):
            actions = self._pick_at_root(games, simulation) if depth == 0 else self._pick_inside(games, nodes)
            path.nodes[depth, ways], path.actions[depth, ways] = nodes, actions
            path.length[ways] = depth + 1
            chances = tree.chance_index[games, nodes, actions]
            taken = chances >= 0
            ways, games, chances = ways[taken], games[taken], chances[taken]
            if not games.size:
                return path
            replies = self._sample_replies(games, chances)
            path.replies[depth, ways] = replies
            nodes = tree.children_index[games, chances, replies]
            seen = nodes >= 0
            ways, games, nodes = ways[seen], games[seen], nodes[seen]
            if not games.size:
                return path
        path.leaf[ways] = nodes
        return path

    def _pick_at_root(self, games: Ints, simulation: int) -> Ints:
        """The candidate (B,) to take at the roots of `games` (B,)."""
        tree, config, roots = self.tree, self.config, np.zeros(len(games), dtype=np.int64)
        if config.algorithm == "puct":
            return self._pick_inside(games, roots)
        log_probs, visits = tree.log_probs[games, 0], tree.visits[games, 0]
        q = tree.rescaled_q(games, roots, config)
        scores = action_selection.gumbel_scores(log_probs, q, visits, self.noise.gumbel[games], config)
        existing = (log_probs > -np.inf).sum(-1)
        table = visit_table(config.considered, config.simulations)
        return action_selection.pick_considered(
            scores, visits, table[np.minimum(existing, config.considered), simulation]
        )

    def _pick_inside(self, games: Ints, nodes: Ints) -> Ints:
        """The candidate (B,) to take at `nodes` (B,)."""
        tree, config = self.tree, self.config
        log_probs, visits = tree.log_probs[games, nodes], tree.visits[games, nodes]
        q = tree.rescaled_q(games, nodes, config)
        if config.algorithm == "puct":
            return action_selection.pick_puct(log_probs, q, visits, config)
        return action_selection.pick_interior(action_selection.improved_policy(log_probs, q, visits, config), visits)

    def _sample_replies(self, games: Ints, chances: Ints) -> Ints:
        """Replies (B,) of humans between imitation and reason."""
        tree, mixture = self.tree, np.array(self.config.lambdas)
        uniforms = self.noise.uniforms(games, chances, tree.reply_visits[games, chances].sum(-1))
        lambdas = mixture[(uniforms[:, 0] * len(mixture)).astype(np.int64)]
        q, log_tau = tree.rescaled_reply_q(games, chances), tree.reply_log_probs[games, chances]
        return sample(pikl(q, log_tau, lambdas, self.config.kappa), uniforms[:, 1])

    def _expand(self, path: Path) -> None:
        """Adds what is new at the end of each way: a chance node behind a new candidate, a node behind a new reply."""
        tree, ways = self.tree, np.flatnonzero(path.leaf < 0)
        if not ways.size:
            return
        games, nodes, actions = path.end(ways)
        new = tree.chance_index[games, nodes, actions] < 0
        if new.any():
            self._take(path, ways[new])
        chances = tree.chance_index[games, nodes, actions]
        replies = path.replies[path.length[ways] - 1, ways]
        afterstates = [tree.afterstates[g][c] for g, c in zip(games.tolist(), chances.tolist(), strict=True)]
        seeds = self.noise.seeds[games, path.simulations[ways]]
        states, rewards = self.dynamics.reply(afterstates, replies, seeds)
        rewards = rewards + tree.step_reward[games, chances]
        leaves = tree.add_nodes(games, states, rewards, self.evaluator.evaluate(states))
        path.leaf[ways] = tree.children_index[games, chances, replies] = leaves

    def _take(self, path: Path, ways: Ints) -> None:
        """Assistant's decisions at the ends of `ways`, taken for the first time, and the human's first replies."""
        tree, (games, nodes, actions) = self.tree, path.end(ways)
        states = [tree.states[g][n] for g, n in zip(games.tolist(), nodes.tolist(), strict=True)]
        afterstates, rewards = self.dynamics.step(states, tree.pairs[games, nodes, actions])
        log_probs = self.dynamics.reply_log_probs(afterstates)
        chances = tree.add_chances(games, afterstates, rewards, log_probs)
        tree.chance_index[games, nodes, actions] = chances
        path.replies[path.length[ways] - 1, ways] = self._sample_replies(games, chances)

    def _back_up(self, path: Path) -> None:
        """Backs the leaves' values up: return = reward of the transition + discount * return behind it."""
        tree, nodes = self.tree, path.leaf.copy()
        behind = tree.value[path.games, nodes]
        for depth in reversed(range(int(path.length.max()))):
            ways = np.flatnonzero(path.length > depth)
            games = path.games[ways]
            behind[ways] = tree.reward[games, nodes[ways]] + self.config.discount * behind[ways]
            nodes[ways] = path.nodes[depth, ways]
            edge = (games, nodes[ways], path.actions[depth, ways])
            tree.back_up(edge, path.replies[depth, ways], behind[ways])
