"""Cloning's objective, term by term, at networks that have left the start."""

import math

import pytest
import torch
import torch.nn.functional as F

from config import BCConfig
from training.bc.cloning_phase import CloningPhase, CloningTargets
from training.data.transitions import build_dataset
from training.losses.returns import returns_to_go
from training.losses.weighted_means import all_reduce_means
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks

SESSIONS = 6
CONFIG = BCConfig(
    line_weight=0.41, start_anchor=1.7, kept_anchor=2.3, human_weight=0.17, value_weight=0.13, goal_weight=0.19,
    kept_weight=0.23,
)  # fmt: skip


@pytest.fixture(scope="module")
def phase(small_training, sessions, tmp_path_factory):
    """An epoch that has begun, of loaded networks, with a human policy and an assistant that have left the start."""
    small = small_training(tmp_path_factory.mktemp("bc"))
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    policies.loaded = True
    with torch.no_grad():
        policies.human.action_head.last.bias += torch.linspace(-1, 1, 7)
        policies.human.kept_head.last.weight.normal_(std=0.5, generator=torch.Generator().manual_seed(3))
    data = build_dataset(sessions, policies.featurizer)
    phase = CloningPhase(policies, data, set(range(SESSIONS)), set(), CONFIG, gamma=0.9, seed=0)
    phase.prior = torch.full((7,), -20.0)  # the start is held on to, whatever it knows
    phase.begin()
    for name, module in phase.learning.items():
        module.eval()
        if name != "featurizer":
            with torch.no_grad():
                module.action_head.last.bias += torch.linspace(1.5, -1.5, 7)
    return phase


@pytest.fixture(scope="module")
def steps(phase):
    return phase.steps


@pytest.fixture(scope="module")
def forward(phase, steps):
    """Lines and the human policy's output for all steps at once."""
    with torch.no_grad():
        lines = phase.policies.featurizer(phase.data.encoded.batch(steps.state_index))
        return lines, phase.policies.human(lines)


@pytest.fixture(scope="module")
def losses(phase):
    """Parts of the loss on all steps at once, and their total."""
    with torch.no_grad():
        _, means = all_reduce_means(phase._minibatch_losses(torch.arange(len(phase.steps))))
        return {**means, "loss": phase._total_loss(means)}


@pytest.fixture(autouse=True)
def without_dropout(phase):
    for module in phase.learning.values():
        module.eval()


def human_distribution(phase, forward):
    lines, output = forward
    return phase.policies.human.distribution(output.scores, lines, legal_only=False)


def test_the_human_is_cloned_where_the_human_decided(phase, forward, losses, steps):
    distribution = human_distribution(phase, forward)
    decision = distribution.decision_log_probs[torch.arange(len(steps)), steps.decision]
    line = distribution.line_log_prob(steps.decision, steps.line)
    by_human = steps.is_human
    assert 0 < by_human.sum() < len(steps)
    assert losses["decision_loss"].item() == pytest.approx(float(-decision[by_human].mean()), rel=1e-4)
    assert losses["line_loss"].item() == pytest.approx(float(-line[by_human].mean()), rel=1e-4)


def test_the_anchor_is_the_divergence_from_the_start_in_its_direction(phase, forward, losses, steps):
    """KL(start || policy) over decisions: the start's probabilities weigh, not the policy's."""
    policy = human_distribution(phase, forward).decision_log_probs[steps.is_human]
    start = phase.initial_log_probs[steps.is_human]
    forward_kl = (start.exp() * (start - policy)).sum(1).mean()
    reverse_kl = (policy.exp() * (policy - start)).sum(1).mean()
    assert losses["kl_start"].item() == pytest.approx(float(forward_kl), rel=1e-3)
    assert abs(forward_kl - reverse_kl) > 0.02


def test_values_are_the_returns_in_units_of_their_scale(phase, forward, losses, steps):
    returns = returns_to_go(steps, 0.9)
    expected = F.smooth_l1_loss(forward[1].value / returns.std(), returns / returns.std())
    assert losses["value_loss"].item() == pytest.approx(float(expected), rel=1e-4)


