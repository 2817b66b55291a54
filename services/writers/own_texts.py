"""The Python that the person wrote in earlier sessions, for a writer that learns from it. Not here: the writer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from delegates import TextWriter
from delegates.file_kinds import is_python_file
from delegates.selection import ReliableWriter
from sessions.ignored_sessions import IgnoredSessions
from sessions.session_files import read_header
from state_adapter import STREAMS, is_excluded, session_folder

MAX_SESSIONS = 50
"""The latest ones that are read."""

_TAIL = 2**20
"""Bytes at a stream's end in which its last state must lie."""


@dataclass(frozen=True, slots=True)
class EditedFile:
    """The person's file that a session's header names: its path from a folder on. None: it does not say."""

    path: str | None
    folder: str | None


def latest_texts(folder: Path, most: int = MAX_SESSIONS) -> Iterator[str]:
    """The last text of each of the latest sessions in a folder, the oldest first.

    What cannot be read, is excluded from learning or of a file that is ignored now, is left out.
    """
    ignored_sessions = IgnoredSessions()
    streams = [
        stream
        for stream in folder.glob(f"*/{STREAMS}/*.jsonl")
        if stream.stem == session_folder(stream).name and stream.is_file() and not is_excluded(stream)
    ]
    dated = []
    for stream in streams:
        with suppress(OSError):
            dated.append((stream.stat().st_mtime_ns, stream))
    for _, stream in sorted(dated)[-most:]:
        text = last_text(stream, ignored_sessions)
        if text is not None:
            yield text


def relearn_texts(writer: TextWriter, episodes: Path) -> None:
    """Lets the embedded writer know what the latest sessions came to, and nothing that it knew before."""
    if isinstance(writer, ReliableWriter):
        writer.embedded.forget_texts()
        for text in latest_texts(episodes):
            writer.embedded.add_text(text)


def last_text(stream: Path, ignored_sessions: IgnoredSessions | None = None) -> str | None:
    """The text of the last state of a session's stream.

    None: it has none, is not Python, cannot be read, or nothing may be learned from the session.
    """
    edited = edited_file(stream)
    if is_excluded(stream) or (ignored_sessions or IgnoredSessions()).ignores(edited.path, edited.folder):
        return None
    try:
        with stream.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        text = _member(line, "text")
        if text is not None:
            return text if is_python_file(edited.path, text.split("\n", 1)[0]) else None
    return None


def edited_file(stream: Path) -> EditedFile:
    """What a session's header says of the person's file; nothing, if it cannot be read."""
    header = read_header(stream)
    path, folder = header.get("file"), header.get("folder")
    return EditedFile(path if isinstance(path, str) else None, folder if isinstance(folder, str) else None)


def _member(line: bytes, name: str) -> str | None:
    """The text under a name in a line's object; None: there is none, or the line is torn by a crash."""
    with suppress(ValueError, RecursionError):
        fields = json.loads(line)
        if isinstance(fields, dict) and isinstance(fields.get(name), str):
            return str(fields[name])
    return None
