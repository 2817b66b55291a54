"""Appends to files, acknowledged once they are on the disk; what waits for one file at the same time shares one sync.

Group commit: a file has one thread of a small pool at a time, which writes everything that has come since its last
round and syncs it. Files do not wait for each other. Not here: what the lines say.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from errors import ConflictError, InputError, NotFoundError
from files import make_folder, sync_folder, translate_os_errors

WRITERS = 8
"""Files that are written and synced at the same time."""


class LogFile:
    """A file that only grows; made with its folders, whose names are on the disk when this returns.

    It is locked until it is closed, or the process ends. Raises InputError: the disk refuses; ConflictError: another
    process writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        missing_folders = [parent for parent in path.parents if not parent.exists()]
        make_folder(path.parent)
        with translate_os_errors(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            with translate_os_errors(path):
                self._lock()
                self.size = os.fstat(self._descriptor).st_size
                for folder in {path.parent, *(parent.parent for parent in missing_folders)}:
                    sync_folder(folder)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.closed = self._torn = False

    def write(self, content: bytes) -> None:
        """Writes all of it and syncs, or leaves the file as it was. Raises InputError."""
        if self.closed:
            raise NotFoundError(f"session {self.path.stem}", "has ended")
        with translate_os_errors(self.path):
            if self._torn:
                self.truncate(self.size)
            self._torn = True
            try:
                _write_all(self._descriptor, content)
                os.fdatasync(self._descriptor)
                if not os.fstat(self._descriptor).st_nlink:
                    raise OSError(errno.ESTALE, "was deleted; begin a new session")
            except OSError:
                with suppress(OSError):  # else before the next line: no half line stays in the middle of the file
                    self.truncate(self.size)
                raise
            self._torn = False
            self.size += len(content)

    def truncate(self, size: int) -> None:
        """Cuts off what is behind `size` bytes. Raises OSError."""
        os.ftruncate(self._descriptor, size)
        os.fdatasync(self._descriptor)
        self.size, self._torn = size, False

    def read_end(self, length: int) -> bytes:
        """The last `length` bytes, or all. Raises OSError."""
        return os.pread(self._descriptor, length, max(self.size - length, 0))

    def close(self) -> None:
        """Closes it; nothing is appended afterwards."""
        if not self.closed:
            self.closed = True
            os.close(self._descriptor)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(str(self.path), "another server records this session") from error


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


@dataclass(frozen=True, slots=True)
class _Request:
    """is_last: the file is closed once it is done."""

    content: bytes
    is_last: bool
    done: Future[None] = field(default_factory=Future)


class AppendLog:
    """The threads that write. Its files are the callers'."""

    def __init__(self) -> None:
        self._waiting: dict[LogFile, list[_Request]] = {}
        """Files that a thread is on, with what has come since it began its round."""
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="append-log")

    def append(self, file: LogFile, content: bytes, *, is_last: bool = False) -> Future[None]:
        """Appends `content`, in the order of the calls; the future is done once it is on the disk.

        is_last: closes the file then. The future raises InputError if the disk refuses, and nothing of `content` is in
        the file; NotFoundError if the file is closed. Cancelling it takes nothing back. Raises InputError: the log is
        closed.
        """
        request = _Request(content, is_last)
        with self._lock:
            if (waiting := self._waiting.get(file)) is not None:
                waiting.append(request)
                return request.done
            self._waiting[file] = [request]
            try:
                self._pool.submit(self._commit, file)
            except RuntimeError:  # closed: nobody would ever take it
                del self._waiting[file]
                reason = "is not written any more: the server is ending"
                raise InputError(str(file.path), reason) from OSError(errno.ESHUTDOWN, reason)
        return request.done

    def close(self) -> None:
        """Writes what has been handed in and ends the threads."""
        self._pool.shutdown(wait=True)

    def _commit(self, file: LogFile) -> None:
        while requests := self._next_round(file):
            ends = next((i for i, request in enumerate(requests) if request.is_last), len(requests) - 1)
            for group in (requests[: ends + 1], requests[ends + 1 :]):
                _write_group(file, group)

    def _next_round(self, file: LogFile) -> list[_Request]:
        with self._lock:
            requests = self._waiting[file]
            if requests:
                self._waiting[file] = []
            else:
                del self._waiting[file]
            return requests


def _write_group(file: LogFile, requests: list[_Request]) -> None:
    """One write and one sync; the requests succeed or fail together."""
    if not requests:
        return
    awaited = [request.done for request in requests if request.done.set_running_or_notify_cancel()]
    try:
        file.write(b"".join([request.content for request in requests]))
        if requests[-1].is_last:
            file.close()
    except Exception as error:  # whatever it is, those who wait are told, and the file is not held up
        for done in awaited:
            done.set_exception(error)
        return
    for done in awaited:
        done.set_result(None)
