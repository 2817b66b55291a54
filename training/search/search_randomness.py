"""All random numbers of a search, drawn before it starts, so that a game's result does not depend on other games."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config import SearchConfig
from training.search.interfaces import Floats, Ints

STEPS = np.array([np.sqrt(2) - 1, (np.sqrt(5) - 1) / 2])
"""Multiples of such irrational numbers, modulo 1, lie evenly in [0, 1) however many they are (Weyl's sequence); most
evenly those of the golden ratio, which are for the reply."""


@dataclass(frozen=True)
class SearchRandomness:
    """The random numbers of G games, each from its own generator; C chance nodes, one a simulation at most.

    gumbel: (G, K), of the root's candidates; zero where nothing is to be explored.
    offsets: (G, C, 2) in [0, 1), where the sequence of each chance node begins.
    seeds: (G, simulations), for the dynamics. explore: whether there is Gumbel noise.
    """

    gumbel: Floats
    offsets: Floats
    seeds: Ints
    explore: bool

    @classmethod
    def draw(
        cls, generators: Sequence[np.random.Generator], config: SearchConfig, *, explore: bool
    ) -> SearchRandomness:
        """`explore`: with Gumbel noise at the root, as self-play needs it and a person does not."""
        k, n = config.candidates, config.simulations
        gumbel = [generator.gumbel(size=k) if explore else np.zeros(k) for generator in generators]
        offsets = [generator.random((n, 2)) for generator in generators]
        seeds = [generator.integers(2**63 - 1, size=n) for generator in generators]
        return cls(np.stack(gumbel), np.stack(offsets), np.stack(seeds), explore)

    def uniforms(self, games: Ints, chances: Ints, visits: Ints) -> Floats:
        """Two numbers in [0, 1) (B, 2) for the next visit of each chance node: which lambda, which reply.

        Each is uniform, but those of one node lie evenly: few visits then represent all replies better than
        independent draws do.
        """
        uniforms: Floats = (self.offsets[games, chances] + visits[:, None] * STEPS) % 1.0
        return uniforms
