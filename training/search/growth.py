"""One simulation after the other, for many games in lockstep: down the trees, one step, one reply, one evaluation, up.

Not here: what the grown trees say, networks, edits, rewards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import numpy as np

from config import SearchConfig
from training.search import improvement
from training.search.halving import visit_table
from training.search.interfaces import A, Dynamics, Evaluator, Ints, S
from training.search.noise import Noise
from training.search.pikl import pikl, sample
from training.search.tree import Tree


@dataclass(frozen=True)
class Path:
    """One simulation's way down G trees, D = depth: arrays (D, G), valid below `length` (G,); leaf (G,), -1: new."""

    nodes: Ints
    picks: Ints
    replies: Ints
    length: Ints
    leaf: Ints

    @classmethod
    def empty(cls, depth: int, games: int) -> Path:
        nodes, picks, replies = np.zeros((3, depth, games), dtype=np.int64)
        return cls(nodes, picks, replies, length=np.zeros(games, dtype=np.int64), leaf=np.full(games, -1))

    def end(self, games: Ints) -> tuple[Ints, Ints]:
        """Node and candidate (B,) where the way down `games` (B,) stopped."""
        last = self.length[games] - 1
        return self.nodes[last, games], self.picks[last, games]


@dataclass(frozen=True)
class Growth(Generic[S, A]):
    """Trees and what they grow by."""

    tree: Tree[S, A]
    evaluator: Evaluator[S]
    dynamics: Dynamics[S, A]
    config: SearchConfig
    noise: Noise

    def simulate(self, simulation: int) -> None:
        """One simulation in every tree; `simulation` counts from 0."""
        path = self._descend(simulation)
        self._expand(path, simulation)
        self._back_up(path)

    def _descend(self, simulation: int) -> Path:
        """Down every tree until something is new, or the depth is reached."""
        tree, count = self.tree, len(self.tree.nodes)
        path = Path.empty(self.config.depth, count)
        games, nodes = np.arange(count), np.zeros(count, dtype=np.int64)
        for depth in range(self.config.depth):
            picks = self._pick_at_root(simulation) if depth == 0 else self._pick_inside(games, nodes)
            path.nodes[depth, games], path.picks[depth, games] = nodes, picks
            path.length[games] = depth + 1
            chances = tree.chance[games, nodes, picks]
            taken = chances >= 0
            games, chances = games[taken], chances[taken]
            if not games.size:
                return path
            replies = self._sample_replies(games, chances)
            path.replies[depth, games] = replies
            nodes = tree.child[games, chances, replies]
            seen = nodes >= 0
            games, nodes = games[seen], nodes[seen]
            if not games.size:
                return path
        path.leaf[games] = nodes
        return path

    def _pick_at_root(self, simulation: int) -> Ints:
        """The candidate (G,) to take at the roots."""
        tree, config = self.tree, self.config
        if config.algorithm == "puct":
            roots = np.zeros(len(tree.nodes), dtype=np.int64)
            return self._pick_inside(np.arange(len(roots)), roots)
        log_probs, visits = tree.log_probs[:, 0], tree.visits[:, 0]
        q = tree.rescaled_q(np.arange(len(visits)), np.zeros(len(visits), dtype=np.int64), config)
        scores = improvement.gumbel_scores(log_probs, q, visits, self.noise.gumbel, config)
        existing = (log_probs > -np.inf).sum(-1)
        table = visit_table(config.considered, config.simulations)
        return improvement.pick_considered(scores, visits, table[np.minimum(existing, config.considered), simulation])

    def _pick_inside(self, games: Ints, nodes: Ints) -> Ints:
        """The candidate (B,) to take at `nodes` (B,)."""
        tree, config = self.tree, self.config
        log_probs, visits = tree.log_probs[games, nodes], tree.visits[games, nodes]
        q = tree.rescaled_q(games, nodes, config)
        if config.algorithm == "puct":
            return improvement.pick_puct(log_probs, q, visits, config)
        return improvement.pick_interior(improvement.improved_policy(log_probs, q, visits, config), visits)

    def _sample_replies(self, games: Ints, chances: Ints) -> Ints:
        """Replies (B,) of humans between imitation and reason."""
        tree, mixture = self.tree, np.array(self.config.lambdas)
        uniforms = self.noise.uniforms(games, chances, tree.reply_visits[games, chances].sum(-1))
        lambdas = mixture[(uniforms[:, 0] * len(mixture)).astype(np.int64)]
        q, log_tau = tree.rescaled_reply_q(games, chances), tree.reply_log_probs[games, chances]
        return sample(pikl(q, log_tau, lambdas, self.config.kappa), uniforms[:, 1])

    def _expand(self, path: Path, simulation: int) -> None:
        """Adds what is new at the end of each path: a chance node behind a new candidate, a node behind a new reply."""
        tree, games = self.tree, np.flatnonzero(path.leaf < 0)
        if not games.size:
            return
        nodes, picks = path.end(games)
        new = tree.chance[games, nodes, picks] < 0
        if new.any():
            self._take(path, games[new])
        chances = tree.chance[games, nodes, picks]
        replies = path.replies[path.length[games] - 1, games]
        afterstates = [tree.afterstates[g][c] for g, c in zip(games.tolist(), chances.tolist(), strict=True)]
        states, rewards = self.dynamics.reply(afterstates, replies, self.noise.seeds[games, simulation])
        rewards = rewards + tree.step_reward[games, chances]
        leaves = tree.add_nodes(games, states, rewards, self.evaluator.evaluate(states))
        path.leaf[games] = tree.child[games, chances, replies] = leaves

    def _take(self, path: Path, games: Ints) -> None:
        """Assistant's decisions at the ends of paths, taken for the first time, and the human's first replies."""
        tree, (nodes, picks) = self.tree, path.end(games)
        states = [tree.states[g][n] for g, n in zip(games.tolist(), nodes.tolist(), strict=True)]
        afterstates, rewards = self.dynamics.step(states, tree.pairs[games, nodes, picks])
        log_probs = self.dynamics.reply_log_probs(afterstates)
        chances = tree.add_chances(games, afterstates, rewards, log_probs)
        tree.chance[games, nodes, picks] = chances
        path.replies[path.length[games] - 1, games] = self._sample_replies(games, chances)

    def _back_up(self, path: Path) -> None:
        """Backs the leaves' values up: return = reward of the transition + discount * return behind it."""
        tree, games = self.tree, np.arange(len(path.leaf))
        behind, nodes = tree.value[games, path.leaf], path.leaf.copy()
        for depth in reversed(range(int(path.length.max()))):
            games = np.flatnonzero(path.length > depth)
            behind[games] = tree.reward[games, nodes[games]] + self.config.discount * behind[games]
            nodes[games] = path.nodes[depth, games]
            edge = (games, nodes[games], path.picks[depth, games])
            tree.back_up(edge, path.replies[depth, games], behind[games])
