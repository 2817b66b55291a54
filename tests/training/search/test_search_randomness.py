"""The random numbers of a search: each game's from its own generator, and the replies of a node evenly spread."""

from dataclasses import replace

import numpy as np

from config import SearchConfig
from training.search import SearchRandomness

MAZE = SearchConfig(simulations=12, candidates=6, considered=4, replies=4, depth=3)


def test_a_game_s_numbers_do_not_depend_on_the_other_games():
    seeds = (4, 5)
    together = SearchRandomness.draw([np.random.default_rng(seed) for seed in seeds], MAZE, explore=True)
    for game, seed in enumerate(seeds):
        alone = SearchRandomness.draw([np.random.default_rng(seed)], MAZE, explore=True)
        for name in ("gumbel", "offsets", "seeds"):
            assert np.array_equal(getattr(together, name)[game], getattr(alone, name)[0]), name


def test_a_node_s_next_numbers_follow_its_own_offset_and_visits():
    noise = SearchRandomness.draw([np.random.default_rng(seed) for seed in (4, 5)], MAZE, explore=False)
    games, chances = np.array([1, 0]), np.array([3, 7])
    first = noise.uniforms(games, chances, np.zeros(2, dtype=np.int64))
    assert np.array_equal(first, noise.offsets[games, chances])
    assert (noise.uniforms(games, chances, np.array([1, 0])) != first).any(1).tolist() == [True, False]


def test_noise_explores_only_when_asked():
    generators = [np.random.default_rng(seed) for seed in range(3)]
    assert (SearchRandomness.draw(generators, MAZE, explore=False).gumbel == 0).all()
    assert np.unique(SearchRandomness.draw(generators, MAZE, explore=True).gumbel).size == 18


def test_replies_of_a_node_lie_evenly():
    """After n visits a reply has its share of them, give or take two; of independent draws some would be 7 off."""
    noise = SearchRandomness.draw([np.random.default_rng(3)], replace(MAZE, simulations=1), explore=False)
    zeros = np.zeros(64, dtype=np.int64)
    drawn = noise.uniforms(zeros, zeros, np.arange(64))[:, 1]
    for n in range(1, 65):
        assert abs((drawn[:n] < 0.3).sum() - 0.3 * n) <= 2
