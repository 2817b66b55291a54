"""All that a search leaves to chance, drawn before it starts, so that games beside each other do not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config import SearchConfig
from training.search.interfaces import Floats, Ints


@dataclass(frozen=True)
class Noise:
    """The chances of G games, each from its own generator.

    gumbel: (G, K), of the root's candidates; zero where nothing is to be explored.
    replies: (G, simulations, depth, 2) in [0, 1): which lambda, which reply.
    seeds: (G, simulations), for the dynamics.
    """

    gumbel: Floats
    replies: Floats
    seeds: Ints

    @classmethod
    def draw(cls, generators: Sequence[np.random.Generator], config: SearchConfig, *, explore: bool) -> Noise:
        """`explore`: with Gumbel noise at the root, as self-play needs it and a person does not."""
        k, n = config.candidates, config.simulations
        gumbel = [g.gumbel(size=k) if explore else np.zeros(k) for g in generators]
        replies = [g.random((n, config.depth, 2)) for g in generators]
        seeds = [g.integers(2**63 - 1, size=n) for g in generators]
        return cls(np.stack(gumbel), np.stack(replies), np.stack(seeds))
