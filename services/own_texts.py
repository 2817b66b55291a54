"""What the person wrote in earlier sessions, for a writer that learns from it. Not here: the writer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAX_SESSIONS = 50
"""The latest ones that are read."""

_TAIL = 2**20
"""Bytes at a stream's end in which its last state must lie."""


def latest_texts(folder: Path, most: int = MAX_SESSIONS) -> Iterator[str]:
    """The last text of each of the latest sessions in a folder, the oldest first; what cannot be read is left out."""
    streams = [stream for stream in folder.glob("*/raw/*.jsonl") if stream.stem == stream.parent.parent.name]
    dated = []
    for stream in streams:
        with suppress(OSError):
            dated.append((stream.stat().st_mtime_ns, stream))
    for _, stream in sorted(dated)[-most:]:
        text = last_text(stream)
        if text is not None:
            yield text


def last_text(stream: Path) -> str | None:
    """The text of the last state of a session's stream; None: it has none, or it cannot be read."""
    try:
        with stream.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        with suppress(ValueError, RecursionError):  # torn by a crash, or by where the reading began
            value = json.loads(line)
            if isinstance(value, dict) and isinstance(value.get("text"), str):
                return str(value["text"])
    return None
