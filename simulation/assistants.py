"""Assistants that need no training, and the one that acts by a policy network. Not here: search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import numpy as np

from actions import Decision, legality_mask
from config import FeaturizerConfig
from simulation.person import PairProbabilities
from simulation.rollout import Chosen
from state import State


@dataclass(frozen=True, slots=True)
class RandomAssistant:
    """A decision drawn by weight among the legal ones, at a legal line drawn evenly."""

    weights: tuple[float, ...] = (6, 3, 4, 3, 2, 2, 2)
    w_max: int = FeaturizerConfig.w_max

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Chosen]:
        """See `Assistant`."""
        table = legality_mask(states, self.w_max)
        return [self._one(table[i], generator) for i, generator in enumerate(generators)]

    def _one(self, possible: np.ndarray, generator: Random) -> Chosen:
        counts = possible.sum(axis=1).tolist()
        weights = [w if n or d == 0 else 0.0 for d, (w, n) in enumerate(zip(self.weights, counts, strict=True))]
        decision = Decision(generator.choices(range(len(weights)), weights)[0])
        chance = weights[decision] / sum(weights)
        if decision is Decision.NO_OP:
            return Chosen(decision, -1, chance, chance, "random")
        line = int(np.flatnonzero(possible[decision])[generator.randrange(counts[decision])])
        return Chosen(decision, line, chance / counts[decision], chance, "random")


@dataclass(frozen=True, slots=True)
class SilentAssistant:
    """Never does anything."""

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Chosen]:
        """See `Assistant`."""
        return [Chosen(Decision.NO_OP, -1, 1.0, 1.0, "silent") for _ in states]


def sample_pair(pairs: PairProbabilities, generator: Random) -> tuple[Decision, int, float]:
    """`(decision, line, probability)` drawn from a distribution over pairs `(7, n)`; line -1 for the NO-OP."""
    sums = list(accumulate(pairs.ravel().tolist()))
    index = generator.choices(range(len(sums)), cum_weights=sums)[0]
    decision, line = divmod(index, pairs.shape[1])
    no_op = decision == Decision.NO_OP
    return Decision(decision), -1 if no_op else line, float(pairs[decision, line])
