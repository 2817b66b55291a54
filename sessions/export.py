"""Everything of the person's as one archive, made while it is sent: a file at a time, a piece at a time.

Links are not followed: nothing outside of the data root is sent. Not here: HTTP.
"""

from __future__ import annotations

import io
import os
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from data_paths import DataPaths

PIECE_BYTES = 2**18
"""Of a file that are read at once."""

NOTE = "left-out.txt"
"""File of the archive that names what could not be put into it; only if there is anything."""

_MOST_NAMED = 1000
_OLDEST = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP archive knows."""


def export(paths: DataPaths) -> Iterator[bytes]:
    """The archive, piece by piece: sessions, models, settings, logs and records of runs; no files of writers."""
    buffer = _Buffer()
    left_out: list[str] = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, name in _files(paths, left_out):
            try:
                file = _open(path)
            except OSError as error:
                left_out.append(f"{name}: {error.strerror or error}")
                continue
            with file, archive.open(_entry(file, name), "w", force_zip64=True) as entry:
                for piece in _pieces(file, name, left_out):
                    entry.write(piece)
                    yield buffer.take()
            yield buffer.take()
        if left_out:
            archive.writestr(NOTE, "\n".join([*left_out[:_MOST_NAMED], ""]))
    yield buffer.take()


class _Buffer(io.RawIOBase):
    """Takes what is written, until it is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        piece = bytes(content)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _files(paths: DataPaths, left_out: list[str]) -> Iterator[tuple[Path, str]]:
    """Path and name in the archive of each regular file below the data root, in a fixed order."""
    root = paths.root.resolve()
    own = {path.relative_to(paths.root).parts[0] for path in _roots(paths)}
    for folder, folders, names in os.walk(root):
        place = Path(folder)
        if place == root:
            folders[:] = [name for name in folders if name in own]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *sorted(name for name in names if place != root or name in own)]:
            path = place / name
            name_in_archive = _name(path.relative_to(root))
            mode = _mode(path)
            if stat.S_ISLNK(mode):
                left_out.append(f"{name_in_archive}: is a link, which is not followed")
            elif stat.S_ISREG(mode) and not name.startswith("."):
                yield path, name_in_archive


def _roots(paths: DataPaths) -> tuple[Path, ...]:
    return (
        paths.episodes, paths.models, paths.telemetry, paths.logs, paths.problems, paths.settings, paths.solved,
        paths.embeddings,
    )  # fmt: skip


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _open(path: Path) -> BinaryIO:
    """Raises OSError: also if a link has taken its place meanwhile."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _entry(file: BinaryIO, name: str) -> zipfile.ZipInfo:
    modified = time.localtime(os.fstat(file.fileno()).st_mtime)[:6]
    entry = zipfile.ZipInfo(name, max(modified, _OLDEST))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _pieces(file: BinaryIO, name: str, left_out: list[str]) -> Iterator[bytes]:
    """What the file holds; what cannot be read any more is missing, and it is said."""
    try:
        while piece := file.read(PIECE_BYTES):
            yield piece
    except OSError as error:
        left_out.append(f"{name}: is not whole: {error.strerror or error}")


def _name(path: Path) -> str:
    """A path as an archive can name it: what is no Unicode is escaped."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")
