"""A fresh featurizer and policy for a check, and their answer to states: the product's own path. Not here: checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from featurizers import Featurizer, LineFeatures
from models import ActionDistribution, Policy, forward_batch
from state import State
from training.networks.training_networks import TrainingNetworks
from verify.check import CheckSettings


@dataclass(frozen=True)
class Answer:
    """What a network says to B states.

    scores, human_scores, kept `(B, 7, L)`; value `(B,)`; goal `(B, 8)`: of the heads, by name (an imported network has
    no `kept`). joint: the assistant's distribution; human: the predicted human's. first_line: of each state's window.
    """

    lines: LineFeatures
    heads: dict[str, Tensor]
    joint: ActionDistribution
    human: ActionDistribution
    first_line: list[int]


@dataclass(frozen=True)
class Network:
    """A featurizer and the policy that reads its lines."""

    featurizer: Featurizer
    policy: Policy

    def answer(self, states: Sequence[State]) -> Answer:
        """The network's answer to all states in one batch; gradients are kept."""
        batch = forward_batch(self.policy, self.featurizer, self.featurizer.encode(states), legal_only=True)
        lines, output = batch.lines, batch.output
        heads = {
            "scores": output.scores,
            "human_scores": output.human_scores,
            "value": output.value,
            "goal": output.goal,
            "kept": output.kept,
        }
        return Answer(
            lines,
            {name: tensor for name, tensor in heads.items() if tensor is not None},
            batch.distribution(),
            ActionDistribution.from_scores(output.human_scores, None, lines.mask, self.policy.config.pooling),
            batch.first_line.tolist(),
        )


def fresh_policies(settings: CheckSettings, backbone: str, purpose: str) -> TrainingNetworks:
    """Fresh networks as a training run begins with, on the settings' device; the same arguments, the same weights."""
    model = replace(settings.model, backbone=backbone, d_in=settings.featurizer.d_in)
    with torch.random.fork_rng(devices=[]):
        policies = TrainingNetworks.fresh(model, settings.featurizer, settings.seed_of("weights", backbone, purpose))
    policies.to(torch.device(settings.device))
    return policies


def build(settings: CheckSettings, backbone: str, purpose: str) -> Network:
    """A fresh featurizer and policy, in evaluation mode."""
    policies = fresh_policies(settings, backbone, purpose)
    return Network(policies.featurizer.eval(), policies.human.eval())
