"""Which episodes trained which models: one line of JSON for each set of models, beside them.

Sessions are learned from anew by every run; a game of self-play teaches one set of models: later runs play others.
Not here: the models, the episodes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from files import append_line, translate_os_errors


@dataclass(frozen=True)
class ManifestEntry:
    """What one set of models learned from, as episodes' ids, and the sessions that it was compared on."""

    generation: str
    folder: str
    sessions: tuple[str, ...]
    held_out: tuple[str, ...]
    games: tuple[str, ...]


def read_manifest(path: Path, report: Callable[[str], None] = lambda text: None) -> list[ManifestEntry]:
    """The entries in order. A damaged line is left out, and one that is not just torn at the end is told of.

    Raises InputError if the file cannot be read.
    """
    with translate_os_errors(path):
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    entries = [_parse_entry(line) for line in lines]
    for number, entry in enumerate(entries[:-1], 1):
        if entry is None:
            report(f"{path}, line {number}: damaged and left out; what those models learned from is unknown.")
    return [entry for entry in entries if entry is not None]


def append_entry(path: Path, entry: ManifestEntry) -> None:
    """Writes an entry down. Raises InputError."""
    append_line(path, json.dumps(vars(entry)))


def _parse_entry(line: str) -> ManifestEntry | None:
    try:
        row = json.loads(line)
        lists = {name: tuple(map(str, row[name])) for name in ("sessions", "held_out", "games")}
        return ManifestEntry(str(row["generation"]), str(row["folder"]), **lists)
    except (ValueError, KeyError, TypeError):
        return None
