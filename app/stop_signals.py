"""Signals that ask a server to end: they are counted, so that none is lost whatever the process does just then.

Not here: what ends, and signals that interrupt a command (`main_wrapper`).
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SAME_SECONDS = 0.1
"""A wrapper passes on what its process group hears as well: signals that come so close together are one."""


class EndRequest:
    """Asks whoever waits to end; from any thread, and from a signal's handler.

    A handler runs between any two steps of the main thread, which may hold the lock of an `Event` just then and would
    wait for itself for ever; a `SimpleQueue` can be put into at any moment.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._queue: SimpleQueue[None] = SimpleQueue()

    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._is_set

    def set(self) -> None:
        """Asks; twice is like once."""
        self._is_set = True
        self._queue.put(None)

    def wait(self) -> None:
        """Waits until the end is asked for. For one thread."""
        while not self._is_set:
            self._queue.get()


class StopSignals:
    """The signals that have come. on_signal: called in the main thread at each of them."""

    def __init__(self, on_signal: Callable[[], None]) -> None:
        self.received: list[signal.Signals] = []
        self._on_signal = on_signal
        self._last = -SAME_SECONDS

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last > SAME_SECONDS:
            self.received.append(signal.Signals(number))
        self._last = now
        self._on_signal()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Counts them for the block, instead of whatever they do else; one that is ignored (`nohup`) stays so."""
        before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        heard = [number for number in STOP_SIGNALS if before[number] is not signal.SIG_IGN]
        for number in heard:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])
