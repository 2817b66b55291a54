"""Appends to files, acknowledged once they are on the disk; what waits at the same time shares one fsync.

Group commit: one thread writes everything that has come since its last round, then syncs each file once. Not here:
what the lines say.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from errors import InputError
from files import make_folder, sync_folder, translate_os_errors


class LogFile:
    """A file that only grows; made with its folders, whose names are on the disk when this returns.

    Raises InputError: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        missing = [parent for parent in path.parents if not parent.exists()]
        make_folder(path.parent)
        with translate_os_errors(path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._size = os.fstat(self._descriptor).st_size
            for folder in {path.parent, *(parent.parent for parent in missing)}:
                sync_folder(folder)

    def write(self, content: bytes) -> None:
        """Writes all of it and syncs, or leaves the file as it was. Raises InputError."""
        with translate_os_errors(self.path):
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(self._descriptor, view) :]
                os.fdatasync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self._size)  # no half line in the middle of the file
                raise
            self._size += len(content)

    def close(self) -> None:
        """Closes it; nothing may be appended afterwards."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class _Request:
    file: LogFile
    content: bytes
    done: Future[None] = field(default_factory=Future)


class AppendLog:
    """The thread that writes. Its files are the callers'."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="append-log", daemon=True)
        self._thread.start()

    def append(self, file: LogFile, content: bytes) -> Future[None]:
        """Appends `content`; the future is done once it is on the disk, and raises InputError if it is not."""
        request = _Request(file, content)
        self._requests.put(request)
        return request.done

    def close(self) -> None:
        """Writes what has been handed in and ends the thread."""
        self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            requests = [self._requests.get()]
            while not self._requests.empty():
                requests.append(self._requests.get())
            running = None not in requests
            _commit(request for request in requests if request is not None)


def _commit(requests: Iterable[_Request]) -> None:
    """One write and one sync for each file; its requests succeed or fail together."""
    by_file: dict[LogFile, list[_Request]] = {}
    for request in requests:
        by_file.setdefault(request.file, []).append(request)
    for file, group in by_file.items():
        try:
            file.write(b"".join(request.content for request in group))
        except (InputError, OSError) as error:
            for request in group:
                request.done.set_exception(error)
        else:
            for request in group:
                request.done.set_result(None)
