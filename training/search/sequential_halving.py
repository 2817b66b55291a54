"""Sequential halving: which candidates of the root are still considered at each simulation (Danihelka et al. 2022).

Not here: their scores.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log2

import numpy as np

from training.search.interfaces import Ints


def considered_visits(considered: int, simulations: int) -> tuple[int, ...]:
    """For each simulation, the number of visits that a candidate must have to be considered.

    Every phase gives its candidates equally many visits, about `simulations / ceil(log2(considered))` together, and
    keeps the better half for the next; two are never halved. With one candidate, its own visits: 0, 1, 2, ...
    """
    if considered <= 1:
        return tuple(range(simulations))
    phases = ceil(log2(considered))
    visits = [0] * considered
    sequence: list[int] = []
    remaining = considered
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * remaining))):
            sequence.extend(visits[:remaining])
            visits[:remaining] = [count + 1 for count in visits[:remaining]]
        remaining = max(2, remaining // 2)
    return tuple(sequence[:simulations])


@lru_cache(maxsize=64)
def visit_table(considered: int, simulations: int) -> Ints:
    """`considered_visits` of every number of candidates: `(considered + 1, simulations)`, read-only."""
    table = np.array([considered_visits(n, simulations) for n in range(considered + 1)], dtype=np.int64)
    table.flags.writeable = False
    return table
