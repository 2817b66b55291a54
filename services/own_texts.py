"""The Python that the person wrote in earlier sessions, for a writer that learns from it. Not here: the writer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from delegates.file_kinds import is_python_file
from delegates.selection import ReliableWriter
from services.services import Services
from state_adapter import is_excluded

MAX_SESSIONS = 50
"""The latest ones that are read."""

_TAIL = 2**20
"""Bytes at a stream's end in which its last state must lie."""


def latest_texts(folder: Path, most: int = MAX_SESSIONS) -> Iterator[str]:
    """The last text of each of the latest sessions in a folder, the oldest first.

    What cannot be read, or is excluded from learning, is left out.
    """
    streams = [
        stream
        for stream in folder.glob("*/raw/*.jsonl")
        if stream.stem == stream.parent.parent.name and not is_excluded(stream)
    ]
    dated = []
    for stream in streams:
        with suppress(OSError):
            dated.append((stream.stat().st_mtime_ns, stream))
    for _, stream in sorted(dated)[-most:]:
        text = last_text(stream)
        if text is not None:
            yield text


def relearn_texts(services: Services) -> None:
    """Lets the embedded writer know what the latest sessions came to, and nothing that it knew before."""
    if isinstance(services.assistance.writer, ReliableWriter):
        embedded = services.assistance.writer.embedded
        embedded.forget_texts()
        for text in latest_texts(services.paths.episodes):
            embedded.add_text(text)


def last_text(stream: Path) -> str | None:
    """The text of the last state of a session's stream.

    None: it has none, is not Python, cannot be read, or nothing may be learned from the session.
    """
    edited, is_left_out = edited_file(stream), is_excluded(stream)
    try:
        with stream.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        text = _member(line, "text")
        if text is not None:
            return text if not is_left_out and is_python_file(edited, text.split("\n", 1)[0]) else None
    return None


def edited_file(stream: Path) -> str | None:
    """Path of the person's file that a session's header names; None: it names none, or cannot be read."""
    try:
        with stream.open("rb") as file:
            return _member(file.readline(_TAIL), "file")
    except OSError:
        return None


def _member(line: bytes, name: str) -> str | None:
    """The text under a name in a line's object; None: there is none, or the line is torn by a crash."""
    with suppress(ValueError, RecursionError):
        fields = json.loads(line)
        if isinstance(fields, dict) and isinstance(fields.get(name), str):
            return str(fields[name])
    return None
