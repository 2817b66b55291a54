"""Importance weights: which ratios they are made of, what caps them, what does not count."""

import math
from dataclasses import replace

import pytest
import torch

from training.data.transitions import build_dataset
from training.losses.importance import effective_sample_size, importance_weights
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks


@pytest.fixture(scope="module")
def recorded(small_training, sessions, tmp_path_factory):
    """Steps whose recorded probabilities are those of the policy, and what the policy predicts."""
    small = small_training(tmp_path_factory.mktemp("importance"))
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    steps = data.select_episodes(range(6), is_human=False)
    predictions = Predictor(policies.assistant, policies.featurizer).predict(data.encoded, steps)
    return replace(steps, log_decision=predictions.decision(steps), log_line=predictions.line), predictions


def test_a_decision_that_was_recorded_half_as_probable_counts_twice(recorded):
    steps, predictions = recorded
    half = replace(steps, log_decision=steps.log_decision - math.log(2), log_line=steps.log_line - math.log(3))
    weights = importance_weights(half, predictions, None, cap=10.0)
    assert torch.allclose(weights.clipped, torch.full((len(steps),), 6.0), rtol=1e-4)
    assert torch.allclose(weights.log_ratio, torch.full((len(steps),), math.log(6)), atol=1e-4)


def test_decision_and_line_are_capped_apart(recorded):
    steps, predictions = recorded
    rare = replace(steps, log_decision=steps.log_decision - 9.0, log_line=steps.log_line + math.log(2))
    weights = importance_weights(rare, predictions, None, cap=4.0)
    assert torch.allclose(weights.clipped, torch.full((len(steps),), 2.0), rtol=1e-4)


def test_a_line_that_does_not_count_has_no_ratio(recorded):
    """That of help that was held back, or one that was not recorded: the decision's ratio alone."""
    steps, predictions = recorded
    without = replace(
        steps, line_trainable=torch.zeros_like(steps.trainable),
        log_decision=steps.log_decision - math.log(2), log_line=steps.log_line - math.log(3),
    )  # fmt: skip
    assert torch.allclose(
        importance_weights(without, predictions, None, cap=10.0).clipped, torch.full((len(steps),), 2.0), rtol=1e-4
    )


def test_what_was_done_with_the_text_counts_as_a_factor_of_its_own(recorded):
    """Of help that was held back: the ratio of the decision times that of hiding, each capped, and no line."""
    steps, predictions = recorded
    hidden = replace(
        steps, line_trainable=torch.zeros_like(steps.trainable), log_decision=steps.log_decision - math.log(2),
        log_review=torch.full((len(steps),), math.log(0.25)),
    )  # fmt: skip
    weights = importance_weights(hidden, predictions, None, cap=10.0)
    assert torch.allclose(weights.clipped, torch.full((len(steps),), 2.0 * 0.25), rtol=1e-4)
    assert torch.allclose(weights.log_ratio, torch.full((len(steps),), math.log(0.5)), atol=1e-4)
    explored = replace(hidden, log_review=torch.full((len(steps),), math.log(20.0)))
    capped = importance_weights(explored, predictions, None, cap=4.0)
    assert torch.allclose(capped.clipped, torch.full((len(steps),), 2.0 * 4.0), rtol=1e-4)
    none = importance_weights(
        replace(explored, trainable=torch.zeros_like(steps.trainable)), predictions, None, cap=4.0
    )
    assert torch.equal(none.clipped, torch.ones(len(steps)))


def test_steps_that_are_not_trainable_are_not_in_the_sample(recorded):
    steps, predictions = recorded
    trainable = torch.zeros_like(steps.trainable)
    trainable[:3] = True
    weights = importance_weights(
        replace(steps, trainable=trainable, line_trainable=trainable), predictions, None, cap=10.0
    )
    assert len(weights.log_ratio) == 3 and weights.effective_sample_size == pytest.approx(1.0)


def test_the_effective_sample_of_nothing_is_nothing():
    assert effective_sample_size(torch.zeros(0)) == 0.0


@pytest.mark.parametrize(
    ("weights", "share"),
    [([1.0, 1.0, 1.0, 1.0], 1.0), ([1.0, 1.0, 0.0, 0.0], 0.5), ([1e-30, 1e-30], 1.0), ([1.0, 0.0, 0.0, 0.0], 0.25)],
)
def test_effective_sample_size(weights, share):
    log_weights = torch.tensor([math.log(w) if w else -1e4 for w in weights])
    assert effective_sample_size(log_weights) == pytest.approx(share)
