"""Ctrl+C, SIGTERM and SIGHUP between two steps instead of inside one, so that what is saved is whole.

Not here: what is saved, the exit code.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

DEFERRED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ANNOUNCEMENT = b"\nending after this step, with all saved; a second signal ends it at once\n"


class InterruptRequest:
    """Whether somebody asked the run to end."""

    requested = False


@contextmanager
def defer_signals(*, announce: bool = False) -> Iterator[InterruptRequest]:
    """In the block the first signal is only noted, and a second one raises KeyboardInterrupt at once.

    A SIGHUP that the process ignores, as under `nohup`, stays ignored. announce: says so on stderr at the first one.
    Python delivers signals to the main thread alone; in another thread nothing is deferred.
    """
    interrupt = InterruptRequest()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def request_interrupt(number: int, frame: FrameType | None) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True
        if announce:
            _announce()

    previous = {number: signal.signal(number, request_interrupt) for number in DEFERRED_SIGNALS if _is_heard(number)}
    try:
        yield interrupt
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _is_heard(number: int) -> bool:
    return number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN


def _announce() -> None:
    """A signal may come in the middle of a print, so this goes past Python's own buffers; a terminal may be gone."""
    with suppress(OSError, ValueError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, ANNOUNCEMENT)
