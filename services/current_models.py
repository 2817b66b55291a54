"""The models that serve, reloaded when training has written new ones; exploration while too little is learned.

PyTorch is loaded at the first use, so that a server can answer other requests before. Not here: how models decide
(`inference`), the text that carries a decision out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal

from actions import Action
from errors import InputError
from simulation.assistants import ExploringAssistant
from state import State

if TYPE_CHECKING:
    import torch

    from inference import DecisionRecord, ScoredAction
    from models import Models
    from models.sampling import Strategy

EXPLORATION_SESSIONS = 3
"""Sessions that a policy must have learned from before it acts; until then exploration does."""


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How a decision is drawn; None: as the server does it."""

    strategy: Strategy | None = None
    top_k: int | None = None
    temperature: float | None = None
    epsilon: float | None = None


AS_SERVED = SamplingOptions()
"""Whatever the server does by itself: exploration, or argmax with epsilon."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision that was taken. record: what the network said of it; None: exploration took it."""

    action: Action
    record: DecisionRecord | None = None

    def alternatives(self) -> tuple[ScoredAction, ...]:
        """What else was considered, the most probable first."""
        return () if self.record is None else self.record.alternatives()


class CurrentModels:
    """Decides with the current models. For any number of threads, which take turns.

    epsilon: probability of drawing from the distribution under argmax. explore: whether exploration acts while fewer
    than `EXPLORATION_SESSIONS` sessions are learned from. failure: why the policy cannot answer; None: it can.
    """

    def __init__(self, folder: Path, *, epsilon: float, explore: bool, seed: int | None = None) -> None:
        self.explore = explore
        self.failure: str | None = None
        self._folder, self._epsilon = folder, epsilon
        self._random = Random(seed)
        self._lock = threading.Lock()
        self._models: Models | None = None
        self._stamp: object = None

    @cached_property
    def _generator(self) -> torch.Generator:
        import torch

        return torch.Generator().manual_seed(self._random.getrandbits(63))

    def models(self) -> Models:
        """The current models. Raises InputError: they cannot be read."""
        with self._lock:
            return self._load()

    @property
    def is_loaded(self) -> bool:
        """Whether the models have been read."""
        return self._models is not None

    def load(self) -> None:
        """Reads the models, so that the next decision need not wait; what is wrong with them becomes `failure`."""
        try:
            self.models()
        except InputError as error:
            self.failure = str(error)

    def is_exploring(self) -> bool:
        """Whether exploration acts instead of the policy."""
        return self._explores(self.models())

    def description(self) -> str:
        """Who decides, in a line of words. Raises InputError: the models cannot be read."""
        models = self.models()
        if self._explores(models):
            return f"explores: help at random until {EXPLORATION_SESSIONS} sessions are learned from"
        learned = models.meta.get("sessions", 0)
        return f"decides by {models.source}, which learned from {learned} sessions"

    def decide(
        self, state: State, options: SamplingOptions, agent: Literal["assistant", "human"] = "assistant"
    ) -> Choice:
        """The agent's decision. Raises InputError: the models cannot be read, or an option is out of its range."""
        with self._lock:
            try:
                choice = self._decide(state, options, agent)
            except InputError as error:
                self.failure = str(error)
                raise
            self.failure = None
            return choice

    def _decide(self, state: State, options: SamplingOptions, agent: Literal["assistant", "human"]) -> Choice:
        from inference import decide

        models = self._load()
        if agent == "assistant" and options == AS_SERVED and self._explores(models):
            (action,) = ExploringAssistant().decide([state], [self._random])
            return Choice(action)
        (record,) = decide(
            [state],
            models,
            agent=agent,
            strategy=options.strategy or "argmax",
            top_k=options.top_k,
            temperature=1.0 if options.temperature is None else options.temperature,
            epsilon=self._epsilon if options.epsilon is None else options.epsilon,
            generator=self._generator,
        )
        return Choice(record.action, record)

    def _load(self) -> Models:
        from inference import open_models

        stamp = self._files_stamp()
        if self._models is None or stamp != self._stamp:
            self._models, self._stamp = open_models(self._folder), stamp
        return self._models

    def _explores(self, models: Models) -> bool:
        return self.explore and models.meta.get("sessions", 0) < EXPLORATION_SESSIONS

    def _files_stamp(self) -> object:
        """Differs once the files of the current models are others."""
        from models import store

        stamps: list[tuple[int, int, int] | None] = []
        for name in store.FILES:
            try:
                status = (self._folder / name).stat()
            except OSError:
                stamps.append(None)
            else:
                stamps.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return stamps
