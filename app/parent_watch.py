"""A process that ends with the one that started it, also where that one is killed. Not here: what is saved then."""

from __future__ import annotations

import os
import select
import signal
import threading
import time

from app.startup import INTERRUPTED

WATCH_SECONDS = 0.5
"""Time between two looks at the parent."""

SAVE_SECONDS = 5.0
"""How long this process may take to save what it does, once its parent has ended."""


def end_with_parent() -> None:
    """From now on this process is interrupted, as by SIGTERM, when its parent ends; what is stuck then is ended.

    The parent holds the other end of standard input; another process may hold it too, so its id is looked at as well.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent and not _input_ended():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SAVE_SECONDS)
    os._exit(INTERRUPTED)


def _input_ended() -> bool:
    """Whether standard input has ended; waits `WATCH_SECONDS` for that, also where something is to be read."""
    try:
        readable, _, _ = select.select([0], [], [], WATCH_SECONDS)
        if not readable:
            return False
        if not os.read(0, 1):
            return True
    except OSError:
        return True
    time.sleep(WATCH_SECONDS)
    return False
