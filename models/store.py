"""The models folder: the current models, and the generations that were current before.

    <pv_dir>/asm_assistant_model.pt, asm_human_model.pt, asm_featurizer.pt     the current models
    <pv_dir>/reviewer.json                                                    the reviewer that serves beside them
    <pv_dir>/generations/<id>/                                                the same files and about.json
    <pv_dir>/replacing.json                                                   only during a replacement: its id

The models that training begins with are a generation too, which is never pruned (`keep_start`).
Not here: when to replace models (`training`), what is in a file (`checkpoint.py`), how files are replaced
(`replacement.py`).
"""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from errors import InputError, NotFoundError
from files import atomic_write, exists, lock
from models import generations as folders
from models.generations import ASSISTANT, FEATURIZER, FILES, GENERATIONS, HUMAN, METADATA_FILE, REVIEWER
from models.model_files import (
    Models,
    Networks,
    build_models,
    config_of,
    load_folder,
    read_contents,
    require_unchanged,
    serialize,
    weights_of,
)
from models.provenance import NOTHING
from models.replacement import (
    DAMAGED,
    JOURNAL,
    complete_replacement,
    journal_exists,
    make_current,
    remove_leftovers,
    replacing,
    set_aside,
)
from models.reviewer import START, encode_coefficients

__all__ = [
    "ASSISTANT", "DAMAGED", "FEATURIZER", "FILES", "GENERATIONS", "HUMAN", "JOURNAL", "MAX_GENERATIONS",
    "METADATA_FILE", "Generation", "Models", "archive_current", "generations", "keep_start",
    "load", "load_generation", "load_start", "make_untrained_current", "publish", "roll_back", "rollback_hint",
    "set_damaged_starts_aside", "start_generation",
]  # fmt: skip

LOCK_FILE = ".store.lock"

MAX_GENERATIONS = 8
"""Generations that stay for a roll-back, the current one included; the starts of training come on top."""

READ_ATTEMPTS, RETRY_SECONDS = 50, 0.02
"""How often, and after how many seconds, a reader looks again that met a replacement."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A stored set of models. created: ISO 8601, UTC ("": unknown); current: whether its files are the current models.

    damaged: its files are not, or not all, what was stored; it cannot be rolled back to. protected: never pruned.
    """

    id: str
    created: str
    meta: dict[str, Any]
    current: bool
    damaged: bool
    protected: bool = False


def publish(
    pv_dir: Path,
    networks: Networks,
    meta: dict[str, Any],
    *,
    reviewer: bytes | None = None,
    now: Callable[[], float] = time.time,
) -> str:
    """Makes models current and returns their generation's id. They are read back before anything is replaced.

    meta: plain values, with `trained_on` among them; `created` and, if there is one, `start` are added. reviewer:
    content of the file of the one that they learned for, which becomes current with them; None: the current one stays.
    Raises InputError: disk full, read-only, models that could not be loaded again; the current models stay.
    """
    with _locked(pv_dir):
        _archive_current(pv_dir, now)
        if start := start_generation(pv_dir):
            meta = {"start": start, **meta}
        _keep_reviewer(pv_dir)
        reviewer = folders.read_reviewer(pv_dir) if reviewer is None else reviewer
        generation = _write(pv_dir, networks, meta, now, reviewer=reviewer)
        make_current(pv_dir, generation)
        _prune(pv_dir, generation)
    return generation


def archive_current(pv_dir: Path) -> str | None:
    """The generation of the current models, which are stored as one if they came from elsewhere; None: there are none.

    Raises InputError: disk full, read-only.
    """
    with _locked(pv_dir):
        _archive_current(pv_dir, time.time)
        return _current_id(pv_dir)


def keep_start(pv_dir: Path, networks: Networks, meta: dict[str, Any], *, now: Callable[[], float] = time.time) -> str:
    """Stores the models that training begins with and returns their generation's id; the current models stay.

    The generation is never pruned, and every later one names it (`meta["start"]`). meta: as for `publish`.
    Raises InputError: disk full, read-only, models that could not be loaded again.
    """
    with _locked(pv_dir):
        generation = _write(pv_dir, networks, meta, now, protected=True)
        folders.show(pv_dir, generation)
    return generation


