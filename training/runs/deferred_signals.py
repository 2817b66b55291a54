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

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LINE = b"\nending after this step, with all saved; asked again, at once\n"


class Interrupt:
    """Whether somebody asked the run to end."""

    asked = False


@contextmanager
def deferred(*, tell: bool = False) -> Iterator[Interrupt]:
    """In the block the first signal is only noted, and a second one interrupts at once.

    tell: says so on stderr at the first one.
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
        if tell:  # a signal may come in the middle of a print, so past Python's own buffers
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, LINE)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
