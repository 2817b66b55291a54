"""Policy improvement on random bandits with few simulations (Danihelka et al. 2022, section 3): the claim, measured."""

import numpy as np
import pytest

from config import SearchConfig
from training.search import Evaluation, SearchRandomness, run_search

GAMES, ARMS = 2000, 16


class Bandits:
    """G bandits of K arms. The prior knows a little of what they pay and likes the first, as the game's likes NO-OP;
    its value at the root is the true one."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.pays = rng.normal(size=(GAMES, ARMS))
        logits = 0.3 * self.pays + 1.2 * rng.normal(size=(GAMES, ARMS))
        logits[:, 0] += 1.5
        self.log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        self.value = (np.exp(self.log_probs) * self.pays).sum(-1)

    def evaluate(self, states):
        games = [game for game, _ in states]
        pairs = np.tile(np.stack([np.arange(ARMS)] * 2, axis=-1), (len(states), 1, 1))
        pulled = np.array([pulls > 0 for _, pulls in states])
        return Evaluation(pairs, self.log_probs[games], np.where(pulled, 0.0, self.value[games]))

    def step(self, states, pairs, kept_probs):
        pays = [self.pays[game, arm] for (game, _), arm in zip(states, pairs[:, 0], strict=True)]
        return [(game, pulls + 1) for game, pulls in states], np.array(pays)

    def reply_log_probs(self, afterstates):
        return np.zeros((len(afterstates), 1))

    def reply(self, afterstates, replies, seeds):
        return afterstates, np.zeros(len(afterstates))


def searched(bandits, algorithm, simulations):
    config = SearchConfig(
        algorithm=algorithm, simulations=simulations, candidates=ARMS, considered=ARMS, replies=1, depth=1
    )
    noise = SearchRandomness.draw([np.random.default_rng(seed) for seed in range(GAMES)], config, explore=True)
    return run_search([(game, 0) for game in range(GAMES)], bandits, config, noise)


def significantly_positive(differences):
    """Whether the mean lies more than four standard errors above 0 (p < 1e-4)."""
    return bool(differences.mean() > 4 * differences.std(ddof=1) / np.sqrt(len(differences)))


@pytest.mark.parametrize("simulations", [2, 8, 32])
def test_gumbel_improves_on_the_prior_and_beats_puct(simulations):
    bandits = Bandits(seed=simulations)
    gain = {}
    for algorithm in ("gumbel", "puct"):
        found = searched(bandits, algorithm, simulations)
        played = bandits.pays[np.arange(GAMES), found.selected] - bandits.value
        learned = (found.improved_policy * bandits.pays).sum(-1) - bandits.value
        gain[algorithm] = played, learned
    for gumbel, puct in zip(gain["gumbel"], gain["puct"], strict=True):
        assert significantly_positive(gumbel)
        assert significantly_positive(gumbel - puct)


def test_each_choice_is_at_least_as_good_as_the_prior_s_own():
    """The step behind the guarantee: what is chosen pays no less than what the same noise picks from the prior."""
    bandits = Bandits(seed=0)
    config = SearchConfig(simulations=4, candidates=ARMS, considered=4, replies=1, depth=1)
    noise = SearchRandomness.draw([np.random.default_rng(seed) for seed in range(GAMES)], config, explore=True)
    found = run_search([(game, 0) for game in range(GAMES)], bandits, config, noise)
    prior_choice = (bandits.log_probs + noise.gumbel).argmax(-1)
    games = np.arange(GAMES)
    assert (bandits.pays[games, found.selected] >= bandits.pays[games, prior_choice]).all()
