"""Which episodes trained which models: one line of JSON for each set of models, beside them.

Sessions are learned from anew by every run; a game of self-play teaches one set of models: later runs play others.
Not here: the models, the episodes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from files import append_line, exists, read_regular_file
from training.runs.damaged_files import DamagedFileError

NOT_CURRENT = "not-in-use"
"""Folder of the models of a run that did not become current."""


@dataclass(frozen=True)
class ManifestEntry:
    """What one set of models learned from, as episodes' ids, and the sessions that it was compared on.

    generation, folder: of the models. fingerprint: of all that decided what was learned
    (`fingerprint.loop_fingerprint`); "": unknown.
    """

    generation: str
    folder: str
    sessions: tuple[str, ...]
    held_out: tuple[str, ...]
    games: tuple[str, ...]
    fingerprint: str = ""


def read_manifest(path: Path, report: Callable[[str], None] = lambda text: None) -> list[ManifestEntry]:
    """The entries in order. A damaged line is left out, and reported unless it is the torn end of several.

    Raises InputError if the file cannot be read.
    """
    if not exists(path):
        return []
    lines = _read_lines(path)
    entries = [_parse_entry(line) for line in lines]
    for number, (line, entry) in enumerate(zip(lines, entries, strict=True), 1):
        is_torn_end = number == len(lines) > 1 and not line.endswith("\n")
        if entry is None and not is_torn_end:
            report(f"{path}, line {number}: damaged and left out; what those models learned from is unknown.")
    return [entry for entry in entries if entry is not None]


def append_entry(path: Path, entry: ManifestEntry) -> None:
    """Adds an entry. Raises InputError."""
    append_line(path, json.dumps(vars(entry)))


def entry_of(entries: Sequence[ManifestEntry], folder: Path, generation: str | None) -> ManifestEntry | None:
    """The latest entry of a generation of a models folder; None: it is not in the manifest."""
    matches = (entry for entry in reversed(entries) if (entry.folder, entry.generation) == (folder.name, generation))
    return next(matches, None)


def last_entry_of(entries: Sequence[ManifestEntry], folder: Path) -> ManifestEntry | None:
    """What the last run for a models folder made, current or not; None: there was none."""
    return next((entry for entry in reversed(entries) if entry.folder in (folder.name, NOT_CURRENT)), None)


def finished_run(
    entries: Sequence[ManifestEntry], fingerprint: str, folder: Path, current: str | None
) -> ManifestEntry | None:
    """The last run for a models folder, if it has this fingerprint, whatever became of its models; else the run that
    made the `current` generation, if that has it; else None.

    Other runs do not count: what serves since then learned from something else, such as from a session that is
    excluded now.
    """
    candidates = (last_entry_of(entries, folder), entry_of(entries, folder, current))
    return next((entry for entry in candidates if entry is not None and entry.fingerprint == fingerprint), None)


def _read_lines(path: Path) -> list[str]:
    try:
        return [line.decode("utf-8", "replace") for line in read_regular_file(path).splitlines(keepends=True)]
    except MemoryError as error:
        raise DamagedFileError(str(path), "does not fit into memory; move it away to begin a new one") from error


def _parse_entry(line: str) -> ManifestEntry | None:
    try:
        row = json.loads(line)
        return ManifestEntry(
            generation=_text(row["generation"]),
            folder=_text(row["folder"]),
            sessions=_texts(row["sessions"]),
            held_out=_texts(row["held_out"]),
            games=_texts(row["games"]),
            fingerprint=_text(row.get("fingerprint", "")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_text, value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
