"""What the core routine asks of a phase of training. Not here: the phases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

PHASES = ("bc", "ppo_from_episodes", "zero_style")
"""Names of the phases, in the order in which a run goes through them."""


class Phase(Protocol):
    """Learns in epochs of steps. Its state_dict is all that it needs to go on."""

    name: str
    epoch: int
    """Epochs that have ended."""
    saves_inside: bool
    """Whether its state can be saved within an epoch."""

    @property
    def done(self) -> bool:
        """Whether no epoch is left."""

    @property
    def total_steps(self) -> int:
        """Steps that are left at most."""

    def begin(self) -> None:
        """Prepares the next epoch, or goes on with the one that was interrupted."""

    def step(self) -> bool:
        """Learns from one minibatch; False if the epoch has none left."""

    def finish(self) -> Mapping[str, object]:
        """Ends the epoch; returns its metrics."""

    def close(self) -> str:
        """Ends the phase; returns why it ended before its last step, "" if it did not."""

    def state_dict(self) -> dict[str, object]:
        """What must survive a kill."""

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        """Takes over what `state_dict` returned."""
