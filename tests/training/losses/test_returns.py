"""GAE against a loop written by hand, and that nothing leaks from one session into the next."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.losses.returns import discounted_returns, gae, normalized

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