def make_untrained_current(
    pv_dir: Path, fresh: Callable[[], Networks], *, now: Callable[[], float] = time.time
) -> Generation:
    """Makes models current that learned from nothing, so that none of the stored ones decide; all of these stay.

    They are those that an earlier call has stored, or else `fresh()`. Raises InputError: disk full, read-only.
    """
    with _locked(pv_dir):
        _archive_current(pv_dir, now)
        untrained = [
            candidate.id for candidate in generations(pv_dir) if _is_untrained(candidate) and not candidate.damaged
        ]
        chosen = untrained[-1] if untrained else _write(pv_dir, fresh(), {"trained_on": NOTHING}, now)
        make_current(pv_dir, chosen)
        return next(generation for generation in generations(pv_dir) if generation.id == chosen)


def _is_untrained(generation: Generation) -> bool:
    return generation.meta.get("trained_on") == NOTHING


@contextmanager
def _locked(pv_dir: Path) -> Iterator[None]:
    """Holds the folder's lock, with no replacement half done; what fails inside leaves nothing half written."""
    with lock(pv_dir / LOCK_FILE, wait=True):
        complete_replacement(pv_dir)
        try:
            yield
        except InputError:
            remove_leftovers(pv_dir)
            raise


def start_generation(pv_dir: Path) -> str | None:
    """The generation that training begins with, the latest that `keep_start` stored; None: there is none."""
    for generation in reversed(folders.ordered_ids(pv_dir)):
        metadata = folders.read_metadata(folders.shown_folder(pv_dir, generation))
        if metadata is not None and metadata.protected:
            return generation
    return None


def load_start(pv_dir: Path, device: torch.device | str = "cpu") -> Models | None:
    """The models that training begins with; None: none are stored. Raises InputError: they are damaged."""
    generation = start_generation(pv_dir)
    return None if generation is None else load_generation(pv_dir, generation, device)


def set_damaged_starts_aside(pv_dir: Path) -> None:
    """Moves starts of training that are not as they were stored into `damaged/`; of each one line on stderr says so.

    A generation whose `about.json` cannot be read was a start if another one names it. Raises InputError: read-only.
    """
    folders_of_starts = [folders.shown_folder(pv_dir, name) for name in _starts(pv_dir)]
    damaged = [folder for folder in folders_of_starts if not folders.is_whole(folder, folders.read_metadata(folder))]
    if damaged:
        with _locked(pv_dir):
            for folder in damaged:
                set_aside(pv_dir, folder, "a start of training that is damaged, training begins without it")


def _starts(pv_dir: Path) -> list[str]:
    """The generations that training begins or once began with."""
    stored = {name: folders.read_metadata(folders.shown_folder(pv_dir, name)) for name in folders.ordered_ids(pv_dir)}
    named = {metadata.meta.get("start") for metadata in stored.values() if metadata is not None}
    return [name for name, metadata in stored.items() if (name in named if metadata is None else metadata.protected)]


def load(pv_dir: Path, device: torch.device | str = "cpu", expect_backbone: str | None = None) -> Models | None:
    """The current models, None if there are none.

    Raises InputError that names the file if one of the three is missing, damaged, not what it was published as, does
    not fit the others, or has another backbone than the one expected; if generations are stored, it says how to roll
    back to one.
    """
    try:
        return _load(pv_dir, device, expect_backbone)
    except InputError as error:
        if not (hint := rollback_hint(pv_dir)):
            raise
        raise type(error)(error.where, f"{error.reason}; {hint}") from error


def load_generation(pv_dir: Path, generation: str, device: torch.device | str = "cpu") -> Models:
    """The models of a generation, current or not. Raises InputError: it does not exist, or is damaged."""
    if not folders.is_id(generation):
        raise NotFoundError(str(pv_dir), f"{generation!r} is no generation")
    folder = folders.shown_folder(pv_dir, generation)
    return load_folder(folder, folders.read_metadata(folder), device)


