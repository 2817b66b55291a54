"""The processes in which texts run, and how threads share them. Not here: what a process does (`worker`)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from errors import InputError
from judge.messages import CANCEL, read_message, write_message
from judge.sandbox_level import SandboxLevel, worker_settings

_ENVIRONMENT = {
    "PATH": os.defpath,
    "PYTHONHASHSEED": "0",  # the same order of sets, the same verdict
    "PYTHONWARNINGS": "ignore",
    "OPENBLAS_NUM_THREADS": "1",  # each thread of it would reserve memory
}


_START = (
    "import sys, types; package = types.ModuleType('judge'); package.__path__ = [sys.argv[1]]; "
    "sys.modules['judge'] = package; from judge.worker import main; main(sys.argv[2])"
)
"""The package without its `__init__`, which imports more than a worker needs."""


_TICK = 0.02
"""Seconds between two looks at whether a worker is still waited for."""

MESSAGE_SECONDS = 60.0
"""That a worker may take to read a request, its start included, or to write an answer that it has begun."""

_PATIENCE = 2.0
"""Seconds in which a worker that nobody asks any more ends its run, removes its folder and ends."""


class WorkerPool:
    """Workers shared by threads: whoever waits for one gets it in turn.

    A worker belongs to the owner that acquired it until it is released. level: the protection that is tried for.
    """

    def __init__(self, size: int, level: SandboxLevel = SandboxLevel.FULL) -> None:
        self.workers = tuple(WorkerProcess(level) for _ in range(size))
        self._owners: dict[WorkerProcess, object | None] = dict.fromkeys(self.workers)
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    def acquire(
        self, owner: object, *, wait: bool, is_cancelled: Callable[[], bool] | None = None
    ) -> WorkerProcess | None:
        """An idle worker. wait: until there is one; else None if there is none or somebody waits for it.

        is_cancelled: says whether a worker is no longer waited for; then None.
        """
        with self._changed:
            if not wait and self._queue:
                return None
            if wait and not self._wait_for_turn(is_cancelled):
                return None
            worker = self._idle()
            if worker is not None:
                self._owners[worker] = owner
            return worker

    def release(self, worker: WorkerProcess | None = None, *, owner: object) -> None:
        """Makes a worker of this owner idle; None: all of its workers."""
        with self._changed:
            for owned_worker in self._of(owner):
                if worker is None or owned_worker is worker:
                    self._owners[owned_worker] = None
            self._changed.notify_all()

    def stop(self, owner: object) -> None:
        """Ends the processes of this owner's workers, which stay its own."""
        for worker in self._of(owner):
            worker.stop()

    def stop_all(self) -> None:
        """Ends all processes, each once its worker is idle."""
        with self._changed:
            self._changed.wait_for(lambda: all(owner is None for owner in self._owners.values()))
            for worker in self.workers:
                worker.stop()

    def _wait_for_turn(self, is_cancelled: Callable[[], bool] | None) -> bool:
        """Waits for an idle worker; returns whether it is this thread's, which else has given up."""
        ticket = object()
        self._queue.append(ticket)
        try:
            while self._queue[0] is not ticket or self._idle() is None:
                if is_cancelled is not None and is_cancelled():
                    return False
                self._changed.wait(None if is_cancelled is None else _TICK)
            return True
        finally:
            self._queue.remove(ticket)
            self._changed.notify_all()

    def _idle(self) -> WorkerProcess | None:
        return next((worker for worker, owner in self._owners.items() if owner is None), None)

    def _of(self, owner: object) -> list[WorkerProcess]:
        return [worker for worker, other in self._owners.items() if other is owner]


class WorkerProcess:
    """One worker process; started when asked, replaced when it died."""

    def __init__(self, level: SandboxLevel = SandboxLevel.FULL) -> None:
        self._level = level
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    def ask(self, request: dict[str, Any]) -> int:
        """Sends the request; returns the descriptor on which its answer will come.

        Raises InputError: the process cannot be started; its cause is the OSError that says why.
        """
        failure: OSError | None = None
        for _ in range(2):
            try:
                process = self._running()
                assert process.stdin is not None and process.stdout is not None
                write_message(process.stdin.fileno(), request, MESSAGE_SECONDS)
            except OSError as error:
                failure = error
                self.stop()
                continue
            return process.stdout.fileno()
        reason = f"the process that runs code does not start ({failure}); close something and try again"
        raise InputError("solution tester", reason) from failure

    def answer(self, *, wait: bool, seconds: float = MESSAGE_SECONDS) -> dict[str, Any] | None:
        """The answer that has begun to come; None if the process died or must not be waited for, which ends it.

        seconds: after which it is not waited for any longer either.
        """
        assert self._process is not None and self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            answer = read_message(self._process.stdout.fileno(), seconds) if wait else None
            if isinstance(answer, dict):
                return answer
        self.stop()
        return None

    def cancel(self) -> None:
        """Ends the run that was asked for; its answer comes at once."""
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(OSError):
            write_message(self._process.stdin.fileno(), CANCEL, MESSAGE_SECONDS)

    def stop(self) -> None:
        """Ends the process and all that it has started."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._process = subprocess.Popen(
                [
                    *[sys.executable, "-s", "-P", "-X", "utf8", "-c", _START],
                    *[str(Path(__file__).parent), worker_settings(self._level)],
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
                env={**_ENVIRONMENT, "TMPDIR": tempfile.gettempdir()},
            )
            self._end = weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()  # the worker sees the end of the stream and removes its folder
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.kill()
        process.wait()
