"""PPO's objective, term by term, at the policy that an epoch begins with."""

import math
from dataclasses import replace

import pytest
import torch

from config import PPOConfig
from training.data import behaviour_policy
from training.data.transitions import build_dataset
from training.losses.returns import gae, normalized
from training.losses.weighted_means import all_reduce_means
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.ppo.ppo_phase import PPOPhase

CONFIG = PPOConfig(
    importance_cap=1.3, sample_size_floor=0.0, entropy_weight=0.3, human_anchor=0.7, start_anchor=1.1,
    value_weight=0.13, human_weight=0.17, goal_weight=0.19, kept_weight=0.23,
)  # fmt: skip


@pytest.fixture(scope="module")
def phase(small_training, sessions, tmp_path_factory):
    """An epoch that has begun, with a policy that is neither the human's nor the one it started from."""
    small = small_training(tmp_path_factory.mktemp("ppo"))
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    fitted = behaviour_policy.fit_behaviour_policy(data.select_episodes(range(6), is_human=False).choices)
    policies.initialise_assistant(fitted.decision_log_prior(), 0)
    with torch.no_grad():
        policies.assistant.action_head.last.bias += torch.linspace(-1, 1, 7)
    phase = PPOPhase(policies, data, set(range(6)), fitted, CONFIG, seed=0)
    phase.begin()
    return phase


@pytest.fixture(scope="module")
def parts(phase):
    """Of the loss on all steps at once."""
    update = phase.update
    with torch.no_grad():
        lines = update.policies.featurizer(update.data.encoded.batch(update.steps.state_index))
        _, found = all_reduce_means(update._losses(lines, update.steps, update.old_policy))
        return {**found, "loss": update._total_loss(found)}


def test_weights_are_the_ratio_to_the_behaviour_up_to_the_cap(phase):
    steps, held = phase.update.steps, phase.update.old_policy
    decision, line = steps.behaviour_log_probs(phase.update.behaviour)
    cap = math.log(CONFIG.importance_cap)
    expected = (held.log_decision - decision).clamp(max=cap) + (held.log_line - line).clamp(max=cap)
    assert torch.allclose(held.weight, expected.exp(), atol=1e-6)
    assert held.weight.min() < 0.9 and held.weight.max() > 1.1


def test_advantages_are_gae_over_the_episodes_and_standardised(phase):
    steps, held = phase.update.steps, phase.update.old_policy
    nothing = torch.zeros(len(steps))  # no recording was cut off
    advantage, target = gae(steps.reward, held.value, steps.episode, nothing, gamma=CONFIG.gamma, lam=CONFIG.gae_lambda)
    assert steps.trainable.all()
    assert torch.allclose(held.target, target, atol=1e-6)
    assert torch.allclose(held.advantage, normalized(advantage), atol=1e-6)


def test_the_policys_loss_is_weighted_by_what_the_behaviour_left_out(phase, parts):
    """At the policy that the epoch begins with both ratios are 1."""
    held = phase.update.old_policy
    assert parts["policy_loss"].item() == pytest.approx(float(-2 * (held.weight * held.advantage).mean()), abs=1e-4)


def test_the_anchors_are_divergences_in_their_direction(phase, parts):
    update = phase.update
    policies, data, rows = update.policies, update.data, update.steps.state_index
    with torch.no_grad():
        lines = policies.featurizer(data.encoded.batch(rows))
        own, human, start = (
            policy.distribution(policy(lines).scores, lines, legal_only=True)
            for policy in (policies.assistant, policies.human, policies.initial_assistant)
        )
    assert parts["kl_human"].item() == pytest.approx(float(own.kl(human).mean()), rel=1e-3)
    assert parts["kl_start"].item() == pytest.approx(float(start.kl(own).mean()), rel=1e-3)
    assert parts["entropy"].item() == pytest.approx(float(own.entropy().mean()), rel=1e-3)
    assert abs(own.kl(human).mean() - human.kl(own).mean()) > 0.002  # ten times what the comparison above allows
    assert parts["kl_start"] > 0.01


def test_target_kl_is_measured_as_the_divergence_from_the_policy_that_the_epoch_began_with(phase):
    """KL(pi0 || pi): the probabilities of pi0 weigh."""
    update, rows = phase.update, torch.arange(4)
    steps = update.steps.select(rows)
    initial = (update.old_policy[rows].decisions + torch.linspace(2, -2, 7)).log_softmax(1)
    with torch.no_grad():
        lines = update.policies.featurizer(update.data.encoded.batch(steps.state_index))
        found = update._losses(lines, steps, replace(update.old_policy[rows], decisions=initial))["kl"].value
    current = update.old_policy[rows].decisions  # nothing has learned yet
    difference = (initial - current).nan_to_num()  # at illegal decisions -inf - -inf
    forward_kl, reverse_kl = (float((p.exp() * difference).sum(1).mean()) for p in (initial, current))
    assert found.item() == pytest.approx(forward_kl, rel=1e-3) and abs(forward_kl + reverse_kl) > 0.02


def test_errors_of_values_are_in_units_of_the_epochs_returns_whatever_the_minibatch(phase):
    """Of the steps with the least returns, and of those across all of them."""
    update, held = phase.update, phase.update.old_policy
    order = held.target.argsort()
    scale, error = held.target.std(), held.value - held.target
    for rows in (order[:4], order[:: len(order) // 4]):
        losses = update._value_loss(held.value[rows], held[rows])
        assert losses.tolist() == pytest.approx((0.5 * (error[rows] / scale).square()).tolist(), rel=1e-4)
        assert abs(held.target[rows].std() / scale - 1) > 0.1


def test_the_loss_is_the_sum_of_its_parts(parts):
    expected = (
        parts["policy_loss"]
        + 0.13 * parts["value_loss"]
        - 0.3 * parts["entropy"]
        + 0.7 * parts["kl_human"]
        + 1.1 / math.sqrt(6) * parts["kl_start"]
        + 0.17 * (parts["next_human_loss"] + parts["next_human_line_loss"])
        + 0.19 * parts["goal_loss"]
        + 0.23 * parts["kept_loss"]
    )
    assert parts["loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert all(parts[name] > 0.001 for name in ("value_loss", "next_human_loss", "goal_loss", "kept_loss"))


def test_values_held_are_the_policys(phase):
    update = phase.update
    answers = Predictor(update.policies.assistant, update.policies.featurizer, legal_only=True).predict(
        update.data.encoded, update.steps
    )
    assert torch.allclose(answers.value, update.old_policy.value, atol=1e-6)
