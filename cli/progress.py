"""A run's progress for a person: one bar per phase on a terminal, sparse lines elsewhere. All of it on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import NoReturn, TextIO

from tqdm import tqdm

from errors import printable
from training.runs.observer import PHASE_TITLES, Observer, Row

BAR = "{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}{postfix}"

NOT_BEGUN = "training had not begun yet, run the same command again"
"""Of a run that was interrupted so early that there was nothing to save."""

LINE_EVERY = 10.0
"""Seconds between two lines of a phase where there is no terminal."""


class CompositeObserver:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self.observers = observers

    def phase(self, name: str, total_steps: int) -> None:
        for observer in self.observers:
            observer.phase(name, total_steps)

    def advance(self, n: int = 1) -> None:
        for observer in self.observers:
            observer.advance(n)

    def metrics(self, row: Row) -> None:
        for observer in self.observers:
            observer.metrics(row)

    def message(self, text: str) -> None:
        for observer in self.observers:
            observer.message(text)


class Progress:
    """An observer (see `training.runs.observer`) that shows a person how far the run is."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.clock = clock
        self.bar: tqdm[NoReturn] | None = None
        self.title, self.total, self.done = "", 0, 0
        self.last_line = clock()

    @property
    def training_began(self) -> bool:
        """Whether there was a phase after the reading of the sessions."""
        return self.title not in ("", PHASE_TITLES["simulation"], PHASE_TITLES["loading"])

    def phase(self, name: str, total_steps: int) -> None:
        """A new bar, or without a terminal a line that says what begins; nothing for a phase that is left out."""
        self.close()
        self.title, self.total, self.done = PHASE_TITLES.get(name, name), total_steps, 0
        self.last_line = self.clock()
        if total_steps == 0:
            return
        if self.stream.isatty():
            self.bar = tqdm(
                total=total_steps, desc=f"{self.title:19}", file=self.stream, dynamic_ncols=True, bar_format=BAR
            )
        else:
            self._line(f"{self.title}: up to {total_steps} steps")

    def advance(self, n: int = 1) -> None:
        self.done += n
        if self.bar is not None:
            self.bar.update(min(self.done, self.total) - self.bar.n)  # tqdm shows 0% once there is more than all
        else:
            self._line_if_due(f"{min(self.done, self.total)} of {self.total}")

    def metrics(self, row: Row) -> None:
        """The epoch and its first loss beside the bar."""
        losses = [f"{k} {v:.3f}" for k, v in row.items() if isinstance(v, float) and "loss" in k]
        text = ", ".join([f"epoch {row.get('epoch')}", *losses[:1]])
        if self.bar is not None:
            self.bar.set_postfix_str(text)
        else:
            self._line_if_due(text)

    def message(self, text: str) -> None:
        """A line of its own, above the bar if there is one; it may quote names of files."""
        text = printable(text)
        if self.bar is not None:
            with suppress(OSError):
                self.bar.write(text, file=self.stream)
        else:
            self._line(text)

    def close(self) -> None:
        """Leaves the bar as it is: early stopping ends a phase before its last step."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _line_if_due(self, text: str) -> None:
        if self.clock() - self.last_line > LINE_EVERY:
            self.last_line = self.clock()
            self._line(f"{self.title}: {text}")

    def _line(self, text: str) -> None:
        # Nobody reads stderr any more: that is no reason to stop a training.
        with suppress(OSError):
            print(text, file=self.stream, flush=True)
