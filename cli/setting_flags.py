"""Flags of `train_from_episodes` that a settings file has too: one table for parser, defaults and precedence.

Not here: the other flags, the settings' bounds (`config`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.arguments import boolean, setting
from cli.built_in import BACKBONES, TEXT_EMBEDDERS
from config import BCConfig, LoopConfig, PPOConfig, ZeroStyleConfig

DEFAULTS = LoopConfig(bc=BCConfig(epochs=1), ppo=PPOConfig(epochs=1), zero_style=ZeroStyleConfig(epochs=1))
"""Settings of this command that neither a flag nor a settings file names."""


@dataclass(frozen=True)
class SettingFlag:
    """A flag and the setting that it is: `name` in the part `section` of the configuration, "" for the top level."""

    flag: str
    section: str
    name: str
    description: str
    metavar: str = "N"

    @property
    def option(self) -> str:
        """The attribute of the parsed options."""
        return self.flag.removeprefix("--")

    @property
    def default(self) -> Any:
        return self.value(DEFAULTS)

    def value(self, settings: LoopConfig) -> Any:
        """What the setting is in `settings`."""
        return getattr(_section(settings, self.section), self.name)

    @property
    def parse(self) -> Callable[[str], Any]:
        """Text to value. Raises ArgumentTypeError out of the setting's bounds."""
        if self.name == "text_embedder":
            return _text_embedder
        if isinstance(self.default, bool):
            return boolean
        return setting(type(_section(DEFAULTS, self.section)), self.name) if isinstance(self.default, int) else str


SETTING_FLAGS = (
    SettingFlag("--h_max", "featurizer", "h_max", "lines the network sees at most"),
    SettingFlag("--w_max", "featurizer", "w_max", "bytes of a line from which on it is not completed"),
    SettingFlag("--device", "", "device", "cpu, cuda or cuda:N", "NAME"),
    SettingFlag("--backbone", "model", "backbone", f"{' | '.join(BACKBONES)}, or a registered one", "NAME"),
    SettingFlag(
        "--text_embedder", "featurizer", "text_embedder", f"{' | '.join(TEXT_EMBEDDERS)}, or a registered one", "NAME"
    ),
    SettingFlag("--bc_epochs", "bc", "epochs", "epochs of behaviour cloning, 0: none"),
    SettingFlag("--ppo_epochs", "ppo", "epochs", "epochs of PPO on the recorded decisions, 0: none"),
    SettingFlag("--zero_style_epochs", "zero_style", "epochs", "epochs of self-play from recorded states, 0: none"),
    SettingFlag("--ppo_steps", "ppo", "steps", "transitions in a PPO epoch at most"),
    SettingFlag("--zero_roots", "zero_style", "roots", "recorded states that an epoch plays from, or all"),
    SettingFlag("--zero_horizon", "zero_style", "horizon", "turns played from each of them, at most 1000"),
    SettingFlag(
        "--train_text_embedder", "featurizer", "train_text_embedder", "let cloning train the text embedder", "BOOL"
    ),
    SettingFlag(
        "--train_featurizer_projector",
        "featurizer",
        "train_featurizer_projector",
        "let cloning train the projection",
        "BOOL",
    ),
    SettingFlag("--seed", "", "seed", "of all random choices"),
)


def add_setting_flags(command: argparse.ArgumentParser) -> None:
    """Adds the flags; one that is not typed is absent from the parsed options."""
    for setting_flag in SETTING_FLAGS:
        description = f"{setting_flag.description} (default: {setting_flag.default})"
        command.add_argument(
            setting_flag.flag,
            type=setting_flag.parse,
            default=argparse.SUPPRESS,
            metavar=setting_flag.metavar,
            help=description,
        )


def override(settings: LoopConfig, options: argparse.Namespace) -> LoopConfig:
    """`settings` with the flags that were typed in place of its values."""
    for setting_flag in SETTING_FLAGS:
        if setting_flag.option in options:
            change: dict[str, Any] = {setting_flag.name: getattr(options, setting_flag.option)}
            if setting_flag.section:
                change = {setting_flag.section: replace(_section(settings, setting_flag.section), **change)}
            settings = replace(settings, **change)
    return settings


def _section(settings: LoopConfig, name: str) -> Any:
    return getattr(settings, name) if name else settings


def _text_embedder(name: str) -> str:
    return "char_cnn" if name == "charcnn" else name
