"""A game written down as a table, which plays the model of a search."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from training.search import Evaluation

Reply = tuple[float, float, str]


@dataclass
class World:
    """states: name -> (prior of each candidate, value). moves: (state, candidate) -> (reward, replies), a reply being
    (probability, reward, next state). Candidate i is the pair (i, i - 1); a state that is not listed is worth 0 and
    leads to itself. `calls` keeps what was asked."""

    states: dict[str, tuple[Sequence[float], float]]
    moves: dict[tuple[str, int], tuple[float, Sequence[Reply]]]
    candidates: int
    replies: int = 2
    calls: dict[str, list[list[object]]] = field(default_factory=lambda: {"evaluate": [], "step": [], "reply": []})

    def evaluate(self, states):
        self.calls["evaluate"].append(list(states))
        found = [self.states.get(s, ([1 / self.candidates] * self.candidates, 0.0)) for s in states]
        pairs = np.stack([np.arange(self.candidates), np.arange(self.candidates) - 1], axis=-1)
        with np.errstate(divide="ignore"):
            log_probs = np.log(np.array([prior for prior, _ in found], dtype=np.float64))
        values = np.array([value for _, value in found])
        return Evaluation(np.tile(pairs, (len(states), 1, 1)), log_probs, values)

    def _replies(self, after):
        return self.moves.get(after, (0.0, [(1.0, 0.0, after[0])]))[1]

    def step(self, states, pairs, kept_probs):
        afterstates = list(zip(states, pairs[:, 0].tolist(), strict=True))
        self.calls["step"].append(list(afterstates))
        return afterstates, np.array([self.moves.get(after, (0.0, ()))[0] for after in afterstates])

    def reply_log_probs(self, afterstates):
        probs = np.zeros((len(afterstates), self.replies))
        for row, after in zip(probs, afterstates, strict=True):
            for i, (probability, _, _) in enumerate(self._replies(after)):
                row[i] = probability
        with np.errstate(divide="ignore"):
            return np.log(probs)

    def reply(self, afterstates, replies, seeds):
        found = [self._replies(after)[i] for after, i in zip(afterstates, replies.tolist(), strict=True)]
        self.calls["reply"].append(list(zip(afterstates, replies.tolist(), strict=True)))
        return [state for _, _, state in found], np.array([reward for _, reward, _ in found])


@pytest.fixture
def world():
    return World
