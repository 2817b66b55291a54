"""What a run tells the outside while it works. Not here: progress bars, logs, telemetry, which implement it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Row = Mapping[str, object]
"""One line of `train.jsonl`: names to numbers, words or None."""

PHASE_TITLES = {
    "simulation": "simulated sessions",
    "loading": "reading sessions",
    "bc": "behaviour cloning",
    "ppo_from_episodes": "PPO from episodes",
    "zero_style": "self-play",
    "evaluation": "before and after",
}
"""What a person is told of each phase."""


class Observer(Protocol):
    """Told of a run's progress; must not change it."""

    def phase(self, name: str, total_steps: int) -> None:
        """A phase begins (again, after a resume) with so many steps to go at most."""

    def advance(self, n: int = 1) -> None:
        """`n` more steps of the phase are done."""

    def metrics(self, row: Row) -> None:
        """An epoch has ended; `row` is its line of `train.jsonl`."""

    def message(self, text: str) -> None:
        """A sentence that a person should read."""


class NullObserver:
    """An observer that keeps everything to itself."""

    def phase(self, name: str, total_steps: int) -> None:
        pass

    def advance(self, n: int = 1) -> None:
        pass

    def metrics(self, row: Row) -> None:
        pass

    def message(self, text: str) -> None:
        pass
