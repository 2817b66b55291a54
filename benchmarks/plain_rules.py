"""Assistants that always take one decision, chosen by counting in recordings: what models have to beat.

Not here: learning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from actions import Action, Decision, legality_mask
from config import FeaturizerConfig, RewardWeights
from rewards import noop_shaping, retention
from state import State
from state_adapter import Episode, Transition

HELP = tuple(decision for decision in Decision if decision is not Decision.NO_OP)


@dataclass(frozen=True, slots=True)
class ConstantAssistant:
    """Takes one decision wherever it is legal, at the legal line nearest to the cursor; else NO-OP."""

    decision: Decision
    w_max: int = FeaturizerConfig.w_max

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `simulation.rollout.Assistant`."""
        legal = legality_mask(states, self.w_max)
        return [self._decide_one(state, legal[i]) for i, state in enumerate(states)]

    def _decide_one(self, state: State, legal: np.ndarray) -> Action:
        """legal: (7, L)."""
        lines = np.flatnonzero(legal[self.decision])
        if self.decision is Decision.NO_OP or not len(lines):
            return Action("A", Decision.NO_OP, -1, recorded=True, probability=1.0, decision_probability=1.0)
        cursor = state.cursor.line if state.cursor.on else state.last_known_line
        line = int(lines[np.abs(lines - (cursor or 0)).argmin()])
        return Action("A", self.decision, line, recorded=True, probability=1.0, decision_probability=1.0)


def most_frequent_help(episodes: Sequence[Episode]) -> ConstantAssistant:
    """Takes the assistant's most frequent decision other than NO-OP; NO-OP if there is none."""
    counts = [sum(transition.decision == decision for transition in _transitions(episodes)) for decision in HELP]
    return ConstantAssistant(HELP[int(np.argmax(counts))] if any(counts) else Decision.NO_OP)


def most_retained_help(episodes: Sequence[Episode], weights: RewardWeights | None = None) -> ConstantAssistant:
    """Takes the decision with the largest mean retained share; NO-OP if that is not above `break_even`."""
    shares: dict[Decision, list[float]] = {decision: [] for decision in HELP}
    survived = []
    for transition in _transitions(episodes):
        share = retention(transition)
        if share.retained is not None:
            shares[Decision(transition.decision)].append(share.retained)
        if share.survived is not None:
            survived.append(share.survived)
    means = {decision: float(np.mean(values)) for decision, values in shares.items() if values}
    if not means:
        return ConstantAssistant(Decision.NO_OP)
    best = max(means, key=lambda decision: means[decision])
    survival_rate = float(np.mean(survived)) if survived else 1.0
    return ConstantAssistant(best if means[best] > break_even(survival_rate, weights) else Decision.NO_OP)


def break_even(survival_rate: float, weights: RewardWeights | None = None) -> float:
    """The retained share from which on help is worth more than a first NO-OP.

    survival_rate: share of what is retained that still stands at a session's end.
    """
    weights = weights or RewardWeights()
    survival = weights.survival_reward * survival_rate + weights.extinction_penalty * (1 - survival_rate)
    retained, undone = weights.retain_reward + survival, weights.undo_penalty
    return (noop_shaping(0, weights) - undone) / (retained - undone)


def _transitions(episodes: Sequence[Episode]) -> Iterator[Transition]:
    for episode in episodes:
        yield from episode.transitions("A")
