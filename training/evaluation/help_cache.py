"""Records of sessions kept in a file between runs, so that a start does not read every session again; no texts.

What is damaged, or was written by other code, is as if it were not there. Not here: reading sessions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from actions import Decision
from errors import InputError
from files import atomic_write, read_regular_file
from training.evaluation.help_records import HelpRecord, SessionRecords
from training.runs.code_version import code_version

FileStamp = tuple[tuple[str, int, int], ...]
"""Of each file of an entry: its path, when it changed (ns), its size in bytes."""


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """An entry of a folder of sessions, as it was read. stamp: of its files then. unreadable: it could not be."""

    stamp: FileStamp
    sessions: tuple[SessionRecords, ...]
    unreadable: bool


class HelpCache:
    """The file. path None: nothing is kept. Not for several threads at once."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> dict[str, HelpEntry]:
        """What is kept, by the entry's name."""
        if self._path is None:
            return {}
        with suppress(InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            content = json.loads(read_regular_file(self._path))
            if content["version"] == code_version():
                return {name: _entry(*parts) for name, parts in content["entries"].items()}
        return {}

    def write(self, entries: Mapping[str, HelpEntry]) -> None:
        """Keeps the entries, or nothing if there are none; a disk that refuses only means that they are read again."""
        if self._path is None:
            return
        with suppress(InputError, OSError):
            if not entries:
                self._path.unlink(missing_ok=True)
                return
            parts = {
                name: (entry.stamp, [_parts(session) for session in entry.sessions], entry.unreadable)
                for name, entry in entries.items()
            }
            atomic_write(self._path, json.dumps({"version": code_version(), "entries": parts}))


def _parts(session: SessionRecords) -> list[Any]:
    records = [astuple(record) for record in session.records]
    return [
        session.id, session.started_ms, records, session.last_turn, session.source_episode, session.source_timestep,
        session.file, session.folder,
    ]  # fmt: skip


def _entry(stamp: list[list[Any]], sessions: list[list[Any]], unreadable: bool) -> HelpEntry:
    return HelpEntry(
        tuple((name, changed, size) for name, changed, size in stamp),
        tuple(_session(*parts) for parts in sessions),
        bool(unreadable),
    )


def _session(id: str, started_ms: int | None, records: list[list[Any]], *optional_parts: Any) -> SessionRecords:
    return SessionRecords(
        id, started_ms, tuple(HelpRecord(Decision(record[0]), *record[1:]) for record in records), *optional_parts
    )