def rollback_hint(pv_dir: Path) -> str:
    """How to roll back, if the current models are no whole generation but there is one; "": nothing is to be done."""
    stored = generations(pv_dir)
    if all(generation.damaged for generation in stored) or any(generation.current for generation in stored):
        return ""
    command = f"python -m cli.run_tasks models --pv_dir {shlex.quote(str(pv_dir))} --roll_back"
    return f"earlier models are kept: `{command}` makes the latest of them current"


def generations(pv_dir: Path) -> list[Generation]:
    """What is stored, the oldest first by its number; of a damaged one perhaps nothing is known but its name."""
    current = _current_id(pv_dir)
    stored = []
    for name in folders.ordered_ids(pv_dir):
        folder = folders.shown_folder(pv_dir, name)
        metadata = folders.read_metadata(folder)
        damaged = not folders.is_whole(folder, metadata)
        metadata = metadata or folders.Metadata("", {}, None, False)
        stored.append(Generation(name, metadata.created, metadata.meta, name == current, damaged, metadata.protected))
    return stored


def roll_back(pv_dir: Path, generation: str | None = None) -> Generation:
    """Makes an earlier generation current again: the one before the current, or the one whose id begins so.

    Its reviewer becomes current with it; where none is stored with it, as by earlier versions, the current one stays.
    Raises InputError: there is none, or several ids begin so.
    """
    with _locked(pv_dir):
        stored = generations(pv_dir)
        chosen = _previous(pv_dir, stored) if generation is None else _named(pv_dir, stored, generation)
        _archive_current(pv_dir, time.time)
        make_current(pv_dir, chosen)
        return next(generation for generation in generations(pv_dir) if generation.id == chosen)


def _previous(pv_dir: Path, stored: Sequence[Generation]) -> str:
    """The latest whole generation before the current one; the latest of all if none is current."""
    place = next((i for i, generation in enumerate(stored) if generation.current), len(stored))
    whole = [generation.id for generation in stored[:place] if not generation.damaged]
    if not whole:
        raise NotFoundError(str(pv_dir), "there are no earlier models to go back to")
    return whole[-1]


def _named(pv_dir: Path, stored: Sequence[Generation], prefix: str) -> str:
    """The whole generation of this id, of this number, or else the only one whose id begins so."""
    ids = [generation.id for generation in stored if not generation.damaged]
    number = int(prefix) if prefix.isdecimal() and len(prefix) <= folders.NUMBER_DIGITS else None
    exact = [name for name in ids if name == prefix or folders.number_of(name) == number]
    matches = exact or [name for name in ids if prefix and name.startswith(prefix)]
    if not matches:
        message = f"there is no whole generation {prefix!r}; there are {', '.join(ids) or 'none'}"
        raise NotFoundError(str(pv_dir), message)
    if len(matches) > 1:
        raise InputError(str(pv_dir), f"{prefix!r} may be {' or '.join(matches)}, expected more of the id")
    return matches[0]


def _load(pv_dir: Path, device: torch.device | str, expect_backbone: str | None) -> Models | None:
    if journal_exists(pv_dir):
        with suppress(InputError), lock(pv_dir / LOCK_FILE):  # unless somebody is at it, or the folder is read-only
            complete_replacement(pv_dir)
    for attempt in range(READ_ATTEMPTS):
        folder, contents = _read_current(pv_dir)
        if not contents:
            return None
        missing_files = [name for name in FILES if name not in contents]
        if missing_files and attempt > 1 and replacing(pv_dir) is None:  # and not just about to be written
            raise NotFoundError(str(folder / missing_files[0]), f"is missing, though {next(iter(contents))} exists")
        if not missing_files:
            loaded = read_contents(pv_dir, contents)
            ids = {str(config_of(loaded[name]).get("generation")) for name in FILES}
            if len(ids) == 1:
                models = build_models(pv_dir, loaded, device, expect_backbone)
                require_unchanged(pv_dir, contents, _metadata_of(pv_dir, models.generation))
                return models
        time.sleep(RETRY_SECONDS)
    raise InputError(str(pv_dir), f"the files {', '.join(FILES)} are not from the same training")


def _metadata_of(pv_dir: Path, generation: object) -> folders.Metadata | None:
    """What is said of a generation; None: nothing, as of models that were imported or copied."""
    if not folders.is_id(generation):
        return None
    return folders.read_metadata(folders.generation_folder(pv_dir, str(generation)))


