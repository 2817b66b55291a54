"""A run's progress as lines of JSON, one object a line, for a process that watches it.

    {"event": "phase", "name", "title", "steps", "epochs"}   a phase begins, with so many steps and epochs at most;
                                                             "plan": epochs of every phase, at most
    {"event": "advance", "steps"}                            so many steps of the phase are done, in all
    {"event": "epoch", "row"}                                an epoch has ended; its line of `train.jsonl`
    {"event": "message", "text"}                             a sentence for the person
    {"event": "outcome", "outcome"}                          what came of it, as `outcome.json` has it

Not here: who reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, TextIO

import strict_json
from training.runs.observer import PHASE_TITLES, Row

ADVANCE_SECONDS = 0.2
"""Least time between two `advance` events of a phase."""


class ProgressEvents:
    """An observer that writes events to a stream; whether anybody reads them changes nothing.

    epochs: of each phase, at most.
    """

    def __init__(self, stream: TextIO, epochs: Mapping[str, int], clock: Callable[[], float] = monotonic) -> None:
        self._stream, self._epochs, self._clock = stream, epochs, clock
        self._steps, self._last = 0, clock()

    def phase(self, name: str, total_steps: int) -> None:
        self._steps = 0
        title, epochs = PHASE_TITLES.get(name, name), self._epochs.get(name, 0)
        self._write("phase", name=name, title=title, steps=total_steps, epochs=epochs, plan=dict(self._epochs))

    def advance(self, n: int = 1) -> None:
        self._steps += n
        if self._clock() - self._last >= ADVANCE_SECONDS:
            self._last = self._clock()
            self._write("advance", steps=self._steps)

    def metrics(self, row: Row) -> None:
        self._write("advance", steps=self._steps)
        self._write("epoch", row=dict(row))

    def message(self, text: str) -> None:
        self._write("message", text=text)

    def outcome(self, record: dict[str, Any]) -> None:
        """Says what came of the run."""
        self._write("outcome", outcome=record)

    def _write(self, event: str, **fields: object) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(strict_json.dumps({"event": event, **fields}) + "\n")
            self._stream.flush()
