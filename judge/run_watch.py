"""Watches one fork of the worker from outside until it is over, then ends all that it has started.

Not here: what the fork does. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from judge.confinement import MAX_PROCESSES
from judge.messages import Requests


class Ending(StrEnum):
    """How a run ended: by itself, at a limit, because its process died, or because nobody wants it any more.

    UNPROTECTED: it was not begun, as the worker has less protection than was asked for.
    """

    FINISHED = "end"
    TIMEOUT = "time"
    OUTPUT = "output"
    DISK = "disk"
    PROCESSES = "processes"
    DIED = "died"
    CANCELLED = "cancelled"
    UNPROTECTED = "unprotected"


MAX_DISK = 16 * 2**20
"""Bytes of all files of a run."""
MAX_FILES = 1000
_TICK = 0.02
"""Seconds between two looks at what the kernel does not tell."""
_SHORT_TICK = 0.0002
_PATIENCE = 2.0
"""Seconds for everything that is killed to be gone."""
_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. seconds: CPU time."""

    status: int
    seconds: float

    @property
    def code(self) -> int | None:
        """Exit code; None: a signal ended it."""
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else None

    @property
    def signal(self) -> int | None:
        """The signal that ended it; None: none did."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


class RunWatch:
    """One fork, the leader of its own process group, from its start to its end.

    `wait` until `over`, then `end`. Once `ending` is set, the run is no longer wanted.
    """

    def __init__(self, process: int, requests: Requests | None, *, seconds: float, own_processes: bool) -> None:
        self.ending: Ending | None = None
        self.exit: Exit | None = None
        self._process, self._requests, self._own_processes = process, requests, own_processes
        self._poll = select.poll()
        self._open: set[int] = set()
        if requests is not None:
            self._poll.register(requests.descriptor, select.POLLIN)
        self.allow(seconds)

    @property
    def over(self) -> bool:
        """Whether the process has ended or must end."""
        return self.ending is not None or self.exit is not None

    def allow(self, seconds: float) -> None:
        """The run may take so many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def add(self, descriptor: int, events: int) -> None:
        """Has `wait` report what `poll` says of the descriptor."""
        self._poll.register(descriptor, events)
        self._open.add(descriptor)

    def remove(self, descriptor: int) -> None:
        """Closes a descriptor and no longer waits for it."""
        self._poll.unregister(descriptor)
        self._open.discard(descriptor)
        os.close(descriptor)

    def wait(self) -> list[tuple[int, int]]:
        """What has come: (descriptor, events); an empty list after a moment in which nothing came."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            self.ending = Ending.TIMEOUT
            return []
        if not self._open:  # it has closed its output, so it is about to end
            time.sleep(_SHORT_TICK)
        ready = dict(self._poll.poll(1000 * min(remaining, _TICK) if self._open else 0))
        if self._requests is not None and ready.pop(self._requests.descriptor, None) is not None:
            self._requests.interrupt()
            self.ending = Ending.CANCELLED
        if not ready and not self.over:
            self._look()
        return list(ready.items())

    def end(self) -> Exit:
        """Kills the process and all that it has started; says how it ended."""
        for descriptor in list(self._open):
            self.remove(descriptor)
        if self.exit is None:
            self._kill()
            _, status, usage = os.wait4(self._process, 0)
            self.exit = Exit(status, usage.ru_utime + usage.ru_stime)
        else:
            self._kill()
        _reap_all()
        return self.exit

    def _look(self) -> None:
        process, status, usage = os.wait4(self._process, os.WNOHANG)
        if process:
            self.exit = Exit(status, usage.ru_utime + usage.ru_stime)
        elif _is_disk_exceeded():
            self.ending = Ending.DISK
        elif not self._own_processes and _threads(self._process) > MAX_PROCESSES:
            self.ending = Ending.PROCESSES

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            if self._own_processes and os.getpid() == 1:
                os.kill(-1, signal.SIGKILL)
            elif self.exit is None:
                os.kill(self._process, signal.SIGKILL)  # killed before it became a group's leader


def adopt_orphans() -> None:
    """Makes this process the parent of whatever its descendants leave behind, so that it can be ended."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def empty_folder(folder: Path) -> None:
    """Removes all that is in the folder. Raises OSError: something stays."""
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)  # noqa: PTH108
    if os.listdir(folder):  # noqa: PTH208
        raise OSError(f"{folder} cannot be emptied")


def _reap_all() -> None:
    """Ends and awaits all children, those that were adopted too."""
    deadline = time.monotonic() + _PATIENCE
    with contextlib.suppress(ChildProcessError):  # nobody is left
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                _kill_children()
                time.sleep(0.001)


def _kill_children() -> None:
    with contextlib.suppress(OSError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)


def _is_disk_exceeded() -> bool:
    """Whether the files of the folder, the working directory, are too large or too many."""
    used = 0
    with os.scandir(".") as entries:
        for number, entry in enumerate(entries):
            with contextlib.suppress(OSError):
                used += 512 * entry.stat(follow_symlinks=False).st_blocks
            if used > MAX_DISK or number >= MAX_FILES:
                return True
    return False


def _threads(process: int) -> int:
    """How many threads the process has; 0: unknown."""
    with contextlib.suppress(OSError, ValueError):
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
        return int(status.partition("\nThreads:")[2].split(maxsplit=1)[0])
    return 0
