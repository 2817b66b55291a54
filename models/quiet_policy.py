"""The assistant's policy while nothing is known of the person: silence, with little left for every other decision.

Not here: when it takes the place of a network (`inference.open_models`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from config import GOAL_DIM, N_DECISIONS, ModelConfig
from featurizers import LineFeatures
from models.action_distribution import NO_OP, ActionDistribution
from models.policy import HEADS, Head, Policy, PolicyOutput

NO_OP_PROBABILITY, OTHER_PROBABILITY = 0.94, 0.01
"""Of NO-OP, and of each of the six other decisions."""


class QuietPolicy(Policy):
    """A policy without weights: fixed decision logits, every legal line alike, value 0, no p(kept)."""

    decision_logits: Tensor

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.config = ModelConfig(history=False, predict_kept=False)
        logits = torch.full((N_DECISIONS,), math.log(OTHER_PROBABILITY))
        logits[NO_OP] = math.log(NO_OP_PROBABILITY)
        self.register_buffer("decision_logits", logits, persistent=False)

    def forward(self, lines: LineFeatures, heads: Iterable[Head] | None = None) -> PolicyOutput:
        """Zeros for every head but `kept`, which it does not have."""
        size, longest = lines.mask.shape
        zeros = self.decision_logits.new_zeros
        shapes: dict[Head, tuple[int, ...]] = {
            "action": (size, N_DECISIONS, longest),
            "human": (size, N_DECISIONS, longest),
            "value": (size,),
            "goal": (size, GOAL_DIM),
        }
        wanted = HEADS if heads is None else frozenset(heads)
        return PolicyOutput({head: zeros(shape) for head, shape in shapes.items() if head in wanted})

    def distribution(self, scores: Tensor, lines: LineFeatures, *, legal_only: bool) -> ActionDistribution:
        """The fixed decision probabilities, renormalised over what is legal; all legal lines alike."""
        return super().distribution(scores, lines, legal_only=legal_only).with_decision_logits(self.decision_logits)
