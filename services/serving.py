"""Serves a person until a signal or the page's button ends it. Not here: the parts, what comes afterwards."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGINT, Signals

from app.stop_signals import EndRequest, StopSignals
from config import LoopConfig
from data_paths import DataPaths
from services.startup import Report, RunningServices, StartOptions, start_services

SWITCH_SECONDS = 0.0005
"""How long a thread that computes lets the others wait. A request needs the interpreter several times, so that with
Python's 5 ms a keystroke would wait for a decision or a file that is read beside it.
"""


@dataclass(frozen=True)
class ServingEnd:
    """How serving ended.

    stopped_by: the signal that ended it; None: the page did. interrupted: another signal came while it ended.
    """

    stopped_by: Signals | None
    interrupted: bool

    @property
    def wants_training(self) -> bool:
        """Whether what follows is wanted: a terminal that is gone, or a second Ctrl+C, says that it is not."""
        return self.stopped_by in (None, SIGINT) and not self.interrupted


def serve_until_stopped(
    config: LoopConfig,
    paths: DataPaths,
    options: StartOptions,
    *,
    opens_browser: bool,
    next_step: str,
    stop_seconds: float,
    can_hurry: bool,
    report: Report,
) -> ServingEnd:
    """Serves; returns once all open sessions are ended and tested, or `stop_seconds` after it was told to end.

    next_step: what ending it leads to, in words. can_hurry: whether another signal while it ends leaves the tests to
    the next start.

    Raises InputError, with all sessions saved: a setting turned out to be wrong.
    """
    finished = EndRequest()
    signals = StopSignals(finished)
    with _short_turns(), signals.caught():
        running = start_services(config, paths, options, finish=finished.set, report=report)
        _announce(running, finished, f"ready: {running.address}  ({next_step})", report)
        if opens_browser:
            open_browser(running.address)
        finished.wait()
        stopped_by = signals.received[0] if signals.received else None
        expected = 0 if stopped_by is None else 1
        report("ending open sessions ...")
        if not running.stop(stop_seconds, is_hurried=lambda: can_hurry and len(signals.received) > expected):
            report("not everything is tested; recorded it is, and the next start goes on")
        interrupted = len(signals.received) > expected
    if running.failure is not None:
        raise running.failure
    return ServingEnd(stopped_by, interrupted)


@contextmanager
def _short_turns() -> Iterator[None]:
    """Threads take turns of `SWITCH_SECONDS`; training, which follows, gets back what it had."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _announce(running: RunningServices, finished: EndRequest, line: str, report: Report) -> None:
    """Says once that all parts are ready, from a thread of its own."""

    def wait() -> None:
        running.wait_until_ready()
        if not finished.is_set():
            report(line)

    threading.Thread(target=wait, name="announcement", daemon=True).start()


def open_browser(address: str) -> None:
    """Opens the page if there is a desktop; a browser that cannot be started is no error."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return  # a browser in the terminal would take it over
    threading.Thread(target=_open, args=(address,), name="browser", daemon=True).start()


def _open(address: str) -> None:
    try:
        webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return
