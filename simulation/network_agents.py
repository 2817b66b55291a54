"""Policy networks as players: the human's as the policy of a learned person, the assistant's as an assistant.

Not here: the networks themselves, search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch

from actions import Action, Decision
from config import N_DECISIONS
from featurizers import Featurizer
from models import Models, Policy, forward_states
from simulation.assistants import sampled_action
from simulation.person import PairProbabilities
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
            pairs[i] = _in_file_lines(probabilities[row], int(batch.first_line[row]), len(states[i]))
    return pairs


def _in_file_lines(window: PairProbabilities, first: int, lines: int) -> PairProbabilities:
    """The window's probabilities, which may have padding, at the file's own lines; the NO-OP's at line 0."""
    pairs = np.zeros((N_DECISIONS, max(lines, 1)))
    count = min(window.shape[1], lines)
    pairs[1:, first : first + count] = window[1:, :count]
    pairs[Decision.NO_OP, 0] = window[Decision.NO_OP].sum()
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

    def pair_probabilities(self, states: Sequence[State]) -> list[PairProbabilities]:
        """See `HumanPolicy`."""
        return pair_probabilities(self.policy, self.featurizer, states, legal_only=False)


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

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `Assistant`."""
        if self.greedy:
            return self._most_probable(states)
        distributions = pair_probabilities(self.policy, self.featurizer, states, legal_only=True)
        drawn = zip(distributions, generators, strict=True)
        return [sampled_action(pairs, generator, self.model) for pairs, generator in drawn]

    @torch.no_grad()
    def _most_probable(self, states: Sequence[State]) -> list[Action]:
        """What argmax takes at each state (see `ActionDistribution.argmax`), with probability 1."""
        actions = [Action("A", Decision.NO_OP, -1)] * len(states)
        for batch in forward_states(self.policy, self.featurizer, states, heads=("action",), legal_only=True):
            decisions, lines = batch.distribution().argmax()
            rows = zip(batch.index.tolist(), decisions.tolist(), lines.tolist(), batch.first_line.tolist(), strict=True)
            for i, decision, line, first_line in rows:
                file_line = -1 if line < 0 else first_line + line
                actions[i] = Action("A", Decision(decision), file_line, True, 1.0, 1.0, self.model)
        return actions
