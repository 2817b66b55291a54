"""Losses of the heads beside the policy: over which steps each is taken, and towards what."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from models.policy import PolicyOutput
from training.losses.auxiliary_losses import auxiliary_losses, retention_loss


@pytest.fixture
def forward(fresh):
    """A policy's output for the steps of both agents in two sessions."""
    networks, data = fresh
    steps = data.select_episodes(range(2))
    with torch.no_grad():
        networks.human.human_pred_head.last.weight.normal_(generator=torch.Generator().manual_seed(0))
        lines = networks.featurizer(data.encoded.batch(steps.state_index))
        return networks.human, lines, networks.human.eval()(lines), steps


def means(forward, steps):
    policy, lines, output, _ = forward
    return {name: loss.value.item() for name, loss in auxiliary_losses(policy, lines, output, steps).items()}


def test_the_reply_s_line_counts_where_it_was_recorded_and_its_decision_wherever_there_is_one(forward):
    policy, lines, output, steps = forward
    answered = (steps.next_human >= 0).nonzero().squeeze(1)
    next_human_line = steps.next_human_line.clone()
    next_human_line[answered[::2]] = -1
    has_line = next_human_line >= 0
    losses = means(forward, replace(steps, next_human_line=next_human_line))
    reply = policy.distribution(output.human_scores, lines, legal_only=False)
    decisions = -reply.decision_log_prob(steps.next_human.clamp(min=0))
    line_nll = -reply.line_log_prob(steps.next_human.clamp(min=0), steps.next_human_line.clamp(min=0))
    assert 0 < has_line.sum() < len(answered) < len(steps)
    assert losses["next_human_loss"] == pytest.approx(decisions[answered].mean().item(), rel=1e-4)
    assert losses["next_human_line_loss"] == pytest.approx(line_nll[has_line].mean().item(), rel=1e-4)


def test_without_a_reply_there_is_no_loss_of_it(forward):
    steps = forward[-1]
    losses = means(forward, replace(steps, next_human=torch.full_like(steps.next_human, -1)))
    assert losses["next_human_loss"] == losses["next_human_line_loss"] == 0.0 < losses["goal_loss"]


def test_p_kept_is_compared_at_the_pair_that_was_taken_where_the_share_is_known():
    logits = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0))
    decision, line = torch.tensor([1, 6, 4]), torch.tensor([3, 0, 2])
    retained = torch.tensor([0.25, math.nan, 1.0])
    loss = retention_loss(PolicyOutput({"kept": logits}), decision, line, retained)
    taken = torch.stack([logits[0, 1, 3], logits[2, 4, 2]])
    assert loss.value.item() == pytest.approx(
        F.binary_cross_entropy_with_logits(taken, torch.tensor([0.25, 1.0])).item(), rel=1e-5
    )
    assert loss.weight.item() == 2


def test_a_policy_without_p_kept_loses_nothing_by_it():
    index = torch.zeros(2, dtype=torch.int64)
    assert retention_loss(PolicyOutput({}), index, index, torch.tensor([0.0, 1.0])).value.item() == 0.0
