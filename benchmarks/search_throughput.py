"""Simulations per second of a search of files against the bare networks' own pace on batches of the same sizes.

    python -m benchmarks.search_throughput [--seconds 2] [--threads 1] [--device cpu]

The search is the one that plays and learns: two networks (the assistant's with value and p(kept), the human's), edits,
histories, trees. The baselines are what in it depends on parameters: text embedding, projection, backbones and heads.
same calls: called as often and with the same batches as in that very search. one by one: as in a search that makes the
first visits of a root's candidates one after the other, too, so that no call has more than a state of each game. tree:
the time of the trees alone, as a share of the same calls. Not here: quality.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.search_throughput(__doc__))

import argparse
from collections.abc import Callable, Iterable, Sequence
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.arguments import run_study
from benchmarks.timing import medians
from config import FeaturizerConfig, ModelConfig, RewardWeights, SearchConfig
from featurizers import Featurizer, StateBatch
from models import Policy
from simulation.network_agents import NetworkPolicy
from state import Cursor, State, unedited
from training.search import Evaluation, SearchRandomness, run_search
from training.search.evaluator import PolicyEvaluator
from training.search.goal_free_model import DISCOUNT, GoalFreeModel
from training.search.interfaces import Floats, Ints
from training.search.simulations import TreeSimulator

BACKBONES = ("lg_transformer", "lstm", "bigru")
LENGTHS, GAMES = (16, 64, 300), (1, 32)


def a_file(lines: int, game: int) -> State:
    text = tuple(f"    value_{i} = compute(value_{i - 1}, {i * game})" for i in range(lines))
    return State(text, 10, unedited(lines), unedited(lines), Cursor(True, lines // 2, 4, 10))


class FrozenGame:
    """A game in which nothing happens and every evaluation is ready: the cost of its search is that of the trees."""

    def __init__(self, evaluation: Evaluation, replies: int) -> None:
        self.evaluation, self.replies = evaluation, replies

    def evaluate(self, states: Sequence[State]) -> Evaluation:
        rows = np.arange(len(states)) % len(self.evaluation.value)
        return Evaluation(self.evaluation.pairs[rows], self.evaluation.log_probs[rows], self.evaluation.value[rows])

    def step(self, states: Sequence[State], pairs: Ints, kept_probs: Floats) -> tuple[Sequence[State], Floats]:
        return states, np.zeros(len(states))

    def reply_log_probs(self, afterstates: Sequence[State]) -> Floats:
        return np.full((len(afterstates), self.replies), -np.log(self.replies))

    def reply(self, afterstates: Sequence[State], replies: Ints, seeds: Ints) -> tuple[Sequence[State], Floats]:
        return afterstates, np.zeros(len(replies))


@torch.no_grad()
def measure(backbone: str, lines: int, games: int, *, seconds: float, device: str) -> dict[str, float]:
    """Milliseconds of a whole `search`, of its networks alone (`calls`, `one_by_one`, see above) and of its `tree`."""
    torch.manual_seed(0)
    config, states = SearchConfig(discount=DISCOUNT), [a_file(lines, game) for game in range(games)]
    assistant, human = (Policy(ModelConfig(backbone=backbone)).to(device).eval() for _ in range(2))
    featurizer = Featurizer(FeaturizerConfig()).to(device).eval()
    evaluator, people = PolicyEvaluator(assistant, featurizer, config), NetworkPolicy(human, featurizer)

    def randomness() -> SearchRandomness:
        return SearchRandomness.draw([np.random.default_rng(game) for game in range(games)], config, explore=True)

    def searching() -> None:
        run_search(states, GoalFreeModel(evaluator, people, RewardWeights(), config), config, randomness())

    batched_calls = calls_in(searching, featurizer, (assistant, human))
    with patch.object(TreeSimulator, "visit_considered_once", lambda simulator: np.zeros(games, dtype=np.int64)):
        single_calls = calls_in(searching, featurizer, (assistant, human))

    def repeat(network_calls: list[Call]) -> None:
        for batch, policy, heads in network_calls:
            scores = policy(featurizer(batch), heads).scores
        scores.cpu()

    frozen_game = FrozenGame(evaluator.evaluate(states), config.replies)
    calls: dict[str, Callable[[], object]] = {
        "calls": lambda: repeat(batched_calls),
        "one_by_one": lambda: repeat(single_calls),
        "search": searching,
        "tree": lambda: run_search(states, frozen_game, config, randomness()),
    }
    return medians(calls, seconds=seconds, warm_up=1)


Call = tuple[StateBatch, Policy, Iterable[str]]


def calls_in(work: Callable[[], None], featurizer: Featurizer, policies: Sequence[Policy]) -> list[Call]:
    """Every call of a network that `work` makes: its batch, its policy, and the heads that it named."""
    batches: list[StateBatch] = []
    policy_calls: list[tuple[Policy, Iterable[str]]] = []
    hooks = [featurizer.register_forward_pre_hook(lambda _, inputs: batches.append(inputs[0]))]
    for policy in policies:
        hooks.append(policy.register_forward_pre_hook(lambda of, inputs: policy_calls.append((of, inputs[1]))))
    work()
    for hook in hooks:
        hook.remove()
    return [(batch, *call) for batch, call in zip(batches, policy_calls, strict=True)]


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    print("| backbone | lines | games | simulations/s | same calls | one by one | tree |")
    print("|---|---|---|---|---|---|---|")
    for backbone in BACKBONES:
        for lines in LENGTHS:
            for games in GAMES:
                ms = measure(backbone, lines, games, seconds=options.seconds, device=options.device)
                pace = 1e3 * games * SearchConfig().simulations / ms["search"]
                shares = f"{ms['calls'] / ms['search']:.2f} | {ms['one_by_one'] / ms['search']:.2f}"
                row = f"{pace:.0f} | {shares} | {ms['tree'] / ms['calls']:.3f}"
                print(f"| {backbone} | {lines} | {games} | {row} |", flush=True)


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
