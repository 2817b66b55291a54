"""A thread that does one slow thing after another for the event loop, and that nobody waits for when the process ends.

So that long recordings, which take seconds to read, neither take the threads that recording needs nor hold up the end.
Not here: what is read.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


class ReadingThread:
    """Started with the first call; it ends with the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[[], Result]) -> Result:
        """What `function` returns or raises, once those before it are done; one that nobody waits for is left out."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._calls.put((function, result))
        return await result

    def _work(self) -> None:
        while True:
            function, result = self._calls.get()
            if result.cancelled():
                continue
            try:
                value = function()
            except BaseException as error:  # whatever it is, whoever asked has to know
                _tell(result, result.set_exception, error)
            else:
                _tell(result, result.set_result, value)


def _tell(result: asyncio.Future[Any], set_outcome: Callable[[Any], None], outcome: object) -> None:
    """Hands an outcome to the event loop, if it still runs and somebody waits."""

    def hand_over() -> None:
        if not result.done():
            set_outcome(outcome)

    with suppress(RuntimeError):  # the loop is closed
        result.get_loop().call_soon_threadsafe(hand_over)
