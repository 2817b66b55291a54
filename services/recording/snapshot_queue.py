"""What happens to a session once it has ended: its states are tested, then its snapshot is written.

Not here: the stream, running a text (`judge`).
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from errors import InputError
from files import append_line
from judge import Judge, Problem
from state import Env
from state_adapter import Episode, read_session, write_snapshot

TESTS = "test_executions.jsonl"
"""File of a session's tests, beside its stream."""

MAX_SECONDS = 60.0
"""Of testing one session; states that are left then have no `env`."""


class SnapshotQueue:
    """One thread that tests and writes ended sessions in turn.

    problem: gives the problem of an id, None: it has no tests. report: called with a line of words if one fails.
    """

    def __init__(
        self, judge: Judge, problem: Callable[[str], Problem | None], report: Callable[[str], None] = lambda line: None
    ) -> None:
        self._judge, self.problem, self._report = judge, problem, report
        self._streams: queue.Queue[Path | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def add(self, stream: Path) -> None:
        """Queues the session whose stream has ended."""
        self._streams.put(stream)

    @property
    def size(self) -> int:
        """Sessions that wait or are under way."""
        return self._streams.unfinished_tasks

    def wait(self, timeout: float) -> bool:
        """Waits until all is written, at most `timeout` seconds; returns whether it is."""
        with self._streams.all_tasks_done:
            return self._streams.all_tasks_done.wait_for(lambda: not self._streams.unfinished_tasks, timeout)

    def close(self) -> None:
        """Ends the thread after what is under way."""
        self._streams.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (stream := self._streams.get()) is not None:
            try:
                write_session_snapshot(stream, self._envs(stream))
            except InputError as error:
                self._report(f"{stream.stem}: its snapshot could not be written ({error}); the stream has everything")
            finally:
                self._streams.task_done()
        self._streams.task_done()

    def _envs(self, stream: Path) -> dict[int, Env]:
        """Tests every state of the session; each text once."""
        episode = read_session(stream)
        problem = self.problem(episode.problem_id or "")
        if problem is None:
            return {}
        deadline, envs = time.monotonic() + MAX_SECONDS, dict[int, Env]()
        for state in episode.states:
            if time.monotonic() > deadline:
                break
            verdict = self._judge.verdict(state.text, problem)
            if verdict.env is not None:
                envs[state.t] = verdict.env
                append_line(stream.with_name(TESTS), json.dumps(_execution(episode, state.t, verdict.env)))
        return envs


def write_session_snapshot(stream: Path, envs: dict[int, Env]) -> Path:
    """Writes the snapshot of an ended session beside its `raw` folder. Raises InputError."""
    return write_snapshot(read_session(stream, envs), stream.parent.parent.parent)


def _execution(episode: Episode, t: int, env: Env) -> dict[str, Any]:
    passed = env.tests_passed or 0
    results = [{"test_id": i, "passed": i < passed} for i in range(env.tests_total or 0)]
    return {
        "episode_id": episode.id,
        "timestep": t,
        "success": env.compiled,
        "execution_time_ms": 1,
        "test_results": results,
    }
