"""The exploration policy: help to learn from, while there are too few sessions for a policy of one's own.

NO-OP has probability 1/2; the other decisions that are legal somewhere share the other half equally. The line is drawn
from the decision's legal lines with weight `2 ** (-d / HALF_DISTANCE)`, d lines away from the cursor; evenly where the
cursor was never seen. Where nothing else is legal it is NO-OP. Not here: when it is used in place of a learned policy.
"""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray

from actions import Action, Decision, legality_mask
from config import N_DECISIONS, FeaturizerConfig
from state import State

NO_OP_PROBABILITY = 0.5
HALF_DISTANCE = 5
"""Lines away from the cursor at which a line is half as probable."""

MODEL = "exploration"
"""The model that a recorded action names."""


def exploration_probabilities(state: State, w_max: int = FeaturizerConfig.w_max) -> NDArray[np.float64]:
    """Probability of every pair (decision, line), `(7, lines)`; NO-OP's stands at line 0. w_max: as in `actions`."""
    legal = legality_mask([state], w_max)[0][:, : len(state)]
    probabilities = np.zeros((N_DECISIONS, max(len(state), 1)))
    possible = [d for d in range(N_DECISIONS) if d != Decision.NO_OP and legal[d].any()]
    probabilities[Decision.NO_OP, 0] = NO_OP_PROBABILITY if possible else 1.0
    for decision in possible:
        lines = np.flatnonzero(legal[decision])
        weights = _line_weights(lines, state)
        probabilities[decision, lines] = (1.0 - NO_OP_PROBABILITY) / len(possible) * weights / weights.sum()
    return probabilities


def explore(state: State, random: Random, w_max: int = FeaturizerConfig.w_max) -> Action:
    """An action of the assistant drawn from the exploration policy, with the probabilities of this draw."""
    probabilities = exploration_probabilities(state, w_max)
    of_decisions = probabilities.sum(1)
    decision = Decision(random.choices(range(N_DECISIONS), of_decisions.tolist())[0])
    line = random.choices(range(probabilities.shape[1]), probabilities[decision].tolist())[0]
    return Action(
        agent="A",
        decision=decision,
        line=-1 if decision is Decision.NO_OP else line,
        probability=float(probabilities[decision, line]),
        decision_probability=float(of_decisions[decision]),
        policy_probability=float(probabilities[decision, line]),
        model=MODEL,
    )


def _line_weights(lines: NDArray[np.int64], state: State) -> NDArray[np.float64]:
    cursor = state.cursor.line if state.cursor.on else state.last_known_line
    if cursor < 0:
        return np.ones(len(lines))
    distances = np.abs(lines - cursor)
    return np.asarray(np.exp2(-(distances - distances.min()) / HALF_DISTANCE))
