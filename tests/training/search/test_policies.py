"""The one call for decisions by search: what it returns, and that nothing but its arguments decides it."""

import numpy as np
import pytest
import torch

import actions
from config import FeaturizerConfig, ModelConfig, RewardWeights, SearchConfig
from errors import InputError
from featurizers import Featurizer
from models import Models, Policy
from simulation.builtin_problems import PROBLEMS
from simulation.sessions import first_state
from training.search import search
from training.search.goal_free_model import DISCOUNT

CONFIG = SearchConfig(simulations=8, discount=DISCOUNT)


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    config = ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16, radius=8)
    featurizer = Featurizer(FeaturizerConfig(d_in=24, char_dim=8)).eval()
    return Models(Policy(config).eval(), Policy(config).eval(), featurizer, {}, "untrained")


@pytest.fixture(scope="module")
def states():
    return [first_state(problem) for problem in PROBLEMS[:4]]


def test_decisions_are_legal_and_come_with_what_was_searched(models, states):
    result = search(states, models, CONFIG, seed=3)
    assert result.visit_counts.sum(axis=1).tolist() == [CONFIG.simulations] * 4
    assert result.improved_policy.sum(axis=1) == pytest.approx(np.ones(4))
    assert result.value.shape == (4,)
    for state, decision, line in zip(states, result.decisions.tolist(), result.lines.tolist(), strict=True):
        if decision:
            assert actions.legality_mask([state], FeaturizerConfig.w_max)[0][decision, line]
        else:
            assert line == -1


def test_the_seed_decides_what_is_left_to_chance(models, states):
    first, again, other = (search(states, models, CONFIG, seed, explore=True) for seed in (1, 1, 2))
    assert np.array_equal(first.visit_counts, again.visit_counts)
    assert not np.array_equal(first.visit_counts, other.visit_counts)


def test_without_a_configuration_values_are_of_files(models, states):
    result = search(states[:1], models)
    assert np.array_equal(result.qvalues, search(states[:1], models, SearchConfig(discount=DISCOUNT)).qvalues)


def test_rewards_are_those_that_it_is_given(models, states):
    """Where undoing costs a fortune, nothing is written."""
    result = search(states, models, CONFIG, rewards=RewardWeights(undo_penalty=-1000.0))
    assert result.decisions.tolist() == [0] * 4


def test_a_discount_of_one_is_refused(models, states):
    with pytest.raises(ValueError, match="discount"):
        search(states, models, SearchConfig(discount=1.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"config": SearchConfig(simulations=0, discount=DISCOUNT)}, "search settings: simulations is 0, expected"),
        ({"config": SearchConfig(lambdas=(), discount=DISCOUNT)}, "search settings: lambdas is"),
        ({"config": SearchConfig(discount=-0.5)}, "search settings: discount is -0.5"),
        ({"rewards": RewardWeights(undo_penalty=float("nan"))}, "rewards: undo_penalty is NaN"),
    ],
)  # fmt: skip
def test_settings_out_of_their_bounds_are_refused(models, states, settings, message):
    with pytest.raises(InputError, match=message):
        search(states, models, **settings)
