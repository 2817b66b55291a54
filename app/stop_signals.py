"""Signals that ask a server to end: they are counted, so that none is lost whatever the process does just then.

Not here: what ends, and signals that interrupt a command (`main_wrapper`).
"""

from __future__ import annotations

import os
import signal
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SAME_SECONDS = 0.1
"""A wrapper passes on what its process group hears as well: signals that come so close together are one."""


class EndRequest:
    """Asks whoever waits to end; from any thread, and from a signal's handler.

    It is waited for at a pipe, not at a lock. A handler runs between any two steps of the main thread, which may hold
    the lock of an `Event` just then and would wait for itself for ever. And the system may give a signal to any thread:
    Python then only notes it, and a main thread that waits at a lock would not wake up to handle it.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._reader, self.wakeup_fd = os.pipe()
        os.set_blocking(self.wakeup_fd, False)
        weakref.finalize(self, _close, self._reader, self.wakeup_fd)

    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._is_set

    def set(self) -> None:
        """Asks; twice is like once."""
        self._is_set = True
        with suppress(BlockingIOError):  # full: whoever waits wakes up anyway
            os.write(self.wakeup_fd, b"\0")

    def wait(self) -> None:
        """Waits until the end is asked for. For one thread; in the main one, signals are handled meanwhile."""
        while not self._is_set:
            os.read(self._reader, 1)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class StopSignals:
    """The signals that have come; each asks for the end."""

    def __init__(self, end: EndRequest) -> None:
        self.received: list[signal.Signals] = []
        self._end = end
        self._last = -SAME_SECONDS

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last > SAME_SECONDS:
            self.received.append(signal.Signals(number))
        self._last = now
        self._end.set()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Counts them for the block, instead of whatever they do else; one that is ignored (`nohup`) stays so.

        For the main thread, which whoever waits for the end in the block has to be.
        """
        before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        heard = [number for number in STOP_SIGNALS if before[number] is not signal.SIG_IGN]
        wakeup_before = signal.set_wakeup_fd(self._end.wakeup_fd, warn_on_full_buffer=False)
        for number in heard:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])
            signal.set_wakeup_fd(wakeup_before)
