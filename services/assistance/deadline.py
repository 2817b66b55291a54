"""Work that must not hold up an answer: it has a time limit, and is left alone once nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from delegates import Cancellation, WritingCancelledError

Outcome = TypeVar("Outcome")


class DeadlineError(Exception):
    """The work was not done in time."""


def run_within(seconds: float, work: Callable[[Cancellation], Outcome], cancellation: Cancellation) -> Outcome:
    """What `work` returns, in a thread of its own; it is told to stop when the time is over or `cancellation` is set.

    Returns or raises then at once, whether the work stops or not; without any time the work does not begin.
    Raises DeadlineError, WritingCancelledError (set `cancellation`), and what the work raises.
    """
    cancellation.raise_if_cancelled()
    if seconds <= 0:
        raise DeadlineError("had no time left")
    outcomes: SimpleQueue[tuple[Outcome | None, BaseException | None]] = SimpleQueue()
    inner = Cancellation()

    def run() -> None:
        try:
            outcomes.put((work(inner), None))
        except BaseException as error:
            outcomes.put((None, error))

    def stop() -> None:
        outcomes.put((None, WritingCancelledError()))
        inner.cancel()

    threading.Thread(target=run, name="writing", daemon=True).start()
    cancellation.on_cancel(stop)
    try:
        outcome, error = outcomes.get(timeout=seconds)
    except Empty:
        inner.cancel()
        raise DeadlineError(f"took longer than {seconds:.2g} s") from None
    if error is not None:
        raise error
    return outcome  # type: ignore[return-value]
