"""The exploration policy: help to learn from, while there are too few sessions for a learned policy.

NO-OP has a fixed probability; the other decisions that are legal somewhere share the remainder equally. A line of a
decision is drawn from its legal ones with weight `exp(-d / reach)`, d lines away from the cursor; with the cursor off,
from where it was last seen; evenly if it never was. Where nothing else is legal it is NO-OP.
Not here: draws from it (`simulation.assistants.ExploringAssistant`), when it is used in place of a learned policy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actions import Decision
from config import N_DECISIONS
from state import State

NO_OP_PROBABILITY = 0.5
REACH = 20.0
"""Lines away from the cursor at which a line's weight falls to 1/e."""

MODEL = "exploration"
"""The model that a recorded action names."""


def exploration_probabilities(
    state: State, legal: NDArray[np.bool_], *, no_op: float = NO_OP_PROBABILITY, reach: float = REACH
) -> NDArray[np.float64]:
    """Probability of every pair (decision, line), `(7, max(n, 1))` for n lines; NO-OP's stands at line 0.

    legal: `(7, n)`, where each decision is legal.
    """
    probabilities = np.zeros((N_DECISIONS, max(len(state), 1)))
    decisions = [decision for decision in range(1, N_DECISIONS) if legal[decision].any()]
    probabilities[Decision.NO_OP, 0] = no_op if decisions else 1.0
    for decision in decisions:
        lines = np.flatnonzero(legal[decision])
        weights = _line_weights(lines, state, reach)
        probabilities[decision, lines] = (1.0 - no_op) / len(decisions) * weights / weights.sum()
    return probabilities


def _line_weights(lines: NDArray[np.int64], state: State, reach: float) -> NDArray[np.float64]:
    """The weight of each of the lines; 1 for the nearest, so that none vanishes where all are far."""
    cursor = state.cursor.line if state.cursor.on else state.last_known_line
    if cursor < 0:
        return np.ones(len(lines))
    distances = np.abs(lines - cursor)
    return np.asarray(np.exp((distances.min() - distances) / reach))
