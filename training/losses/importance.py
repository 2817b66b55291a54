"""How much a recorded decision counts for a policy that would have taken it with another probability.

Not here: the probabilities themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.behaviour_policy import BehaviourPolicy
from training.data.transitions import TransitionTable
from training.networks.predictions import PolicyPredictions


@dataclass(frozen=True)
class ImportanceWeights:
    """Ratios of a policy's probabilities to those of the behaviour that recorded.

    clipped `(N,)`: the ratio of the decision, times that of the line given it, times that of showing or holding back
    the text, each at most a cap; 1 for steps that are not trainable. log_ratio `(M,)`: log of the ratios of the M
    trainable steps, not clipped.
    """

    clipped: Tensor
    log_ratio: Tensor

    @property
    def effective_sample_size(self) -> float:
        """Share of the sample that the ratios leave, in (0, 1]; 0 without rows."""
        return effective_sample_size(self.log_ratio)


def importance_weights(
    steps: TransitionTable, predictions: PolicyPredictions, behaviour: BehaviourPolicy | None, cap: float
) -> ImportanceWeights:
    """Weights of recorded steps for the policy that made the predictions.

    behaviour: stands in for probabilities that were not recorded. cap: the most that one ratio may be.
    """
    decision, line = steps.behaviour_log_probs(behaviour)
    log_decision_ratio = torch.where(steps.trainable, predictions.decision(steps) - decision, 0.0)
    log_line_ratio = torch.where(steps.line_trainable, predictions.line - line, 0.0)
    log_review_ratio = torch.where(steps.trainable, steps.log_review, 0.0)
    log_ratios = torch.stack([log_decision_ratio, log_line_ratio, log_review_ratio])
    return ImportanceWeights(log_ratios.clamp(max=math.log(cap)).sum(0).exp(), log_ratios.sum(0)[steps.trainable])


def effective_sample_size(log_weights: Tensor) -> float:
    """Kish's (sum w)^2 / (n sum w^2), in (0, 1]: the share of the sample that the weights leave; 0 without rows."""
    if not len(log_weights):
        return 0.0
    weights = (log_weights - log_weights.max()).double().exp()
    return float(weights.sum().square() / (len(weights) * weights.square().sum()))
