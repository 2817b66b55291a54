"""A rule's draws: what it takes, and that the probability it names is the one with which it takes it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sampling import STRATEGIES, SamplingRule

WIDTH = 3


def log_probs_of(weights):
    table = np.array(weights, dtype=np.float64).reshape(7, WIDTH)
    with np.errstate(divide="ignore"):
        return np.log(table / table.sum()).astype(np.float32)


@given(
    st.lists(st.sampled_from([0.0, 0.1, 1.0, 3.0]), min_size=21, max_size=21).filter(any),
    st.builds(
        SamplingRule, st.sampled_from(STRATEGIES), st.integers(1, 25), st.sampled_from([0.2, 1.0, 4.0]),
        st.sampled_from([0.0, 0.3, 1.0]),
    ),
    st.integers(0, 100),
)  # fmt: skip
@settings(deadline=None, max_examples=80)
def test_probabilities_of_a_draw_follow_from_the_rule(weights, rule, seed):
    log_probs = log_probs_of(weights)
    greedy = int(log_probs.argmax())
    powers = np.exp(log_probs.ravel().astype(np.float64) / rule.temperature)
    if rule.strategy == "sample_top_k":
        powers[np.argsort(-log_probs.ravel(), kind="stable")[rule.top_k :]] = 0.0
    expected = powers / powers.sum()
    if rule.strategy == "argmax":
        expected = rule.epsilon * expected + (1 - rule.epsilon) * (np.arange(21) == greedy)
    pair = rule.sample(log_probs, greedy, torch.Generator().manual_seed(seed))
    assert expected[pair.index] > 0 and log_probs.ravel()[pair.index] > -math.inf
    assert pair.probability == pytest.approx(expected[pair.index], abs=1e-5)
    of_decision = expected.reshape(7, WIDTH)[pair.index // WIDTH].sum()
    assert pair.decision_probability == pytest.approx(of_decision, abs=1e-5)


def test_greedy_choices_draw_no_random_numbers():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    SamplingRule().sample(log_probs_of([1.0] * 21), 4, generator)
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("epsilon", [0.25, 0.75])
def test_epsilon_is_how_often_the_greedy_pair_gives_way(epsilon):
    log_probs, generator = log_probs_of([1.0] * 21), torch.Generator().manual_seed(0)
    rule = SamplingRule(epsilon=epsilon)
    taken = [rule.sample(log_probs, 4, generator).index for _ in range(2000)]
    assert sum(index != 4 for index in taken) / 2000 == pytest.approx(epsilon * 20 / 21, abs=0.04)


def test_another_line_of_the_greedy_decision_has_the_probability_of_that_decision():
    log_probs = log_probs_of([0.0] * 3 + [2.0, 1.0, 1.0] + [0.0] * 12 + [4.0, 0.0, 0.0])
    rule, generator = SamplingRule(epsilon=0.25), torch.Generator().manual_seed(0)
    others = [pair for _ in range(200) if (pair := rule.sample(log_probs, 3, generator)).index == 4]
    assert others
    assert others[0].probability == pytest.approx(0.25 * 0.125)
    assert others[0].decision_probability == pytest.approx(0.25 * 0.5 + 0.75)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strategy", ["sample", "sample_top_k"])
def test_the_least_temperature_takes_the_most_probable_pair_without_a_warning(strategy):
    log_probs, generator = log_probs_of([1.0] * 4 + [2.0] + [0.0] * 16), torch.Generator().manual_seed(0)
    rule = SamplingRule(strategy, temperature=5e-324)
    assert {rule.sample(log_probs, 0, generator).index for _ in range(50)} == {4}
    assert rule.sample(log_probs, 0, generator).probability == 1.0


@pytest.mark.parametrize("rule", [SamplingRule("sample"), SamplingRule("sample_top_k", 7), SamplingRule(epsilon=1.0)])
def test_what_is_certain_has_no_probability_above_1_whatever_rounding_does(rule):
    numbers, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    for width in range(8, 208):
        log_probs = np.full((7, width), -np.inf, dtype=np.float32)
        log_probs[4] = np.log(numbers.dirichlet(np.ones(width)))
        pair = rule.sample(log_probs, int(log_probs.argmax()), generator)
        assert pair.probability <= pair.decision_probability <= 1.0
        assert pair.decision_probability == pytest.approx(1.0)
