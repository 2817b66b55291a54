"""What happens to a session once it has ended: its states are tested, then its snapshot is written.

Not here: the stream, running a text (`judge`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path

from errors import InputError
from judge import Judge, Problem
from services.recording.session_tests import SessionTests
from state_adapter import RecordedTests, index_stream, write_stream_snapshot


class SnapshotQueue:
    """One thread that tests and writes ended sessions in turn.

    problem: gives the problem of an id, None: it has no tests. report: called with a line of words if one fails.
    on_written: called with the stream of each session whose snapshot is written. may_run: whether texts of sessions may
    be run here; if not, they have no tests.
    """

    def __init__(
        self,
        judge: Judge,
        problem: Callable[[str], Problem | None],
        report: Callable[[str], None] = lambda line: None,
        on_written: Callable[[Path], None] = lambda stream: None,
        may_run: Callable[[], bool] = lambda: True,
    ) -> None:
        self.problem, self._report, self._on_written = problem, report, on_written
        self._stopping = threading.Event()
        self._tests = SessionTests(judge, problem, stopped=self._is_stopped, may_run=may_run)
        self._streams: queue.Queue[Path | None] = queue.Queue()
        self._waiting: set[Path] = set()
        self._discarded: set[Path] = set()
        self._current: Path | None = None
        """The session under way."""
        self._changed = threading.Condition()
        """Of the three."""
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def add(self, stream: Path) -> None:
        """Queues the session whose stream has ended."""
        with self._changed:
            self._waiting.add(stream)
        self._streams.put(stream)

    def is_waiting(self, stream: Path) -> bool:
        """Whether the session of this stream waits or is under way."""
        return stream in self._waiting

    def discard(self, stream: Path | None = None) -> None:
        """Leaves the session of this stream (None: all) as it is; returns once it is not under way any more.

        Its folder may be removed then: nothing is written there again.
        """
        with self._changed:
            self._discarded |= self._waiting if stream is None else {stream} & self._waiting
            self._changed.wait_for(lambda: self._current not in self._discarded)

    @property
    def size(self) -> int:
        """Sessions that wait or are under way."""
        return self._streams.unfinished_tasks

    def wait(self, timeout: float) -> bool:
        """Waits until all is written, at most `timeout` seconds; returns whether it is."""
        with self._streams.all_tasks_done:
            return self._streams.all_tasks_done.wait_for(lambda: not self._streams.unfinished_tasks, timeout)

    def close(self) -> None:
        """Ends the thread after the text that it tests; what then has no snapshot gets it after the next start."""
        self._stopping.set()
        self._streams.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (stream := self._streams.get()) is not None:
            with self._changed:
                self._current = stream
            try:
                if not self._is_stopped():
                    self._write(stream)
            except Exception as error:  # whatever is wrong with one session, the others are tested
                reason = str(error) if isinstance(error, InputError | OSError) else f"{type(error).__name__}: {error}"
                self._report(f"session {stream.stem}: has no snapshot yet ({reason}); its stream has everything")
            finally:
                with self._changed:
                    self._current = None
                    self._waiting.discard(stream)
                    self._discarded.discard(stream)
                    self._changed.notify_all()
                self._streams.task_done()
        self._streams.task_done()

    def _is_stopped(self) -> bool:
        """Whether the session under way is to be left as it is."""
        return self._stopping.is_set() or self._current in self._discarded

    def _write(self, stream: Path) -> None:
        session = index_stream(stream)
        tests: dict[int, RecordedTests] = self._tests.run(session)
        if not self._is_stopped():
            write_stream_snapshot(session, tests)
            self._on_written(stream)
