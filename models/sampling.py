"""How one pair (decision, line) is taken from a policy's distribution, and with which probability.

Not here: the distribution (`action_distribution.py`), what happens to the pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from errors import InputError

Strategy = Literal["argmax", "sample", "sample_top_k"]
STRATEGIES: tuple[Strategy, ...] = ("argmax", "sample", "sample_top_k")

TOP_K = 5
"""Default number of pairs that `sample_top_k` draws among and that a record names as alternatives."""


@dataclass(frozen=True, slots=True)
class SampledPair:
    """A pair by its flat index in `(7, L)`, and with which probability a rule takes it, and its decision."""

    index: int
    probability: float
    decision_probability: float


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """How one pair is taken from a distribution (see `decide`). Raises InputError: a value out of its range.

    must_help: never NO-OP, where anything else is possible.
    """

    strategy: Strategy = "argmax"
    top_k: int = TOP_K
    temperature: float = 1.0
    epsilon: float = 0.0
    must_help: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise InputError("strategy", f"{self.strategy!r} is none; there are {', '.join(STRATEGIES)}")
        if not 0.0 < self.temperature < float("inf"):
            raise InputError("temperature", f"is {self.temperature}, expected a number above 0")
        if not 0.0 <= self.epsilon <= 1.0:
            raise InputError("epsilon", f"is {self.epsilon}, expected a probability")

    def sample(
        self, log_probs: NDArray[np.float32], greedy: int, generator: torch.Generator | None = None
    ) -> SampledPair:
        """The pair taken from log_probs `(7, L)`. greedy: flat index of the pair that argmax takes."""
        if self.strategy == "argmax" and self.epsilon == 0.0:
            return SampledPair(greedy, 1.0, 1.0)
        drawn, chance = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        weights = self._weights(log_probs.ravel())
        index = _draw(weights, drawn)
        epsilon = self.epsilon if self.strategy == "argmax" else 1.0
        if chance >= epsilon:
            index = greedy
        decision, total = index // log_probs.shape[1], weights.sum()
        of_decision = float(weights.reshape(log_probs.shape)[decision].sum() / total)
        same_decision = greedy // log_probs.shape[1] == decision
        return SampledPair(  # rounding may make either a little more than 1
            index,
            min(epsilon * float(weights[index] / total) + (1.0 - epsilon) * (index == greedy), 1.0),
            min(epsilon * of_decision + (1.0 - epsilon) * same_decision, 1.0),
        )

    def _weights(self, log_probs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Weights `(n,)` that the pairs are drawn by, at most 1; 0 for those that are never drawn."""
        differences = (log_probs - log_probs.max()).astype(np.float64)
        with np.errstate(over="ignore"):  # a temperature near 0: all but the best are infinitely worse
            weights: NDArray[np.float64] = np.exp(differences / self.temperature)
        if self.strategy == "sample_top_k" and self.top_k < len(weights):
            weights[np.argsort(-log_probs, kind="stable")[self.top_k :]] = 0.0
        return weights


def _draw(weights: NDArray[np.float64], uniform: float) -> int:
    """The index at which the cumulated weights pass `uniform` (in [0, 1)) of their sum; never one of weight 0."""
    sums = np.cumsum(weights)
    index = np.searchsorted(sums, uniform * sums[-1], side="right")
    return min(int(index), int(np.flatnonzero(weights)[-1]))
