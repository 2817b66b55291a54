"""Sessions that the person leaves out of learning: a mark beside the session. Not here: reading them.

The mark of a snapshot or list `<folder>/<name>.json`, and of the stream `<folder>/raw/<name>.jsonl`, is the file
`<folder>/<name>.excluded`; what it holds means nothing.
"""

from __future__ import annotations

from pathlib import Path

SUFFIX = ".excluded"

STREAMS = "raw"
"""Folder, in that of a session, of its stream and of what is recorded beside it."""


def stream_path(session: Path, name: str) -> Path:
    """Where the stream of the session of this name lies. session: its folder."""
    return session / STREAMS / f"{name}.jsonl"


def streams_folder(path: Path) -> Path:
    """Where a session's stream, keystrokes and activity lie, of the session in a file."""
    return session_folder(path) / STREAMS


def session_folder(path: Path) -> Path:
    """The folder of the session in a file: a stream's is above its own."""
    return path.parent.parent if path.parent.name == STREAMS else path.parent


def exclusion_mark(path: Path) -> Path:
    """Where the mark of the session in a file lies."""
    return session_folder(path) / f"{path.stem}{SUFFIX}"


def is_excluded(path: Path) -> bool:
    """Whether the session in a file is left out of learning."""
    return exclusion_mark(path).exists()
