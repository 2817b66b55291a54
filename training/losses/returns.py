"""Advantages and returns: generalised advantage estimation, returns to go, n-step returns.

Not here: rewards, the value network, values inside a search.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from training.data.transitions import TransitionTable
from training.search.interfaces import Floats


def gae(
    rewards: Tensor, values: Tensor, episode: Tensor, bootstrap: Tensor, *, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns, both `(N,)` float32 (Schulman et al. 2016, High-Dimensional Continuous Control, eq. 16).

    delta[i] = rewards[i] + gamma * v' - values[i],  advantage[i] = delta[i] + gamma * lam * advantage[i + 1]

    where v' is values[i + 1], and at the last transition of an episode bootstrap[i] (nothing follows it).
    rewards, values, bootstrap: `(N,)`. episode: `(N,)` ids; the transitions of an episode stand together, in order.
    The return is advantage + value (the TD(lam) return).
    """
    ids = episode.tolist()
    value = values.tolist()
    reward, last_value = rewards.tolist(), bootstrap.tolist()
    advantages = [0.0] * len(ids)
    for i in reversed(range(len(ids))):
        continues = i + 1 < len(ids) and ids[i + 1] == ids[i]
        delta = reward[i] + gamma * (value[i + 1] if continues else last_value[i]) - value[i]
        advantages[i] = delta + (gamma * lam * advantages[i + 1] if continues else 0.0)
    advantage = torch.tensor(advantages, dtype=torch.float32)
    return advantage, advantage + values


def discounted_returns(rewards: Tensor, episode: Tensor, gamma: float) -> Tensor:
    """Sum of discounted rewards to come in the episode, `(N,)`: the return of `gae` with values 0 and lam 1."""
    zeros = torch.zeros_like(rewards)
    return gae(rewards, zeros, episode, zeros, gamma=gamma, lam=1.0)[1]


def normalized(advantages: Tensor) -> Tensor:
    """`(N,)` with mean 0 and standard deviation 1; a single advantage keeps its sign and becomes at most 1."""
    if len(advantages) < 2:
        return advantages.clamp(-1.0, 1.0)
    return (advantages - advantages.mean()) / (advantages.std() + 1e-6)


def value_scale(returns: Tensor) -> float:
    """Unit in which errors of values are measured: the standard deviation of returns `(N,)`, at least 0.1.

    A single return has none: 1.
    """
    return max(float(returns.std()) if len(returns) > 1 else 1.0, 0.1)


def returns_to_go(steps: TransitionTable, gamma: float) -> Tensor:
    """Discounted sum of the assistant's rewards to come, `(N,)`; for a human's step, from the assistant's next on."""
    assert bool((steps.state_index.diff() > 0).all()), "steps stand in the order in which they were taken"
    by_assistant = ~steps.is_human
    returns = torch.zeros(len(steps))
    returns[by_assistant] = discounted_returns(steps.reward[by_assistant], steps.episode[by_assistant], gamma)
    episode, is_human = steps.episode.tolist(), steps.is_human.tolist()
    values = returns.tolist()
    for i in reversed(range(len(values) - 1)):
        if is_human[i] and episode[i] == episode[i + 1]:
            values[i] = values[i + 1]
    return torch.tensor(values)


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
