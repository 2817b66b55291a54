"""Value targets of games that were played. Not here: values inside a search."""

from __future__ import annotations

import numpy as np

from training.search.interfaces import Floats


def n_step_returns(rewards: Floats, values: Floats, n: int, discount: float) -> Floats:
    """Returns (G, T) of G games of T decisions: n rewards, then the value of where they led (Sutton and Barto, 7.1).

    G[t] = sum_{k < m} discount^k rewards[t + k] + discount^m values[t + m] with m = min(n, T - t)

    rewards: (G, T). values: (G, T + 1), of the states decided on and of the last state; 0 there if nothing follows.
    """
    length = rewards.shape[1]
    returns = np.empty_like(rewards, dtype=np.float64)
    for t in range(length):
        end = min(t + n, length)
        weights = discount ** np.arange(end - t)
        returns[:, t] = rewards[:, t:end] @ weights + discount ** (end - t) * values[:, end]
    return returns
