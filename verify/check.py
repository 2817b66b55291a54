"""What a check is: a name, a function of the settings, the numbers it promises. Not here: the checks themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from config import FeaturizerConfig, ModelConfig

THRESHOLDS: dict[str, float] = {
    "illegal_mass_mean_lt": 1e-6,
    "bc_action_acc_ge": 0.95,
    "bc_line_acc_ge": 0.90,
    "value_rmse_le": 0.05,
    "goal_mse_le": 1e-3,
    "ppo_post_reward_ge": 0.4,
}
"""Part of the command's contract: never tuned to what the checks happen to reach."""

BACKBONES = ("lg_transformer", "lstm", "bigru")

Result = dict[str, Any]
"""JSON values; always with a bool `passed`."""


@dataclass(frozen=True)
class CheckSettings:
    """What every check gets. The sizes are for quick tests of the checks; the command uses the defaults.

    model, featurizer: sizes of the networks; a check sets the backbone itself.
    held_out: fresh states that a check measures on.
    """

    device: str = "cpu"
    seed: int = 0
    backbones: tuple[str, ...] = BACKBONES
    model: ModelConfig = field(default_factory=lambda: ModelConfig(dropout=0.0))
    featurizer: FeaturizerConfig = field(default_factory=FeaturizerConfig)
    held_out: int = 256

    def shallow(self) -> CheckSettings:
        """Half the layers: what needs no depth is learned sooner."""
        model = self.model
        model = replace(model, n_layers=max(model.n_layers // 2, 1), layers=max(model.layers // 2, 1))
        return replace(self, model=model)

    def narrow(self) -> CheckSettings:
        """Half the width: what needs no exact numbers is learned sooner."""
        return replace(self, model=replace(self.model, d_model=self.model.d_model // 2, hidden=self.model.hidden // 2))

    def seed_of(self, *purpose: str | int) -> int:
        """A seed of its own for each purpose, so that no two draws of a run are the same by accident."""
        state = self.seed
        for part in purpose:
            for byte in str(part).encode() + b"\0":
                state = (state * 1_000_003 + byte + 1) % (2**31 - 1)
        return state

    def generator(self, *purpose: str | int, device: str = "cpu") -> torch.Generator:
        """A generator seeded for this purpose."""
        return torch.Generator(device).manual_seed(self.seed_of(*purpose))


@dataclass(frozen=True)
class Check:
    """`run` returns its numbers and `passed`; `numbers` are keys that the report has even if `run` raised."""

    name: str
    run: Callable[[CheckSettings], Result]
    numbers: tuple[str, ...] = ()
