"""The backbones by name. One may be added from outside: docs/adding-a-backbone.md. Not here: the backbones."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from config import MODULES, ModelConfig
from errors import InputError


class Backbone(nn.Module):
    """Lines in the context of their file. A line's output depends on its own file only, never on padding."""

    @abstractmethod
    def forward(self, x: Tensor, mask: Tensor | None, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Lines `(B, L, d_model)` and a summary of the file `(B, 2 * d_model)`.

        x `(B, L, d_in)`, L >= 1; mask `(B, L)` bool, where there is a line: first the lines, then padding, of which x
        may hold anything, NaN included; None: everywhere. context `(B, d_model)`: the session's history; None: the
        model has none.
        """


_BACKBONES: dict[str, type[Backbone]] = {}


def register(name: str, backbone: type[Backbone]) -> None:
    """Adds a backbone under the name that `ModelConfig.backbone` gives; it is built with the config alone."""
    _BACKBONES[name] = backbone


def names() -> tuple[str, ...]:
    """Names of all registered backbones."""
    return tuple(sorted(_BACKBONES))


def build(config: ModelConfig) -> Backbone:
    """The backbone that the config names. Raises InputError: no backbone of that name is registered."""
    if config.backbone not in _BACKBONES:
        choices = f"there are {', '.join(names())}, and what a module in {MODULES} registers"
        raise InputError("backbone", f"unknown backbone {config.backbone!r}; {choices}")
    return _BACKBONES[config.backbone](config)
