"""Losses of the heads that every phase trains beside the policy. Not here: how much each counts."""

from __future__ import annotations

import torch
from torch import Tensor

from featurizers import LineFeatures
from models import ActionDistribution, Policy, PolicyOutput
from training.data.transitions import TransitionTable
from training.losses.loss_terms import retention_cross_entropy
from training.losses.weighted_means import WeightedMean, weighted_mean
from training.networks.predictions import retention_logit


def auxiliary_losses(
    policy: Policy, lines: LineFeatures, output: PolicyOutput, steps: TransitionTable
) -> dict[str, WeightedMean]:
    """Mean losses of a batch, each over the steps that it applies to; 0 if there are none.

    next_human_loss, next_human_line_loss: -log p of the human's reply, and of its line given it, at the assistant's
    steps that have one. goal_loss: squared error of the eight numbers. kept_loss: cross-entropy of p(kept) at what the
    assistant wrote.
    """
    reply = policy.distribution(output.human_scores, lines, legal_only=False)
    decision, line = steps.next_human.clamp(min=0), steps.next_human_line.clamp(min=0)
    has_line = ((steps.next_human >= 0) & (steps.next_human_line >= 0)).float()
    return {
        "next_human_loss": next_human_loss(reply, steps.next_human),
        "next_human_line_loss": weighted_mean(-reply.line_log_prob(decision, line), has_line),
        "goal_loss": goal_loss(output, steps.goal),
        "kept_loss": retention_loss(output, steps.decision, steps.line, steps.retained),
    }


def next_human_loss(reply: ActionDistribution, decision: Tensor) -> WeightedMean:
    """-log p of the human's replies `(B,)`, over those that there are (not below 0)."""
    return weighted_mean(-reply.decision_log_prob(decision.clamp(min=0)), (decision >= 0).float())


def goal_loss(output: PolicyOutput, goal: Tensor) -> WeightedMean:
    """Squared error of the eight numbers `(B, 8)` of the goal."""
    return weighted_mean((output.goal - goal).square().mean(1))


def retention_loss(output: PolicyOutput, decision: Tensor, line: Tensor, retained: Tensor) -> WeightedMean:
    """Cross-entropy of p(kept) with the shares retained `(B,)`, over those that are known (not NaN).

    decision, line: `(B,)`, which wrote what was or was not retained. 0 if the policy predicts no p(kept).
    """
    is_known = (~retained.isnan()).float()
    logit = retention_logit(output, decision, line)
    if logit is None:
        return weighted_mean(torch.zeros_like(is_known), is_known)
    return weighted_mean(retention_cross_entropy(logit, retained.nan_to_num()), is_known)
