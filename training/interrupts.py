"""Ctrl+C and SIGTERM between two steps instead of inside one, so that what is saved is whole.

Not here: what is saved, the exit code.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Whether somebody asked the run to end."""

    asked = False


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """In the block the first signal is only noted; a second one interrupts at once.

    Python delivers signals to the main thread alone; in another thread nothing is deferred.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
