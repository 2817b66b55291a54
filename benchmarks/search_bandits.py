"""What a search finds with few simulations, on two small games whose answers are known.

    python -m benchmarks.search_bandits

Two steps: 94 pairs a state as in a file of 20 lines, a prior that knows a part of what they pay, noisy replies and a
noisy value. Undone: writing is kept with some probability (+0.5), else undone (-0.6); NO-OP pays 0.1. Not here: speed.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.search_bandits(__doc__))

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.arguments import run_study
from config import SearchConfig
from training.search import Evaluation, SearchRandomness, SearchResult, run_search
from training.search.interfaces import Floats, Ints

GAMES, PAIRS, REPLIES, SECOND = 500, 94, 8, 32
INF = float("inf")
BUDGETS = ((8, 8), (16, 8), (32, 8), (64, 16))
"""Simulations, and candidates considered at the root."""
KEPT_PROBS = (0.1, 0.3, 0.5, 0.9)

Place = tuple[int, int]
"""Game and second state; -1: the first step's, -2: over."""


class TwoSteps:
    """G games of two decisions. The first leads, by the human's reply, to one of `SECOND` second states."""

    def __init__(self, seed: int, candidates: int) -> None:
        rng = np.random.default_rng(seed)
        self.candidates = candidates
        self.log_probs, self.pays = self._policy(rng, SECOND + 1)  # the last one is the first step's
        self.tau = rng.dirichlet(np.full(REPLIES, 0.5), size=(GAMES, PAIRS)) + 1e-9
        self.reply_pays = 0.5 * rng.normal(size=self.tau.shape)
        self.leads_to = rng.integers(SECOND, size=self.tau.shape)
        second = (np.exp(self.log_probs) * self.pays).sum(-1)[:, :-1]
        games = np.arange(GAMES)[:, None, None]
        self.q = self.pays[:, -1] + (self.tau * (self.reply_pays + second[games, self.leads_to])).sum(-1)
        self.prior_value = (np.exp(self.log_probs[:, -1]) * self.q).sum(-1)
        values = np.concatenate([second, self.prior_value[:, None]], axis=1)
        self.values = values + 0.3 * rng.normal(size=values.shape)

    @staticmethod
    def _policy(rng: np.random.Generator, states: int) -> tuple[Floats, Floats]:
        seen = rng.normal(size=(GAMES, states, PAIRS))  # what the network knows of a pair
        pays = 0.3 * seen + 0.5 * rng.normal(size=seen.shape)
        logits = 1.2 * seen + 0.8 * rng.normal(size=seen.shape)
        logits[..., 0] += 2.0  # NO-OP is the commonest decision
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True)), pays

    def evaluate(self, states: Sequence[Place]) -> Evaluation:
        games, places = np.array(states).T
        log_probs = self.log_probs[games, places]
        best = np.argsort(-log_probs[:, 1:], axis=-1)[:, : self.candidates - 1] + 1
        chosen = np.concatenate([np.zeros((len(states), 1), dtype=np.int64), best], axis=1)
        pairs = np.stack([chosen, chosen - 1], axis=-1)
        value = np.where(places == -2, 0.0, self.values[games, places])
        return Evaluation(pairs, np.take_along_axis(log_probs, chosen, axis=1), value)

    def step(
        self, states: Sequence[Place], pairs: Ints, kept_probs: Floats
    ) -> tuple[list[tuple[int, int, int]], Floats]:
        games, places = np.array(states).T
        pays = np.where(places == -2, 0.0, self.pays[games, places, pairs[:, 0]])
        return [(g, s, p) for (g, s), p in zip(states, pairs[:, 0].tolist(), strict=True)], pays

    def reply_log_probs(self, afterstates: Sequence[tuple[int, int, int]]) -> Floats:
        games, _, actions = np.array(afterstates).T
        log_tau: Floats = np.log(self.tau[games, actions])
        return log_tau

    def reply(
        self, afterstates: Sequence[tuple[int, int, int]], replies: Ints, seeds: Ints
    ) -> tuple[list[Place], Floats]:
        games, places, actions = np.array(afterstates).T
        pays = np.where(places == -1, self.reply_pays[games, actions, replies], 0.0)
        next_places = np.where(places == -1, self.leads_to[games, actions, replies], -2)
        return list(zip(games.tolist(), next_places.tolist(), strict=True)), pays


