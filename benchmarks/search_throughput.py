"""Simulations per second of the search against the bare network's states per second at the same batch size.

    python -m benchmarks.search_throughput [--seconds 2] [--threads 1] [--device cpu]

The network alone is what depends on parameters: text embedding, projection, backbone, the heads of a search. Inside a
search there are also the encoding of new states, candidates, the tree (measured by itself as well) and the edits in it.
Those of the assistant are real, the human types a line; a network for the human is left out, as it is one more call of
the same kind. Not here: quality.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from actions import Decision, apply
from benchmarks.timing import medians
from config import FeaturizerConfig, ModelConfig, SearchConfig
from featurizers import Featurizer
from models import Policy
from state import Cursor, State, never
from training.search import Dynamics, Evaluation, Evaluator, Noise, search
from training.search.evaluator import HEADS, PolicyEvaluator
from training.search.interfaces import Floats, Ints

BACKBONES = ("lg_transformer", "lstm", "bigru")
LENGTHS, GAMES = (16, 64, 300), (1, 32)


class Typing:
    """The assistant writes a line; the human types one, at one of eight places, or only looks on."""

    def __init__(self, replies: int) -> None:
        self.replies = replies

    def step(self, states: Sequence[State], pairs: Ints) -> tuple[list[State], Floats]:
        moves = zip(states, pairs.tolist(), strict=True)
        after = [apply(s, Decision(d), line, "total += 1", by="A", t=s.t + 1) for s, (d, line) in moves]
        return after, np.where(pairs[:, 0] == Decision.NO_OP, 0.05, 0.0)

    def reply_log_probs(self, afterstates: Sequence[State]) -> Floats:
        return np.full((len(afterstates), self.replies), -np.log(self.replies))

    def reply(self, afterstates: Sequence[State], replies: Ints, seeds: Ints) -> tuple[list[State], Floats]:
        edit = Decision.EDIT_EXISTING_LINES
        later = [
            apply(s, edit, reply, f"typed = {seed}", by="H", t=s.t + 1) if reply else replace(s, t=s.t + 1)
            for s, reply, seed in zip(afterstates, replies.tolist(), seeds.tolist(), strict=True)
        ]
        return later, np.zeros(len(later))


def a_file(lines: int, game: int) -> State:
    text = tuple(f"    value_{i} = compute(value_{i - 1}, {i * game})" for i in range(lines))
    return State(text, 10, never(lines), never(lines), Cursor(True, lines // 2, 4, 10))


class Still:
    """Nothing ever happens, and everything is known: what is left of a search is its tree."""

    def __init__(self, evaluation: Evaluation, replies: int) -> None:
        self.evaluation, self.replies = evaluation, replies

    def evaluate(self, states: Sequence[State]) -> Evaluation:
        known, some = self.evaluation, slice(len(states))
        return Evaluation(known.pairs[some], known.log_probs[some], known.value[some])

    def step(self, states: Sequence[State], pairs: Ints) -> tuple[Sequence[State], Floats]:
        return states, np.zeros(len(states))

    def reply_log_probs(self, afterstates: Sequence[State]) -> Floats:
        return np.full((len(afterstates), self.replies), -np.log(self.replies))

    def reply(self, afterstates: Sequence[State], replies: Ints, seeds: Ints) -> tuple[Sequence[State], Floats]:
        return afterstates, np.zeros(len(replies))


@torch.no_grad()
def measure(backbone: str, lines: int, games: int, *, seconds: float, device: str) -> dict[str, float]:
    """States per second of the network alone, of a search and of its tree alone."""
    torch.manual_seed(0)
    policy = Policy(ModelConfig(backbone=backbone)).to(device).eval()
    featurizer = Featurizer(FeaturizerConfig()).to(device).eval()
    config, states = SearchConfig(), [a_file(lines, game) for game in range(games)]
    evaluator, typing = PolicyEvaluator(policy, featurizer, config), Typing(config.replies)
    still = Still(evaluator.evaluate(states), config.replies)
    batch = featurizer.encode(states).batch(range(games), device)

    def network() -> None:
        for _ in range(config.simulations + 1):  # the root is evaluated too
            value = policy(featurizer(batch), HEADS).value
        value.cpu()

    def searching(evaluator: Evaluator[State], dynamics: Dynamics[State, State]) -> None:
        generators = [np.random.default_rng(game) for game in range(games)]
        search(states, evaluator, dynamics, config, Noise.draw(generators, config, explore=True))

    calls: dict[str, Callable[[], object]] = {
        "network": network,
        "search": partial(searching, evaluator, typing),
        "tree": partial(searching, still, still),
    }
    per_second = 1e3 * games * (config.simulations + 1)
    return {name: per_second / ms for name, ms in medians(calls, seconds=seconds, warm_up=1).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Search against the bare network, states per second.")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("| backbone | lines | games | network | search | share | tree |\n|---|---|---|---|---|---|---|")
    for backbone in BACKBONES:
        for lines in LENGTHS:
            for games in GAMES:
                found = measure(backbone, lines, games, seconds=arguments.seconds, device=arguments.device)
                share, tree = found["search"] / found["network"], found["network"] / found["tree"]
                row = f"{found['network']:.0f} | {found['search']:.0f} | {share:.2f} | {tree:.3f}"
                print(f"| {backbone} | {lines} | {games} | {row} |", flush=True)


if __name__ == "__main__":
    main()
