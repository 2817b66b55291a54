"""Runs of a person's code that are under way, each of which ends as soon as its session or its client wants that.

Not here: running code (`judge`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from starlette.requests import Request

from delegates import Cancellation

MOST_RUNS = 128
"""Threads in which runs are watched or wait for a worker process: as many as requests may be open, so none waits for a
thread, where nothing would hear that it is no longer wanted."""

Outcome = TypeVar("Outcome")


class CodeRuns:
    """Runs by session. For one event loop."""

    def __init__(self) -> None:
        self._cancellations: dict[str, list[Cancellation]] = {}
        self._threads = ThreadPoolExecutor(MOST_RUNS, thread_name_prefix="code-run")

    async def run(self, request: Request, episode_id: str, work: Callable[[Cancellation], Outcome]) -> Outcome:
        """What `work` gives, in a thread of its own; it is cancelled by `stop`, and when the client has gone."""
        with self._under_way(episode_id) as cancellation, wanted_by(request, cancellation):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, cancellation)

    def stop(self, episode_id: str) -> int:
        """Ends what is under way in a session; returns how many runs that were."""
        cancellations = self._cancellations.get(episode_id, [])
        for cancellation in cancellations:
            cancellation.cancel()
        return len(cancellations)

    @contextmanager
    def _under_way(self, episode_id: str) -> Iterator[Cancellation]:
        cancellation = Cancellation()
        cancellations = self._cancellations.setdefault(episode_id, [])
        cancellations.append(cancellation)
        try:
            yield cancellation
        finally:
            cancellations.remove(cancellation)
            if not cancellations:
                self._cancellations.pop(episode_id, None)


@contextmanager
def wanted_by(request: Request, cancellation: Cancellation) -> Iterator[None]:
    """Cancels what is under way in the block once the block ends, or the client has gone. For an event loop."""
    departure = asyncio.create_task(_cancel_when_gone(request, cancellation))
    try:
        yield
    finally:
        cancellation.cancel()
        departure.cancel()


async def _cancel_when_gone(request: Request, cancellation: Cancellation) -> None:
    """Cancels once the client has closed the connection: nobody waits for the answer any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    cancellation.cancel()
