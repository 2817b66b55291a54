"""Fresh networks begin at what counting and ridge fits say of the recordings."""

from dataclasses import replace

import pytest
import torch

from actions import Decision
from featurizers.history import SUMMARY
from models.policy import LOGIT_BIAS_ROWS
from training.data.transitions import build_dataset
from training.losses.returns import returns_to_go
from training.networks.initialisation import (
    KEPT_RIDGE,
    class_prior,
    initialise_human_policy,
    initialise_retention_head,
    log_class_frequencies,
    ridge_logistic_fit,
    ridge_softmax_fit,
)
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks


def initialised(networks, data):
    """Predictions of the human's steps after networks began at what all sessions say, and these steps."""
    steps = data.select_episodes(range(6))
    initialise_human_policy(networks.human, data, steps, returns_to_go(steps, 0.99))
    by_human = data.select_episodes(range(6), is_human=True)
    predictor = Predictor(networks.human, networks.featurizer, legal_only=False)
    return predictor.predict(data.encoded, by_human), by_human


def nll(log_probs, steps):
    """Mean negative log-likelihood of the decisions of `steps` under log-probabilities `(7,)` or `(N, 7)`."""
    return float(-log_probs.expand(len(steps), 7).gather(1, steps.decision[:, None]).mean())


def test_a_fresh_policy_without_history_begins_at_the_class_prior(small, sessions):
    networks = TrainingNetworks.fresh(replace(small.model, history=False), small.featurizer, 0)
    predictions, steps = initialised(networks, build_dataset(sessions, networks.featurizer))
    prior = class_prior(steps)
    assert (predictions.decisions - prior).abs().max() < 0.4  # the head's small weights remain
    assert nll(predictions.decisions, steps) == pytest.approx(nll(prior, steps), abs=0.05)


def test_with_history_it_begins_at_what_follows_what(fresh):
    predictions, steps = initialised(*fresh)
    assert nll(predictions.decisions, steps) < nll(class_prior(steps), steps) - 0.1


def test_the_human_s_reply_begins_at_what_counting_and_the_history_say_of_it(fresh):
    networks, data = fresh
    initialised(networks, data)
    steps = data.select_episodes(range(6))
    answered = steps.select(steps.next_human >= 0)
    reply_prior = log_class_frequencies(answered.next_human)
    assert torch.allclose(networks.human.human_pred_head.last.bias, reply_prior)
    history = torch.from_numpy(data.encoded.history)[answered.state_index, SUMMARY]
    tilt = networks.human.tilt.weight[LOGIT_BIAS_ROWS["human"]]
    assert torch.allclose(tilt, ridge_softmax_fit(history, answered.next_human, reply_prior), atol=1e-5)
    assert tilt.any()


def test_value_and_goal_begin_at_their_means(fresh):
    networks, data = fresh
    steps = data.select_episodes(range(6))
    returns = returns_to_go(steps, 0.99)
    initialise_human_policy(networks.human, data, steps, returns)
    assert networks.human.value_head.last.bias.item() == pytest.approx(float(returns.mean()), rel=1e-5)
    assert torch.allclose(networks.human.goal_head.last.bias, steps.goal.mean(0))


def test_softmax_fit_finds_the_logits():
    torch.manual_seed(0)
    weights, x = torch.randn(7, 3), torch.randn(4_000, 3)
    decisions = torch.distributions.Categorical(logits=x @ weights.T).sample()
    found = ridge_softmax_fit(x, decisions, torch.full((7,), -1.9459))
    assert torch.allclose(found - found.mean(0), weights - weights.mean(0), atol=0.25)


def test_softmax_fit_is_where_the_gradient_vanishes():
    torch.manual_seed(1)
    x, decisions, prior = torch.randn(40, 5).double(), torch.randint(0, 7, (40,)), torch.randn(7).log_softmax(0)
    weights = ridge_softmax_fit(x, decisions, prior).double().requires_grad_()
    loss = torch.nn.functional.cross_entropy(prior + x @ weights.T, decisions, reduction="sum")
    (loss + weights.square().sum() / 2).backward()
    assert weights.grad.abs().max() < 1e-3


def test_share_fit_is_where_the_gradient_vanishes():
    torch.manual_seed(2)
    x, shares = torch.randn(40, 5).double(), torch.rand(40).double()
    weights = ridge_logistic_fit(x, shares, 0.3).double().requires_grad_()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(0.3 + x @ weights, shares, reduction="sum")
    (loss + KEPT_RIDGE * weights.square().sum() / 2).backward()
    assert weights.grad.abs().max() < 1e-3


def test_p_kept_of_a_decision_never_tried_begins_at_that_of_its_kind(fresh):
    policies, data = fresh
    steps = data.select_episodes(range(6), is_human=False)
    writing = (steps.decision == Decision.FILL_PARTIAL_LINE) | (steps.decision == Decision.WRITE_SINGLE_LINE)
    explaining = steps.decision == Decision.EXPLAIN_MULTI_LINES
    kept = torch.where(writing, 1.0, torch.where(explaining, 0.0, torch.nan))
    assert writing.any() and explaining.any()
    initialise_retention_head(policies.human, data, replace(steps, retained=kept))
    bias = policies.human.kept_head.last.bias
    assert bias[Decision.WRITE_MULTI_LINE] > bias[Decision.EDIT_EXISTING_LINES] > bias[Decision.EXPLAIN_SINGLE_LINES]


def test_one_step_of_each_kind_is_fitted_without_complaint():
    assert ridge_softmax_fit(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), torch.zeros(7)).abs().max() == 0
