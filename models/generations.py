"""The generations of a models folder: `generations/<id>/` each, with the three files, `about.json` and, where it is
known, the reviewer that served beside them.

An id begins with a number that counts up, and generations are ordered by it: clocks are set back. Folders of other
names come before the numbered ones. Not here: which generation is current (`store.py`), how it becomes so
(`replacement.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from errors import InputError, NotFoundError
from files import atomic_write, entries, exists, is_folder, read_regular_file, sync_folder, translate_os_errors
from strict_json import refuse_constant

ASSISTANT, HUMAN, FEATURIZER = FILES = ("asm_assistant_model.pt", "asm_human_model.pt", "asm_featurizer.pt")
GENERATIONS, METADATA_FILE = "generations", "about.json"
REVIEWER = "reviewer.json"
"""The reviewer's coefficients, beside the current models and in the generations that they belong to."""

NUMBER_DIGITS = 12
"""The most digits of the number that an id begins with."""

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,253}")
"""Of the longest name that file systems take (255 bytes) the dot of a hidden folder is left out."""

_NUMBER = re.compile(rf"([0-9]{{1,{NUMBER_DIGITS}}})-")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What `about.json` says: when the files were written (ISO 8601, UTC), what the publisher said of them (`meta`),
    their hashes (None: an old folder without them), and whether the generation is never pruned (`protected`)."""

    created: str
    meta: dict[str, Any]
    sha256: dict[str, str] | None
    protected: bool


def is_id(name: object) -> bool:
    """Whether `name` is the plain name of a generation's folder, not a path out of it."""
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def number_of(generation: str) -> int:
    """The number that an id begins with; -1: it has none."""
    match = _NUMBER.match(generation)
    return int(match[1]) if match else -1


def ordered_ids(pv_dir: Path) -> list[str]:
    """Ids of all generations, the oldest first: by number; those without one before them, by their date.

    Raises InputError: their folder cannot be read.
    """
    shown = [path for path in entries(pv_dir / GENERATIONS) if not path.name.startswith(".")]
    folders = [path for path in shown if is_folder(path) and not path.is_symlink()]

    def order(folder: Path) -> tuple[int, str, str]:
        number = number_of(folder.name)
        metadata = read_metadata(folder) if number < 0 else None
        return number, metadata.created if metadata else "", folder.name

    return [folder.name for folder in sorted(folders, key=order)]


def next_id(pv_dir: Path, contents: Iterable[bytes | memoryview]) -> str:
    """The next number, and a few digits that tell these contents from others."""
    number = max(map(number_of, ordered_ids(pv_dir)), default=0)
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return f"{max(number, 0) + 1:06d}-{digest.hexdigest()[:8]}"


def shown_folder(pv_dir: Path, generation: str) -> Path:
    """The folder of a generation."""
    return pv_dir / GENERATIONS / generation


def hidden_folder(pv_dir: Path, generation: str) -> Path:
    """Where a generation is written before it may be seen."""
    return pv_dir / GENERATIONS / f".{generation}"


def generation_folder(pv_dir: Path, generation: str) -> Path:
    """Where a generation is now: in its folder, or still hidden. Raises InputError: it cannot be told."""
    folder = shown_folder(pv_dir, generation)
    return folder if exists(folder) else hidden_folder(pv_dir, generation)


def write_hidden(
    pv_dir: Path,
    generation: str,
    contents: Mapping[str, bytes],
    meta: dict[str, Any],
    *,
    protected: bool = False,
    reviewer: bytes | None = None,
) -> Path:
    """Writes a generation's hidden folder; `about.json`, which makes it one, comes last. Raises InputError."""
    folder = hidden_folder(pv_dir, generation)
    about = {"created": meta["created"], "meta": meta, "sha256": hashes(contents)}
    for name, content in contents.items():
        atomic_write(folder / name, content)
    if reviewer is not None:
        atomic_write(folder / REVIEWER, reviewer)
    metadata = about | ({"protected": True} if protected else {})
    atomic_write(folder / METADATA_FILE, json.dumps(metadata, indent=1, allow_nan=False))
    return folder


def show(pv_dir: Path, generation: str) -> None:
    """Gives a hidden generation its name; nothing is done if it has it. Raises InputError."""
    folder = shown_folder(pv_dir, generation)
    if not exists(folder):
        with translate_os_errors(folder):
            hidden_folder(pv_dir, generation).replace(folder)
            sync_folder(folder.parent)


def read_metadata(folder: Path) -> Metadata | None:
    """What is said of the generation in `folder`; None: `about.json` is damaged or missing."""
    try:
        about = json.loads(read_regular_file(folder / METADATA_FILE), parse_constant=refuse_constant)
        created, meta, sha256 = about["created"], about["meta"], about.get("sha256")
    except (InputError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    whole = isinstance(created, str) and isinstance(meta, dict) and _are_hashes(sha256)
    return Metadata(created, meta, sha256, about.get("protected") is True) if whole else None


def _are_hashes(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in FILES)


def read_files(folder: Path) -> dict[str, bytes]:
    """Those of the three files that are in a folder. Raises InputError: one cannot be read, or is no regular file."""
    contents = {}
    for name in FILES:
        with suppress(NotFoundError):
            contents[name] = read_regular_file(folder / name)
    return contents


def read_reviewer(folder: Path) -> bytes | None:
    """The reviewer's file in a folder; None: there is none, or it cannot be read."""
    try:
        return read_regular_file(folder / REVIEWER)
    except InputError:
        return None


def hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file, in hexadecimal digits."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def stored_hashes(folder: Path, metadata: Metadata) -> dict[str, str] | None:
    """SHA-256 of a generation's files: as `metadata` says, else as they are now; None: one of them cannot be read."""
    if metadata.sha256 is not None:
        return metadata.sha256
    try:
        return hashes(read_files(folder))
    except InputError:
        return None


def is_whole(folder: Path, metadata: Metadata | None) -> bool:
    """Whether all three files are in a generation's folder, as they were written; not if one cannot be read."""
    if metadata is None:
        return False
    try:
        contents = read_files(folder)
    except InputError:
        return False
    return len(contents) == len(FILES) and metadata.sha256 in (None, hashes(contents))


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
