"""The protocol of text writers, what they are told and what they answer.

Not here: any particular writer, the decision that asks for a text, the review of the text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from actions import Decision
from judge import Problem
from state import State


@dataclass(frozen=True, slots=True)
class Completion:
    """A text for `actions.apply`, who wrote it, and how sure the writer was.

    text: "" or the text that stands there already: the writer has nothing to add.
    writer: the writer's name.
    token_log_probs: natural log-probability of each token of the text; None: unknown, or the writer has no tokens.
    is_rejected: the text is "" because all that the writer has is what the person deleted or took back.
    """

    text: str
    writer: str
    token_log_probs: tuple[float, ...] | None = None
    is_rejected: bool = False

    @property
    def token_count(self) -> int | None:
        """Tokens of the text; None: unknown."""
        return None if self.token_log_probs is None else len(self.token_log_probs)

    @property
    def mean_log_prob(self) -> float | None:
        """Mean log-probability of a token; None: unknown, or there are no tokens."""
        return sum(self.token_log_probs) / len(self.token_log_probs) if self.token_log_probs else None

    @property
    def min_log_prob(self) -> float | None:
        """Log-probability of the least probable token; None: unknown, or there are no tokens."""
        return min(self.token_log_probs) if self.token_log_probs else None

    @property
    def first_log_prob(self) -> float | None:
        """Log-probability of the first token; None: unknown, or there are no tokens."""
        return self.token_log_probs[0] if self.token_log_probs else None


class WritingCancelledError(Exception):
    """The text that was being written is no longer wanted."""


class WriterUnavailableError(Exception):
    """A writer cannot write now: its server is gone or too slow, its model cannot be loaded. One line says why."""


class LateAnswerError(WriterUnavailableError):
    """A writer did not write within the time that it has for a text."""


class Cancellation:
    """Tells a writer, from any thread, that its text is no longer wanted."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Sets it, once and for all, and calls what `on_cancel` added, in this thread."""
        with self._lock:
            self._cancelled.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Calls `callback` when it is cancelled (at once if it is), for what waits in a socket or a queue."""
        with self._lock:
            if not self.cancelled:
                self._callbacks.append(callback)
                return
        callback()

    def raise_if_cancelled(self) -> None:
        """Raises WritingCancelledError if it is."""
        if self.cancelled:
            raise WritingCancelledError


@dataclass(frozen=True, slots=True)
class WritingContext:
    """What a writer may know beside the file, and when it is to stop.

    problem: what the person solves; None: a file without one.
    rejected: texts that the person deleted or took back in this session, the latest last.
    cancellation: asked by the writer between its steps.
    file: path of the person's file, from their folder; None: it has no name.
    """

    problem: Problem | None = None
    rejected: tuple[str, ...] = ()
    cancellation: Cancellation = field(default_factory=Cancellation)
    file: str | None = None


NO_CONTEXT = WritingContext()
"""Of a file alone; nobody cancels it."""


class TextWriter(Protocol):
    """Writes the text that carries out a decision."""

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """The text for `decision`, which is no NO-OP, at `line` (from 0) of the file that `state` shows.

        Raises WritingCancelledError: `context.cancellation` was set meanwhile. Raises WriterUnavailableError.
        """
        ...