def test_the_humans_reply_and_the_goal_are_predicted(phase, forward, losses, steps):
    lines, output = forward
    reply = phase.policies.human.distribution(output.human_scores, lines, legal_only=False)
    answered = steps.next_human >= 0
    decision = reply.decision_log_probs[answered].gather(1, steps.next_human[answered][:, None])
    assert losses["next_human_loss"].item() == pytest.approx(float(-decision.mean()), rel=1e-4)
    assert losses["goal_loss"].item() == pytest.approx(float((output.goal - steps.goal).square().mean()), rel=1e-4)


def test_p_kept_is_learned_at_the_pairs_that_were_taken(phase, forward, losses, steps):
    """Towards the share retained, drawn with kept_anchor / sqrt(sessions) to the mean, as the start knows nothing."""
    has_target = ~steps.retained.isnan()
    retained = steps.retained[has_target]
    logit = forward[1].kept[torch.arange(len(steps)), steps.decision, steps.line][has_target]
    anchor = CONFIG.kept_anchor / math.sqrt(SESSIONS)
    targets = (retained + anchor * retained.mean()) / (1 + anchor)
    expected = F.binary_cross_entropy_with_logits(logit, targets)
    assert losses["kept_loss"].item() == pytest.approx(float(expected), rel=1e-4)
    elsewhere = forward[1].kept[torch.arange(len(steps)), steps.decision, 0][has_target]
    assert not torch.allclose(logit, elsewhere)


def test_a_loaded_assistant_is_held_to_what_it_decided_at_the_start(phase, forward, losses, steps):
    policies = phase.policies
    lines, _ = forward
    with torch.no_grad():
        own, initial = (
            policy.distribution(policy(lines).scores, lines, legal_only=True)
            for policy in (policies.assistant, policies.initial_assistant)
        )
    assert losses["kl_assistant"].item() == pytest.approx(float(initial.kl(own).mean()), rel=1e-3)
    assert abs(initial.kl(own).mean() - own.kl(initial).mean()) > 0.02


def test_the_loss_is_the_sum_of_its_parts(losses):
    expected = (
        losses["decision_loss"]
        + 0.41 * losses["line_loss"]
        + 1.7 / math.sqrt(SESSIONS) * losses["kl_start"]
        + 0.17 * (losses["next_human_loss"] + losses["next_human_line_loss"])
        + 0.13 * losses["value_loss"]
        + 0.19 * losses["goal_loss"]
        + 0.23 * losses["kept_loss"]
        + losses["kl_assistant"]
    )
    assert losses["loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert all(value > 0.001 for value in losses.values())


def test_a_line_that_was_not_recorded_counts_with_its_decision_alone(phase, forward, losses, steps):
    """Among the human's steps; the line's mean is over the others."""
    from dataclasses import replace

    line_trainable = steps.line_trainable.clone()
    line_trainable[steps.is_human.nonzero().squeeze(1)[::2]] = False
    lines, output = forward
    targets = CloningTargets(
        replace(steps, line_trainable=line_trainable, retained=phase.retention_targets), phase.returns,
        phase.initial_log_probs,
    )  # fmt: skip
    found = phase._losses(lines, output, targets)
    line = human_distribution(phase, forward).line_log_prob(steps.decision, steps.line)
    expected = -line[steps.is_human & line_trainable].mean()
    assert found["line_loss"].value.item() == pytest.approx(float(expected), rel=1e-4)
    assert found["decision_loss"].value.item() == pytest.approx(losses["decision_loss"].item(), rel=1e-4)


def test_the_start_is_the_policy_before_it_learned_and_the_prior_if_that_knows_more(small_training, sessions, tmp_path):
    small = small_training(tmp_path)
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    phase = CloningPhase(policies, data, set(range(SESSIONS)), set(), CONFIG, gamma=0.9, seed=0)
    predictor = Predictor(policies.human, policies.featurizer, legal_only=False)
    initial = predictor.predict(data.encoded, phase.steps).decisions
    phase.prior = torch.tensor([0.0, *[-30.0] * 6])
    assert torch.allclose(phase._anchor_log_probs(initial), initial)
    phase.prior = torch.zeros(7)  # every decision certain: no policy is as good
    assert torch.allclose(phase._anchor_log_probs(initial), torch.zeros_like(initial))
