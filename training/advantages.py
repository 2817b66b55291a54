"""Generalised advantage estimation over one agent's transitions. Not here: rewards, the value network."""

from __future__ import annotations

import torch
from torch import Tensor


def gae(
    rewards: Tensor, values: Tensor, episode: Tensor, bootstrap: Tensor, *, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns, both `(N,)` float32 (Schulman et al. 2016, High-Dimensional Continuous Control, eq. 16).

    delta[i] = rewards[i] + gamma * v' - values[i],  advantage[i] = delta[i] + gamma * lam * advantage[i + 1]

    where v' is values[i + 1], and at the last transition of an episode bootstrap[i] (nothing follows it).
    rewards, values, bootstrap: `(N,)`. episode: `(N,)` ids; the transitions of an episode stand together, in order.
    The return is advantage + value (the TD(lam) return).
    """
    ids, reward, value, after = episode.tolist(), rewards.tolist(), values.tolist(), bootstrap.tolist()
    advantages = [0.0] * len(ids)
    for i in reversed(range(len(ids))):
        goes_on = i + 1 < len(ids) and ids[i + 1] == ids[i]
        delta = reward[i] + gamma * (value[i + 1] if goes_on else after[i]) - value[i]
        advantages[i] = delta + (gamma * lam * advantages[i + 1] if goes_on else 0.0)
    advantage = torch.tensor(advantages, dtype=torch.float32)
    return advantage, advantage + values


def discounted_returns(rewards: Tensor, episode: Tensor, gamma: float) -> Tensor:
    """Sum of discounted rewards to come in the episode, `(N,)`: what `gae` gives with values 0 and lam 1."""
    nothing = torch.zeros_like(rewards)
    return gae(rewards, nothing, episode, nothing, gamma=gamma, lam=1.0)[1]


def standardised(advantages: Tensor) -> Tensor:
    """`(N,)` with mean 0 and standard deviation 1; a single advantage keeps its sign and becomes at most 1."""
    if len(advantages) < 2:
        return advantages.clamp(-1.0, 1.0)
    return (advantages - advantages.mean()) / (advantages.std() + 1e-6)