def _read_current(pv_dir: Path) -> tuple[Path, dict[str, bytes]]:
    """The folder that the current models are in, and those of the three files that exist."""
    generation = replacing(pv_dir)
    folder = pv_dir if generation is None else folders.generation_folder(pv_dir, generation)
    return folder, folders.read_files(folder)


def _whole_current(pv_dir: Path) -> dict[str, bytes] | None:
    """The contents of the current models' files; None: one is missing, or cannot be read as a file."""
    try:
        _, contents = _read_current(pv_dir)
    except InputError:
        return None
    return contents if len(contents) == len(FILES) else None


def _current_id(pv_dir: Path) -> str | None:
    """The generation whose files are the current models; None: there is none."""
    contents = _whole_current(pv_dir)
    if contents is None:
        return None
    digests = folders.hashes(contents)
    for name in folders.ordered_ids(pv_dir):
        folder = folders.shown_folder(pv_dir, name)
        metadata = folders.read_metadata(folder)
        if metadata is not None and digests == folders.stored_hashes(folder, metadata):
            return name
    return None


def _write(
    pv_dir: Path,
    networks: Networks,
    meta: dict[str, Any],
    now: Callable[[], float],
    *,
    protected: bool = False,
    reviewer: bytes | None = None,
) -> str:
    """Writes a hidden generation and reads it back; its id. Raises InputError."""
    meta = {"created": folders.timestamp(now()), **meta}
    generation = folders.next_id(pv_dir, weights_of(networks))
    contents = serialize(networks, generation, meta)
    folder = folders.write_hidden(pv_dir, generation, contents, meta, protected=protected, reviewer=reviewer)
    try:
        load_folder(folder, folders.read_metadata(folder))
    except InputError as error:
        message = f"{error.reason} (when it was read back); the current models stay"
        raise type(error)(error.where, message) from error
    return generation


def _archive_current(pv_dir: Path, now: Callable[[], float]) -> None:
    """Stores models that came from elsewhere (imported, copied) as a generation before they are replaced.

    Files that are damaged or do not belong together become none: they are put into a folder of their own. What cannot
    be read as a file is set aside when it is replaced.
    """
    contents = _whole_current(pv_dir)
    if contents is not None and _current_id(pv_dir) is None:
        generation = folders.next_id(pv_dir, contents.values())
        try:
            _load(pv_dir, "cpu", None)
        except InputError:  # nothing to roll back to, but somebody may still want to look at it
            for name, content in contents.items():
                atomic_write(pv_dir / DAMAGED / generation / name, content)
            return
        created = folders.timestamp(min(now(), (pv_dir / ASSISTANT).stat().st_mtime))
        folders.write_hidden(pv_dir, generation, contents, {"created": created, "trained_on": "imported"})
        folders.show(pv_dir, generation)


def _keep_reviewer(pv_dir: Path) -> None:
    """Stores the current reviewer, or that of the start, with the current generation, if none is stored with it yet.

    Not with models that learned from nothing: whichever reviewer is current stays beside them.
    """
    generation = _current_id(pv_dir)
    folder = None if generation is None else folders.shown_folder(pv_dir, generation)
    if folder is None or exists(folder / REVIEWER):
        return
    metadata = folders.read_metadata(folder)
    if metadata is not None and metadata.meta.get("trained_on") != NOTHING:
        reviewer = folders.read_reviewer(pv_dir)
        atomic_write(folder / REVIEWER, encode_coefficients(START, 0) if reviewer is None else reviewer)


def _prune(pv_dir: Path, current: str) -> None:
    """Removes the oldest generations, but not the current one, protected ones, and starts of those that stay."""
    ordinary = [generation for generation in generations(pv_dir) if not generation.protected]
    exempt = {current, *(str(generation.meta.get("start")) for generation in ordinary[-MAX_GENERATIONS:])}
    for generation in ordinary[:-MAX_GENERATIONS]:
        if generation.id not in exempt:
            shutil.rmtree(folders.shown_folder(pv_dir, generation.id), ignore_errors=True)
