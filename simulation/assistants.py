"""Assistants that need no training, and drawing from a distribution over pairs. Not here: networks, search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import numpy as np

from actions import Action, Decision, legality_mask
from config import FeaturizerConfig
from exploration import MODEL, NO_OP_PROBABILITY, REACH, exploration_probabilities
from simulation.person import PairProbabilities
from state import State, window_start


@dataclass(frozen=True, slots=True)
class RandomAssistant:
    """A decision drawn by weight among the legal ones, at a legal line drawn evenly."""

    weights: tuple[float, ...] = (6, 3, 4, 3, 2, 2, 2)
    w_max: int = FeaturizerConfig.w_max

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `Assistant`."""
        legal = legality_mask(states, self.w_max)
        return [self._decide_one(legal[i], generator) for i, generator in enumerate(generators)]

    def _decide_one(self, legal: np.ndarray, generator: Random) -> Action:
        """legal: (7, L)."""
        counts = legal.sum(axis=1).tolist()
        weights = [w if n or d == 0 else 0.0 for d, (w, n) in enumerate(zip(self.weights, counts, strict=True))]
        decision = Decision(generator.choices(range(len(weights)), weights)[0])
        probability = weights[decision] / sum(weights)
        if decision is Decision.NO_OP:
            return _action(decision, -1, probability, probability, "random")
        line = int(np.flatnonzero(legal[decision])[generator.randrange(counts[decision])])
        return _action(decision, line, probability / counts[decision], probability, "random")


@dataclass(frozen=True, slots=True)
class ExploringAssistant:
    """The exploration policy (`exploration`) as an assistant; of long files at lines that a network sees too.

    h_max: lines of a network's window. w_max: bytes from which on a line has no room for a completion.
    """

    noop: float = NO_OP_PROBABILITY
    reach: float = REACH
    w_max: int = FeaturizerConfig.w_max
    h_max: int = FeaturizerConfig.h_max

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `Assistant`. The action carries the probabilities of the draw."""
        drawn = zip(states, generators, strict=True)
        return [sampled_action(self.pair_probabilities(state), generator, MODEL) for state, generator in drawn]

    def pair_probabilities(self, state: State) -> PairProbabilities:
        """The distribution over pairs `(7, n)` of a state of n lines, as `exploration_probabilities` has it."""
        legal = legality_mask([state], self.w_max)[0]
        first = window_start(state, self.h_max)
        legal[:, :first] = legal[:, first + self.h_max :] = False
        return exploration_probabilities(state, legal, no_op=self.noop, reach=self.reach)


@dataclass(frozen=True, slots=True)
class SilentAssistant:
    """Never does anything."""

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `Assistant`."""
        return [_action(Decision.NO_OP, -1, 1.0, 1.0, "silent") for _ in states]


def sampled_action(pairs: PairProbabilities, generator: Random, model: str | None) -> Action:
    """An action of the assistant's drawn from a distribution over pairs `(7, n)`, with its probabilities."""
    cumulative = list(accumulate(pairs.ravel().tolist()))
    index = generator.choices(range(len(cumulative)), cum_weights=cumulative)[0]
    row, column = divmod(index, pairs.shape[1])
    decision = Decision(row)
    probability = min(float(pairs[decision, column]), 1.0)
    line = -1 if decision is Decision.NO_OP else column
    return _action(decision, line, probability, min(float(pairs[decision].sum()), 1.0), model)


def _action(
    decision: Decision, line: int, probability: float, decision_probability: float, model: str | None
) -> Action:
    """What is drawn from a policy as it is: the probability of the draw is the policy's own."""
    return Action("A", decision, line, True, probability, decision_probability, model, policy_probability=probability)
