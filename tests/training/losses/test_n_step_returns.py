"""n-step returns against their closed forms."""

import numpy as np
import pytest

from training.losses.returns import n_step_returns

REWARDS = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, -1.0, 0.5, 0.0]])
VALUES = np.array([[10.0, 20.0, 30.0, 40.0, 50.0], [1.0, 1.0, 1.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("n", "first", "last"),
    [
        # gamma 1/2. first: t = 0, last: t = 3, of game 0.
        (1, 1 + 20 / 2, 4 + 50 / 2),
        (2, 1 + 2 / 2 + 30 / 4, 4 + 50 / 2),
        (3, 1 + 2 / 2 + 3 / 4 + 40 / 8, 4 + 50 / 2),
        (4, 1 + 2 / 2 + 3 / 4 + 4 / 8 + 50 / 16, 4 + 50 / 2),
        (9, 1 + 2 / 2 + 3 / 4 + 4 / 8 + 50 / 16, 4 + 50 / 2),
    ],
)
def test_worked(n, first, last):
    returns = n_step_returns(REWARDS, VALUES, n, 0.5)
    assert returns[0, 0] == pytest.approx(first)
    assert returns[0, 3] == pytest.approx(last)


def test_constant_reward_is_a_geometric_sum():
    rewards, values = np.ones((1, 50)), np.zeros((1, 51))
    returns = n_step_returns(rewards, values, 50, 0.9)[0]
    assert returns == pytest.approx((1 - 0.9 ** np.arange(50, 0, -1)) / (1 - 0.9))


def test_consistent_values_are_their_own_returns_at_every_n():
    discount, rng = 0.97, np.random.default_rng(0)
    rewards, values = rng.normal(size=(3, 8)), np.zeros((3, 9))
    values[:, 8] = 2.0
    for t in reversed(range(8)):
        values[:, t] = rewards[:, t] + discount * values[:, t + 1]
    for n in range(1, 10):
        assert n_step_returns(rewards, values, n, discount) == pytest.approx(values[:, :8])
