"""How a generation becomes current: the files of a models folder are replaced together or not at all.

`replacing.json`, the journal, names the generation from which on it is current; then the generation is shown and its
files are copied over those before. Whoever finds the journal reads from the generation that it names, and completes
the replacement if nobody is at it; so a process may be killed at any moment. Everything that writes here holds the
folder's lock. Not here: what a generation is (`generations.py`).
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from errors import InputError, NotFoundError
from files import atomic_write, exists, open_regular_file, read_regular_file, sync_folder, translate_os_errors
from models.generations import (
    FILES,
    GENERATIONS,
    REVIEWER,
    generation_folder,
    is_id,
    is_whole,
    read_metadata,
    read_reviewer,
    show,
)

JOURNAL, DAMAGED = "replacing.json", "damaged"

_log = logging.getLogger(__name__)


def journal_exists(pv_dir: Path) -> bool:
    """Whether a replacement was begun and not completed (or the journal is damaged). Raises InputError."""
    return exists(pv_dir / JOURNAL, follow_symlinks=False)


def replacing(pv_dir: Path) -> str | None:
    """The generation that a replacement, begun and not completed, makes current; None: none, or a damaged journal."""
    try:
        generation = json.loads(read_regular_file(pv_dir / JOURNAL))["generation"]
    except (InputError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if not is_id(generation):
        return None
    return generation if _can_become_current(generation_folder(pv_dir, generation)) else None


def make_current(pv_dir: Path, generation: str) -> None:
    """Makes a generation current. What can fail for want of space comes before the journal. Raises InputError."""
    staged = _stage(pv_dir, generation)
    atomic_write(pv_dir / JOURNAL, json.dumps({"generation": generation}))
    _replace(pv_dir, generation, staged)


def complete_replacement(pv_dir: Path) -> None:
    """Completes a replacement that a killed process began, and removes what else it left behind. Raises InputError.

    A damaged journal (no JSON, or no generation of this folder) is set aside, which is said in one line on stderr.
    """
    generation = replacing(pv_dir)
    if generation is not None:
        _replace(pv_dir, generation, _stage(pv_dir, generation))
    elif journal_exists(pv_dir):
        _set_journal_aside(pv_dir)
    remove_leftovers(pv_dir)


def remove_leftovers(pv_dir: Path) -> None:
    """Removes what was written and never became current."""
    if replacing(pv_dir) is None:
        for leftover in pv_dir.glob(".staged-*"):
            leftover.unlink(missing_ok=True)
        for leftover in (pv_dir / GENERATIONS).glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _set_journal_aside(pv_dir: Path) -> None:
    """Moves a damaged journal out of the way. What it may have meant, a hidden generation that is whole, is shown."""
    set_aside(pv_dir, pv_dir / JOURNAL, "is damaged or names no generation of this folder")
    for folder in (pv_dir / GENERATIONS).glob(".*/"):
        if _can_become_current(folder):
            show(pv_dir, folder.name[1:])


def set_aside(pv_dir: Path, path: Path, reason: str) -> None:
    """Moves a file or folder into `damaged/`, which is said in one line on stderr. Raises InputError."""
    place = _free_name(pv_dir / DAMAGED, path)
    with translate_os_errors(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    _log.warning("%s", InputError(str(path), f"{reason}; it is now {place.relative_to(pv_dir)}"))


def _can_become_current(folder: Path) -> bool:
    return not folder.is_symlink() and is_whole(folder, read_metadata(folder))


def _free_name(folder: Path, path: Path) -> Path:
    number = 1
    while exists(place := folder / f"{path.stem}-{number}{path.suffix}", follow_symlinks=False):
        number += 1
    return place


def _stage(pv_dir: Path, generation: str) -> dict[Path, Path]:
    """Copies of a generation's files beside those that they are to replace; also of its reviewer, if it has one."""
    folder = generation_folder(pv_dir, generation)
    contents = {name: read_regular_file(folder / name) for name in FILES}
    if (reviewer := read_reviewer(folder)) is not None:
        contents[REVIEWER] = reviewer
    for name, content in contents.items():
        atomic_write(_staged(pv_dir, name), content)
    return {_staged(pv_dir, name): pv_dir / name for name in contents}


def _staged(pv_dir: Path, name: str) -> Path:
    return pv_dir / f".staged-{name}"


def _replace(pv_dir: Path, generation: str, staged: dict[Path, Path]) -> None:
    show(pv_dir, generation)
    for final in staged.values():
        _make_way(pv_dir, final)
    with translate_os_errors(pv_dir):
        for temporary, final in staged.items():
            temporary.replace(final)
        sync_folder(pv_dir)
        (pv_dir / JOURNAL).unlink(missing_ok=True)


def _make_way(pv_dir: Path, path: Path) -> None:
    """Sets aside what stands at `path` and cannot be read as a file, so that nothing is lost in the replacement."""
    try:
        open_regular_file(path, "r").close()
    except NotFoundError:
        return
    except InputError as error:
        set_aside(pv_dir, path, error.reason)
