"""Files that are written whole or not at all, and locks. Not here: what the files contain, where (`data_paths`).

A process may be killed at any moment and a disk may be full: a file written here has its old content or its new one,
and an operating-system error becomes an `InputError` that names the path.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from errors import ConflictError, InputError, NoSpaceError, NotFoundError

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "a part of this path is a file where a folder is needed",
    errno.EEXIST: "a file stands where a folder is needed",
    errno.EISDIR: "this is a folder, a file is needed",
    errno.ENAMETOOLONG: "this name or path is too long for the file system",
    errno.ELOOP: "a link leads back to itself",
    errno.ENXIO: "is no regular file",
    errno.EFBIG: "the file would be larger than this process may write",
    errno.ENOLCK: "this file system has no locks, which keep two runs from writing at once",
}

_KINDS: dict[int, type[InputError]] = {
    errno.ENOSPC: NoSpaceError,
    errno.EDQUOT: NoSpaceError,
    errno.EFBIG: NoSpaceError,
    errno.ENOENT: NotFoundError,
}


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Turns an `OSError` of the block into the kind of `InputError` that it is, which names `path` and the reason."""
    try:
        yield
    except OSError as error:
        raise input_error(path, error) from error


def input_error(path: Path | str, error: OSError) -> InputError:
    """The kind of `InputError` that an error of the operating system is."""
    kind = _KINDS.get(error.errno or 0, InputError)
    return kind(str(path), _REASONS.get(error.errno or 0, error.strerror or str(error)))


def make_folder(path: Path) -> Path:
    """Makes `path` and its parents if they are missing; returns it. Raises InputError."""
    with translate_os_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def exists(path: Path, *, follow_symlinks: bool = True) -> bool:
    """Whether there is something at `path`. Raises InputError: it cannot be told (no permission, a name too long).

    follow_symlinks: whether a link that leads nowhere is nothing.
    """
    return _mode(path, follow_symlinks=follow_symlinks) is not None


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder. Raises InputError as `exists` does."""
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: Path, *, follow_symlinks: bool = True) -> int | None:
    with translate_os_errors(path):
        try:
            return path.stat(follow_symlinks=follow_symlinks).st_mode
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise


def entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing where there is no such folder. Raises InputError: it cannot be read."""
    with translate_os_errors(folder):
        try:
            return sorted(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []


def read_regular_file(path: Path) -> bytes:
    """The content of a file. Raises InputError: missing, not readable, no regular file (a FIFO is not waited for)."""
    with open_regular_file(path, "r") as file, translate_os_errors(path):
        return file.readall()


def open_regular_file(path: Path, mode: str) -> FileIO:
    """A file that is opened for bytes, without a buffer; mode: `r`, `a`, `a+`. Raises as `read_regular_file`."""
    with translate_os_errors(path):
        file = FileIO(path, mode, opener=_open_without_waiting)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError(str(path), "is no regular file")
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


def atomic_write(path: Path, content: bytes | str | Callable[[BinaryIO], None]) -> None:
    """Replaces `path` by `content` (bytes, UTF-8 text, or a function that writes it), whole or not at all.

    Missing folders are made. The data and the name are on the disk when this returns. Raises InputError (disk full,
    read-only, no permission); the old file is then as it was.
    """
    make_folder(path.parent)
    temporary = path.parent / f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp"
    with translate_os_errors(path):
        try:
            with temporary.open("wb") as file:
                if callable(content):
                    content(file)
                else:
                    file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    _remove_stale_temporaries(path)


def sync_folder(path: Path) -> None:
    """Puts the names in a folder on the disk: a rename is not safe from a power cut before that."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, text: str, *, makes_folder: bool = True) -> None:
    """Adds one line at the end of `path` in a single write, so that lines of two processes do not mix.

    A torn last line (a power cut) stays a line of its own. makes_folder: if it is missing. Raises InputError.
    """
    if makes_folder:
        make_folder(path.parent)
    with open_regular_file(path, "a+") as file, translate_os_errors(path):
        torn = False
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            torn = file.read(1) != b"\n"
        line = ("\n" if torn else "") + text + "\n"
        file.write(line.encode("utf-8", "backslashreplace"))


@contextmanager
def lock(path: Path, *, wait: bool = False, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds `path` (a file of its own, made if missing) for the block; the kernel frees it if the process dies.

    wait: whether to wait while another process holds it (`waiting` is called once before that), or to raise
    ConflictError at once.
    """
    make_folder(path.parent)
    with open_regular_file(path, "a") as file:
        attempts = 0
        while not _try_lock(file, path):
            attempts += 1
            if not wait and attempts > 1:  # at the first one somebody may have been looking (`is_locked`)
                raise ConflictError(str(path.parent), "another run is working in this folder; wait until it has ended")
            if waiting is not None and attempts == 1:
                waiting()
            time.sleep(0.1 if wait else 0.02)
        yield


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock `path`; nothing is made, and nobody is kept waiting. False: it cannot be told."""
    try:
        with open_regular_file(path, "r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, InputError):
        return False
    return False


def _try_lock(file: FileIO, path: Path) -> bool:
    with translate_os_errors(path):  # some network file systems have no locks
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _remove_stale_temporaries(path: Path) -> None:
    """Removes what processes that were killed in `atomic_write` of this very file left behind."""
    for leftover in path.parent.glob(f".{path.name}.*-*.tmp"):
        with suppress(OSError, ValueError):
            process = int(leftover.name.split(".")[-2].split("-")[0])
            if process != os.getpid() and not _alive(process):
                leftover.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
