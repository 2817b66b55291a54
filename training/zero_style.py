"""Zero-style self-play, the shallow form: a few turns from recorded states, learned from as the assistant's own.

Every epoch plays from `roots` recorded states with the policies as they are, and updates the assistant with PPO on
these games, whose decision probabilities are exactly known. Not here: how a game is played (`rollouts.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from config import TrainConfig
from state_adapter import Episode
from training import dataset, ppo
from training.batching import derived_seed, generator
from training.policies import Policies
from training.rollouts import play, roots_of

NAME = "zero_style"


class SelfPlay:
    """The phase. An epoch is played anew after a kill, so nothing is saved inside it."""

    name, saves_inside = NAME, False

    def __init__(self, policies: Policies, episodes: Sequence[Episode], config: TrainConfig, *, sessions: int) -> None:
        self.policies, self.config, self.sessions, self.epoch = policies, config, sessions, 0
        policies.featurizer.freeze()
        self.roots = roots_of(episodes)
        self.optimiser = ppo.optimiser_of(policies, config.ppo)
        self.update: ppo.Update | None = None
        self.games: list[Episode] = []

    @property
    def done(self) -> bool:
        settings = self.config.zero_style
        return self.epoch >= settings.epochs or not self.roots or settings.horizon < 1

    @property
    def total_steps(self) -> int:
        settings, learning = self.config.zero_style, self.config.ppo
        rows = min(settings.roots, len(self.roots)) * math.ceil(settings.horizon / 2) * learning.passes
        return settings.epochs * math.ceil(min(rows, learning.steps) / learning.batch_size)

    def begin(self) -> None:
        """Plays the epoch's games."""
        config = self.config
        chosen = torch.randperm(len(self.roots), generator=generator(config.seed, NAME, self.epoch, "roots"))
        roots = [self.roots[i] for i in chosen[: config.zero_style.roots].tolist()]
        seed = derived_seed(config.seed, NAME, self.epoch)
        self.games = play(self.policies, roots, config.zero_style.horizon, seed=seed)
        data = dataset.build(self.games, self.policies.featurizer, config.rewards)
        self.update = ppo.Update(
            self.policies, data, data.of(range(len(roots)), by_human=False), None,
            optimiser=self.optimiser, config=config.ppo, sessions=self.sessions, seed=(config.seed, NAME),
        )  # fmt: skip
        self.update.begin(self.epoch)

    def step(self) -> bool:
        """One minibatch of the update."""
        assert self.update is not None
        return self.update.step()

    def finish(self) -> dict[str, float | str | None]:
        """Ends the epoch; returns the update's metrics and how the games went."""
        assert self.update is not None
        self.epoch += 1
        steps = self.update.steps
        returns = torch.zeros(len(self.games)).index_add(0, steps.episode, steps.reward)
        no_ops = (steps.decision == 0).float().mean()
        return {
            **self.update.finish(),
            "games": float(len(self.games)),
            "mean_return": float(returns.mean()),
            "no_op_share": float(no_ops),
        }

    def close(self) -> None:
        """Nothing is left to do."""

    def state_dict(self) -> dict[str, object]:
        return {"epoch": self.epoch, "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        self.epoch = saved["epoch"]  # type: ignore[assignment]
        self.optimiser.load_state_dict(saved["optimiser"])  # type: ignore[arg-type]