class Undone:
    """Seven ways to write for a person who keeps what is written with the probability `kept_prob`."""

    def __init__(self, kept_prob: float) -> None:
        self.kept_prob = kept_prob

    def evaluate(self, states: Sequence[int]) -> Evaluation:
        pairs = np.tile(np.stack([np.arange(8)] * 2, axis=-1), (len(states), 1, 1))
        prior = np.log(np.array([0.3, *[0.1] * 7]))
        return Evaluation(pairs, np.tile(prior, (len(states), 1)), np.zeros(len(states)))

    def step(self, states: Sequence[int], pairs: Ints, kept_probs: Floats) -> tuple[list[bool], Floats]:
        wrote = pairs[:, 0] > 0
        return wrote.tolist(), np.where(wrote, 0.0, 0.1)

    def reply_log_probs(self, afterstates: Sequence[bool]) -> Floats:
        tau = np.array([self.kept_prob, *[(1 - self.kept_prob) / (REPLIES - 1)] * (REPLIES - 1)])
        return np.tile(np.log(tau), (len(afterstates), 1))

    def reply(self, afterstates: Sequence[bool], replies: Ints, seeds: Ints) -> tuple[list[int], Floats]:
        return [0] * len(replies), np.where(afterstates, np.where(replies == 0, 0.5, -0.6), 0.0)


def no_exploration(config: SearchConfig) -> SearchRandomness:
    return SearchRandomness.draw([np.random.default_rng(game) for game in range(GAMES)], config, explore=False)


def shares(game: TwoSteps, result: SearchResult) -> tuple[float, float]:
    """Share of the possible gain over the prior, of what is played and of what is learned."""
    possible = (game.q.max(-1) - game.prior_value).mean()
    played = game.q[np.arange(GAMES), result.decisions] - game.prior_value
    candidate_q = np.take_along_axis(game.q, result.pairs[:, :, 0], axis=1)
    learned = (result.improved_policy * candidate_q).sum(-1) - game.prior_value
    return float(played.mean() / possible), float(learned.mean() / possible)


def print_two_steps() -> None:
    """The first table."""
    base = SearchConfig(depth=2, discount=1.0, lambdas=(INF,))
    kinds: Mapping[str, SearchConfig] = {
        "PUCT": replace(base, algorithm="puct"),
        "Gumbel, no prior visit": replace(base, prior_visits=0.0),
        "Gumbel": base,
        "Gumbel, lambda 1e-4 .. 1e-1": replace(base, lambdas=(1e-4, 1e-3, 1e-2, 1e-1)),
        "Gumbel, lambda as by default": replace(base, lambdas=SearchConfig().lambdas),
    }
    game = TwoSteps(seed=0, candidates=base.candidates)
    roots = [(g, -1) for g in range(GAMES)]
    print("Two steps, share of the possible gain, played / learned, by simulations (considered)\n")
    print("| | " + " | ".join(f"{simulations} ({considered})" for simulations, considered in BUDGETS) + " |")
    print("|---" * (len(BUDGETS) + 1) + "|")
    for name, kind in kinds.items():
        cells = []
        for simulations, considered in BUDGETS:
            config = replace(kind, simulations=simulations, considered=considered)
            result = run_search(roots, game, config, no_exploration(config))
            cells.append("{:.2f} / {:.2f}".format(*shares(game, result)))
        print(f"| {name} | " + " | ".join(cells) + " |")


def print_undone() -> None:
    """The second table."""
    print("\nUndone, share of games in which NO-OP is played, 16 / 64 simulations, by the probability of keeping")
    print("(NO-OP is right below 0.64)\n")
    print("| lambda | " + " | ".join(map(str, KEPT_PROBS)) + " |")
    print("|---" * (len(KEPT_PROBS) + 1) + "|")
    for lambdas in ((INF,), SearchConfig().lambdas, (1e-4, 1e-3, 1e-2, 1e-1)):
        cells = [_no_op_shares(Undone(kept_prob), lambdas) for kept_prob in KEPT_PROBS]
        print(f"| {', '.join(map(str, lambdas))} | " + " | ".join(cells) + " |")


def _no_op_shares(person: Undone, lambdas: tuple[float, ...]) -> str:
    no_op_shares = []
    for simulations in (16, 64):
        config = SearchConfig(simulations=simulations, candidates=8, depth=1, lambdas=lambdas)
        result = run_search([0] * GAMES, person, config, no_exploration(config))
        no_op_shares.append((result.decisions == 0).mean())
    return "{:.2f} / {:.2f}".format(*no_op_shares)


def main(options: argparse.Namespace) -> None:
    print_two_steps()
    print_undone()


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
