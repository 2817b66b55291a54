"""Which files below a folder are which sessions, and what their first lines say. Nothing is read whole here.

Not here: what happened in a session (`replay`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from state_adapter import TESTS, find_files, session_folder, stream_path

HEAD_BYTES = 2**16
"""Of a file, in which everything before its states must lie."""

_TAIL_BYTES = 4096

SEPARATOR = "~"
"""Between the parts of the id of a session that does not lie directly in the folder."""


Stamp = tuple[int, ...]

HEADER = ("episode_id", "problem_id", "file", "folder", "startTime", "endTime", "source_episode")
"""What is taken of what a file says before its states."""


@dataclass(frozen=True)
class SessionFile:
    """A session on the disk.

    id: of a session in a folder of its own name, that name; else its place below the folder of all sessions, and the
    number of the episode in a list. path: the file that learning reads. stream: beside a snapshot, or `path` itself;
    None: there is none. index, count: which episode of how many in the file. stamp: differs once the file or
    its tests are others.
    """

    id: str
    path: Path
    stream: Path | None
    index: int = 0
    count: int = 1
    stamp: Stamp = field(default=(), compare=False)

    @property
    def folder(self) -> Path:
        """The folder that the session lies in."""
        return session_folder(self.path)

    @property
    def has_own_folder(self) -> bool:
        """Whether everything in its folder is this session's, as the recorder lays them out."""
        return self.folder.name == self.path.stem

    def current_stamp(self) -> Stamp:
        """Time, size and inode of what learning reads; -1 where there is nothing."""
        paths = [self.path]
        if self.path == self.stream:
            paths.append(self.path.with_name(TESTS))
        stamp: list[int] = []
        for path in paths:
            try:
                status = path.stat()
            except OSError:
                stamp += [-1, -1, -1]
            else:
                stamp += [status.st_mtime_ns, status.st_size, status.st_ino]
        return tuple(stamp)

    def files(self) -> Iterator[Path]:
        """What belongs to the session."""
        if not self.has_own_folder:
            yield self.path
            return
        for folder, _, names in os.walk(self.folder):
            yield from (Path(folder, name) for name in names)

    def bytes(self) -> int:
        """Of its files on the disk."""
        total = 0
        for path in self.files():
            with suppress(OSError):
                total += path.lstat().st_size
        return total


def find_sessions(root: Path) -> Iterator[SessionFile]:
    """The sessions below a folder at any depth, one for each file, also of one that holds several."""
    if not root.is_dir():
        return
    snapshots: set[tuple[Path, str]] = set()
    streams = []
    for path in find_files(root, lambda error: None):
        if path.suffix.lower() == ".jsonl":
            streams.append(path)
            continue
        stream = stream_path(path.parent, path.stem)
        snapshots.add((path.parent, path.stem))
        yield _stamped(SessionFile(session_id(root, path), path, stream if stream.is_file() else None))
    for path in streams:
        if (session_folder(path), path.stem) not in snapshots:
            yield _stamped(SessionFile(session_id(root, path), path, path))


def _stamped(session: SessionFile) -> SessionFile:
    return replace(session, stamp=session.current_stamp())


def session_id(root: Path, path: Path) -> str:
    """The id of the session in a file below the folder of all; of several in it, what theirs begin with."""
    folder = session_folder(path)
    if folder.parent == root and folder.name == path.stem:
        return path.stem
    place = folder if folder.name == path.stem else folder / path.stem
    return SEPARATOR.join(place.relative_to(root).parts)


def read_header(path: Path) -> dict[str, Any]:
    """The texts and numbers of the `HEADER` of a session's file, as far as it can be told."""
    members = _header(path)
    return {key: members[key] for key in HEADER if isinstance(members.get(key), str | int | float)}


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if path.suffix.lower() != ".jsonl":
                return _header_of_snapshot(head.decode("utf-8", "replace"))
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
            tail = file.read()
    except OSError:
        return {}
    return {**_object(tail.rstrip().rpartition(b"\n")[2], {"endTime"}), **_object(head.partition(b"\n")[0])}


def _header_of_snapshot(head: str) -> dict[str, Any]:
    """The members before `states`, or all if there is nothing more."""
    before, separator, _ = head.partition('"states"')
    if not separator:
        return _object(head)
    return _object(before.rstrip().rstrip(",") + "}")


def _object(text: str | bytes, keys: set[str] | None = None) -> dict[str, Any]:
    """The object that a text is, or its members of some keys; empty: it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {key: member for key, member in value.items() if keys is None or key in keys}
