"""Policy networks as players: the human's as the policy of a learned person, the assistant's as an assistant.

Not here: the networks themselves, search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch

from actions import Decision
from config import N_DECISIONS
from featurizers import Featurizer
from models import Models, Policy, forward_states
from simulation.assistants import sample_pair
from simulation.person import PairProbabilities
from simulation.rollout import Chosen
from state import State


@torch.no_grad()  # and not inference mode: what a network keeps of a call must serve in training later
def pair_probabilities(
    policy: Policy, featurizer: Featurizer, states: Sequence[State], *, legal_only: bool
) -> list[PairProbabilities]:
    """The distribution over pairs at each state, `(7, lines)`; 0 at lines that the network does not see.

    legal_only: over the assistant's legal pairs; else over all (a human's).
    """
    pairs: list[PairProbabilities] = [np.zeros((N_DECISIONS, 0))] * len(states)
    for batch in forward_states(policy, featurizer, states, heads=("action",), legal_only=legal_only):
        probabilities = batch.distribution().pair_log_probs().exp().double().cpu().numpy()
        for row, i in enumerate(batch.index.tolist()):
            pairs[i] = _on_the_file(probabilities[row], int(batch.first_line[row]), len(states[i]))
    return pairs


def _on_the_file(seen: PairProbabilities, first: int, lines: int) -> PairProbabilities:
    """The window's probabilities, which may have padding, at the file's own lines; the NO-OP's at line 0."""
    pairs = np.zeros((N_DECISIONS, max(lines, 1)))
    count = min(seen.shape[1], lines)
    pairs[1:, first : first + count] = seen[1:, :count]
    pairs[Decision.NO_OP, 0] = seen[Decision.NO_OP].sum()
    return pairs


@dataclass(frozen=True, eq=False)
class NetworkPolicy:
    """The human's policy network as the policy of learned people; the same object for people who are to share calls."""

    policy: Policy
    featurizer: Featurizer

    @classmethod
    def of(cls, models: Models) -> NetworkPolicy:
        """The human's network of a set of models."""
        return cls(models.human, models.featurizer)

    def pairs(self, states: Sequence[State]) -> list[PairProbabilities]:
        """See `HumanPolicy`."""
        return pair_probabilities(self.policy, self.featurizer, states, legal_only=False)


@torch.no_grad()
def most_probable_actions(
    policy: Policy, featurizer: Featurizer, states: Sequence[State]
) -> list[tuple[Decision, int]]:
    """What argmax takes at each state (see `ActionDistribution.argmax`), at the file's own line; -1: none."""
    actions = [(Decision.NO_OP, -1)] * len(states)
    for batch in forward_states(policy, featurizer, states, heads=("action",), legal_only=True):
        decisions, lines = batch.distribution().argmax()
        for i, decision, line, first in zip(
            batch.index.tolist(), decisions.tolist(), lines.tolist(), batch.first_line.tolist(), strict=True
        ):
            actions[i] = Decision(decision), -1 if line < 0 else first + line
    return actions


@dataclass(frozen=True, eq=False)
class NetworkAssistant:
    """The assistant's policy network as an assistant. greedy: takes what argmax takes instead of drawing a pair."""

    policy: Policy
    featurizer: Featurizer
    model: str | None = None
    greedy: bool = False

    @classmethod
    def of(cls, models: Models, *, greedy: bool = False) -> NetworkAssistant:
        """The assistant's network of a set of models."""
        return cls(models.assistant, models.featurizer, models.source, greedy)

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Chosen]:
        """See `Assistant`."""
        if self.greedy:
            actions = most_probable_actions(self.policy, self.featurizer, states)
            return [Chosen(decision, line, 1.0, 1.0, self.model) for decision, line in actions]
        distributions = pair_probabilities(self.policy, self.featurizer, states, legal_only=True)
        return [self._sample(pairs, generator) for pairs, generator in zip(distributions, generators, strict=True)]

    def _sample(self, pairs: PairProbabilities, generator: Random) -> Chosen:
        decision, line, probability = sample_pair(pairs, generator)
        return Chosen(decision, line, min(probability, 1.0), min(float(pairs[decision].sum()), 1.0), self.model)
