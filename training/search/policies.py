"""One call for whoever wants decisions by search and nothing else, in the manner of mctx's policies.

Not here: how a search goes (`tree_search`), what it assumes of people (`goal_free_model`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from config import RewardWeights, SearchConfig
from config_bounds import check_settings
from models import Models
from simulation.network_agents import NetworkPolicy
from state import State
from training.search.cache import CachedEvaluator
from training.search.evaluator import PolicyEvaluator, observation
from training.search.goal_free_model import DISCOUNT, GoalFreeModel
from training.search.search_randomness import SearchRandomness
from training.search.tree_search import SearchResult, run_search


def search(
    states: Sequence[State],
    models: Models,
    config: SearchConfig | None = None,
    seed: int = 0,
    *,
    explore: bool = False,
    rewards: RewardWeights | None = None,
) -> SearchResult:
    """Searches G states of files with the networks of `models`, and says what to play there and what to learn.

    states: one at least. config: by default `SearchConfig(discount=DISCOUNT)`; its discount must be below 1. seed: the
    same seed gives the same result; what is drawn for a state also depends on its index. explore: with Gumbel noise at
    the root, as self-play needs it. rewards: what the assistant's decisions are worth, by default `RewardWeights()`.

    Raises InputError for settings out of their bounds, ValueError for a config that does not fit files,
    FloatingPointError if the weights give no numbers.
    """
    config, rewards = config or SearchConfig(discount=DISCOUNT), rewards or RewardWeights()
    check_settings(config, "search settings")
    check_settings(rewards, "rewards")
    evaluator = CachedEvaluator(PolicyEvaluator(models.assistant, models.featurizer, config), observation)
    model = GoalFreeModel(evaluator, NetworkPolicy.of(models), rewards, config)
    generators = [np.random.default_rng((seed, index)) for index in range(len(states))]
    return run_search(states, model, config, SearchRandomness.draw(generators, config, explore=explore))
