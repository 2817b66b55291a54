"""GAE against a loop written by hand, n-step returns against closed forms; sessions do not leak into one another."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.losses.returns import discounted_returns, gae, n_step_returns, normalized, value_scale

numbers = st.floats(-5, 5, width=32)
episode_lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def by_hand(rewards, values, after, gamma, lam):
    """One episode: the sum of (gamma lam)^k delta, term by term."""
    following = [*values[1:], after]
    deltas = [r + gamma * v - value for r, v, value in zip(rewards, following, values, strict=True)]
    return [sum((gamma * lam) ** (k - i) * deltas[k] for k in range(i, len(deltas))) for i in range(len(deltas))]


@given(st.data(), episode_lengths)
def test_gae_is_the_hand_written_sum_episode_by_episode(data, lengths):
    expected, rewards, values, episode, bootstrap = [], [], [], [], []
    for number, length in enumerate(lengths):
        reward, value = (data.draw(st.lists(numbers, min_size=length, max_size=length)) for _ in range(2))
        after = data.draw(st.sampled_from([0.0, 1.5]))
        expected += by_hand(reward, value, after, 0.99, 0.95)
        rewards, values, episode = rewards + reward, values + value, episode + [number] * length
        bootstrap += [7.0] * (length - 1) + [after]  # only the last one of an episode may be looked at
    columns = map(torch.tensor, (rewards, values, episode, bootstrap))
    advantage, target = gae(*columns, gamma=0.99, lam=0.95)
    assert advantage.tolist() == pytest.approx(expected, abs=1e-4)
    assert torch.allclose(target, advantage + torch.tensor(values))


def test_a_later_session_changes_nothing_of_an_earlier_one():
    rewards, values = torch.tensor([1.0, 0.0, 0.0, 0.0]), torch.zeros(4)
    episode, nothing = torch.tensor([0, 0, 1, 1]), torch.zeros(4)
    first = gae(rewards, values, episode, nothing, gamma=0.9, lam=0.9)[0][:2]
    other = gae(rewards + torch.tensor([0, 0, 5.0, 5.0]), values, episode, nothing, gamma=0.9, lam=0.9)[0][:2]
    assert torch.equal(first, other)


def test_returns_are_discounted_to_the_end_of_the_session():
    returns = discounted_returns(torch.tensor([1.0, 2.0, 4.0, 8.0]), torch.tensor([0, 0, 0, 1]), 0.5)
    assert returns.tolist() == [3.0, 4.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("advantages", "expected"),
    [([3.0], [1.0]), ([-0.5], [-0.5]), ([], []), ([2.0, 4.0], [-0.7071, 0.7071]), ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])],
)
def test_standardised(advantages, expected):
    assert normalized(torch.tensor(advantages)).tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("returns", "scale"),
    [([1.0, 4.0, 7.0], 3.0), ([2.0, 2.0, 2.0], 0.1), ([1.0, 1.02, 1.04], 0.1), ([5.0], 1.0), ([], 1.0)],
)
def test_values_are_measured_in_the_spread_of_returns_and_never_in_less_than_a_tenth(returns, scale):
    assert value_scale(torch.tensor(returns)) == pytest.approx(scale)


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
def test_n_step_returns_of_two_games_worked_by_hand(n, first, last):
    returns = n_step_returns(REWARDS, VALUES, n, 0.5)
    assert returns[0, 0] == pytest.approx(first)
    assert returns[0, 3] == pytest.approx(last)


def test_n_step_return_of_a_constant_reward_is_a_geometric_sum():
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
