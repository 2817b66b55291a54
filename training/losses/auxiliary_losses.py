"""Losses of the heads that every phase trains beside the policy. Not here: how much each counts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from featurizers import LineFeatures
from models import Policy, PolicyOutput
from training.data.transitions import TransitionTable
from training.losses.losses import WeightedMean, mean, retention_cross_entropy
from training.networks.predictions import action_distribution, retention_logit


def auxiliary_losses(
    policy: Policy, lines: LineFeatures, output: PolicyOutput, steps: TransitionTable
) -> dict[str, WeightedMean]:
    """Mean losses of a batch, each over the steps that it applies to; 0 if there are none.

    next_human_loss, next_human_line_loss: -log p of the human's answer, and of its line given it, at the assistant's
    answered steps. goal_loss: squared error of the eight numbers. kept_loss: cross-entropy of p(kept) at what the
    assistant wrote.
    """
    human = action_distribution(policy, lines, output.human_scores, legal_only=False)
    decision, line = steps.next_human.clamp(min=0), steps.next_human_line.clamp(min=0)
    answered = (steps.next_human >= 0).float()
    placed = answered * (steps.next_human_line >= 0)
    known = (~steps.is_human & steps.trainable & ~steps.retained.isnan()).float()
    logit = retention_logit(output, steps.decision, steps.line)
    kept = torch.zeros_like(known) if logit is None else retention_cross_entropy(logit, steps.retained.nan_to_num())
    return {
        "next_human_loss": mean(-human.decision_log_prob(decision), answered),
        "next_human_line_loss": mean(-human.line_log_prob(decision, line), placed),
        "goal_loss": mean((output.goal - steps.goal).square().mean(1)),
        "kept_loss": mean(kept, known),
    }


def anchored_retention_targets(kept: Tensor, start_logit: Tensor, anchor: float) -> Tensor:
    """Targets of p(kept), `(N,)`: the shares kept, drawn towards what was expected before learning.

    Cross-entropy is linear in its target, so this is the loss plus `anchor` times the cross-entropy with the start, up
    to scale. start_logit `(N,)`: the head's at the start; the mean share stands in for it where it fits better (a head
    that an imported model lacked knows nothing). Unknown shares stay unknown.
    """
    known = ~kept.isnan()
    if not known.any():
        return kept
    mean = kept[known].mean().clamp(0.01, 0.99)
    candidates = (start_logit.sigmoid(), mean.expand_as(kept))
    start = min(candidates, key=lambda p: float(F.binary_cross_entropy(p[known], kept[known])))
    return torch.where(known, (kept + anchor * start) / (1 + anchor), kept)
