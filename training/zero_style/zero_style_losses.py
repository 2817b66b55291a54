"""The losses of self-play, term by term. Not here: how much each counts, the targets (`policy_targets`)."""

from __future__ import annotations

import torch
from torch import Tensor

from featurizers import LineFeatures
from models import Policy
from training.losses.auxiliary_losses import goal_loss, next_human_loss, retention_loss
from training.losses.weighted_means import WeightedMean, weighted_mean
from training.networks.predictions import kl_divergence
from training.zero_style.policy_targets import PolicyTargets


def zero_style_losses(
    policy: Policy, lines: LineFeatures, targets: PolicyTargets, value_scale: float, start: Tensor
) -> dict[str, WeightedMean]:
    """Mean losses of a minibatch by name.

    value_scale: standard deviation of the returns, in units of which the value's errors are measured. start: `(B, 7,
    L)`, log-probabilities of pairs under the policy that the phase began with.
    """
    output = policy(lines)
    pair_log_probs = policy.distribution(output.scores, lines, legal_only=True).pair_log_probs()
    reply = policy.distribution(output.human_scores, lines, legal_only=False)
    return {
        "policy_loss": weighted_mean(policy_cross_entropy(pair_log_probs, targets), targets.weight),
        "value_loss": weighted_mean(0.5 * ((output.value - targets.returns) / value_scale).square()),
        "next_human_loss": next_human_loss(reply, targets.next_human),
        "goal_loss": goal_loss(output, targets.goal),
        "kept_loss": retention_loss(output, targets.decision, targets.line, targets.retained),
        "kl_start": weighted_mean(kl_divergence(start, pair_log_probs)),
    }


def policy_cross_entropy(pair_log_probs: Tensor, targets: PolicyTargets) -> Tensor:
    """Cross-entropy `(B,)` between the target and the policy's log-probabilities of pairs `(B, 7, L)`:

    - (1 - outside) sum_k policy_k log p_k - outside log(1 - sum_k p_k)

    so that pairs which the search did not look at keep together what the search leaves them (`outside` is
    `mass_outside_candidates`).
    """
    rows = torch.arange(len(pair_log_probs), device=pair_log_probs.device)[:, None]
    log_probs = pair_log_probs[rows, targets.pairs[..., 0], targets.pairs[..., 1]]
    inside = torch.where(targets.policy > 0, targets.policy * log_probs, 0.0).sum(1)
    candidate_mass = torch.where(targets.exists, log_probs.exp(), 0.0).sum(1)
    outside = (1.0 - candidate_mass).clamp(min=1e-6).log()
    return -(1 - targets.mass_outside_candidates) * inside - targets.mass_outside_candidates * outside
