"""Ctrl+C and SIGTERM between two steps instead of inside one, so that what is saved is whole.

Not here: what is saved, the exit code.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DEFERRED_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ANNOUNCEMENT = b"\nending after this step, with all saved; asked again, at once\n"


class InterruptRequest:
    """Whether somebody asked the run to end."""

    requested = False


@contextmanager
def defer_signals(*, announce: bool = False) -> Iterator[InterruptRequest]:
    """In the block the first signal is only noted, and a second one interrupts at once.

    announce: says so on stderr at the first one.
    Python delivers signals to the main thread alone; in another thread nothing is deferred.
    """
    interrupt = InterruptRequest()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True
        if announce:  # a signal may come in the middle of a print, so past Python's own buffers
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, ANNOUNCEMENT)

    before = {number: signal.signal(number, note) for number in DEFERRED_SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
