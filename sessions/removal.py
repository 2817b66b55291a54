"""Removing what a person wants gone: whole or not at all, links never followed. Not here: which sessions there are.

Whatever is removed is first renamed to a hidden name beside it, which no reader sees; a crash in the middle leaves that
behind, and the next start removes it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_paths import DataPaths
from errors import ConflictError
from files import atomic_write, read_regular_file, sync_folder, translate_os_errors
from sessions.session_files import SessionFile
from state_adapter import exclusion_mark

TRASH = ".deleted-"
"""How the names of what is being removed begin."""

_ERASURE = ".erasing"
"""File of the data root while everything is erased."""

_WITH_MODEL_FILES = b"with model files"
_MODEL_FILE = ".gguf"
_LOCK = ".lock"


def remove(path: Path) -> None:
    """Removes a file, a folder with all that is in it, or a link; what is not there is fine. Raises InputError."""
    trash = path.with_name(f"{TRASH}{uuid.uuid4().hex}")
    with translate_os_errors(path):
        if not os.path.lexists(path):
            return
        path.rename(trash)
        sync_folder(path.parent)
    _delete(trash)


def remove_session(session: SessionFile, other_sessions: Iterable[SessionFile], root: Path) -> None:
    """Removes a session with its whole folder, if that is its own. other_sessions: those that stay.

    root: of all sessions. Raises ConflictError: it shares its file or folder with others, or lies where a link leads;
    InputError: the disk refuses.
    """
    where = f"session {session.id[:60]}"
    if session.count > 1:
        raise ConflictError(where, f"shares its file with {session.count - 1} others; delete {session.path} itself")
    if not session.path.resolve().is_relative_to(root.resolve()):
        raise ConflictError(where, f"lies where a link leads; delete {session.path.resolve()} itself")
    folders = [other.folder for other in other_sessions]
    if session.has_own_folder:
        if any(folder.is_relative_to(session.folder) for folder in folders):
            raise ConflictError(where, f"has other sessions in its folder; delete {session.path} itself")
        remove(session.folder)
        return
    if session.stream is not None and session.folder not in folders:
        remove(session.stream.parent)
    for path in {session.stream, session.path} - {None}:
        assert path is not None
        remove(path)
        remove(exclusion_mark(path))


def erase(paths: DataPaths, *, model_files: bool = False) -> None:
    """Removes everything of the person's below the data root; one that was interrupted goes on at the next start.

    Locks that processes hold stay, and so do files of models that write text, unless `model_files`. Raises InputError.
    """
    marker = paths.root / _ERASURE
    atomic_write(marker, _WITH_MODEL_FILES if model_files else b"")
    for path in list(_personal(paths, model_files=model_files)):
        remove(path)
    with translate_os_errors(marker):
        marker.unlink(missing_ok=True)
        sync_folder(paths.root)


def remove_leftovers(paths: DataPaths) -> None:
    """Ends what a crash interrupted: an erasure, and what was being removed. Raises InputError."""
    marker = paths.root / _ERASURE
    if marker.is_file():
        erase(paths, model_files=read_regular_file(marker) == _WITH_MODEL_FILES)
    for trash in list(_leftovers(paths)):
        _delete(trash)


def _personal(paths: DataPaths, *, model_files: bool) -> Iterator[Path]:
    """What is the person's, as few paths as there can be beside the locks."""
    for folder in (paths.episodes.parent, paths.models.parent, *_folders(paths.models.parent)):
        for path in _entries(folder):
            is_folder_with_lock = path.parent == paths.models.parent and path.is_dir() and not path.is_symlink()
            if not path.name.endswith(_LOCK) and not path.name.startswith(".recording.") and not is_folder_with_lock:
                yield path
    for path in _entries(paths.writers):
        if not path.name.endswith(_LOCK) and (model_files or path.suffix.lower() != _MODEL_FILE):
            yield path
    yield from (paths.telemetry, paths.logs, paths.embeddings)
    for file in (paths.problems, paths.settings, paths.solved):
        yield from paths.root.glob(f"{file.stem}.*")  # with what was set aside as damaged


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir() and not path.is_symlink()]


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, but for what is being removed."""
    if not folder.is_dir():
        return []
    with translate_os_errors(folder):
        return sorted(path for path in folder.iterdir() if not path.name.startswith(TRASH))


def _leftovers(paths: DataPaths) -> Iterator[Path]:
    shallow = (paths.root, paths.models.parent, *_folders(paths.models.parent), paths.writers)
    for folder in shallow:
        if folder.is_dir():
            yield from folder.glob(f"{TRASH}*")
    for place, folders, names in os.walk(paths.episodes.parent):
        yield from (Path(place, name) for name in (*folders, *names) if name.startswith(TRASH))
        folders[:] = [name for name in folders if not name.startswith(TRASH)]


def _delete(path: Path) -> None:
    with translate_os_errors(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
