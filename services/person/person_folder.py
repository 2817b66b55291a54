"""Which folder holds the person's own files: the one that is open now, and the one that a session's file lies in.

Not here: the files (`person_files`), how the choice is remembered (`person_settings`).
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from delegates.ignored_files import is_secret_file
from errors import InputError, NotFoundError
from services.person.person_files import (
    NO_FOLDER,
    ForbiddenFileError,
    PersonFiles,
    is_in_one_line,
    path_refusals,
)

_SYSTEM_FOLDERS = tuple(
    map(
        Path,
        (
            "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr/bin",
            "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/sbin", "/usr/share",
            "/Applications", "/Library", "/System", "/private/etc",
        ),
    )
)  # fmt: skip
"""Folders of the system, with all that lies in them."""
_SHARED_FOLDERS = frozenset(map(Path, ("/home", "/Users", "/usr", "/var", "/run", "/private", "/private/var")))
"""Folders of everybody; what lies in them may be a person's own."""


class PersonFolder:
    """The folder that is open, for any number of threads.

    files: those in it; None: no folder is open. failure: why the one that the person chose is not; None: it is, or
    they chose none.
    """

    def __init__(self, data_root: Path, files: PersonFiles | None = None) -> None:
        self.files = files
        self.failure: str | None = None
        self._data_root = data_root

    def open(self, files: PersonFiles | None) -> None:
        """Opens a folder in place of the one before; None: closes it."""
        self.files, self.failure = files, None

    def open_remembered(self, name: str | None) -> None:
        """Opens what was chosen earlier; if that cannot be, no folder is open, and `failure` says why."""
        try:
            self.open(self.chosen(name))
        except InputError as error:
            self.files, self.failure = None, str(error)

    def problem(self) -> str | None:
        """Why the folder that the person chose does not serve now; None: it does, or they chose none."""
        files = self.files
        if files is not None and not os.access(f"{files.folder}/", os.F_OK):
            return f"{files.folder} is not there"
        return self.failure

    def chosen(self, name: str | None) -> PersonFiles | None:
        """The files in a folder by the whole path that a person wrote. Raises InputError: it cannot be theirs."""
        return None if name is None else PersonFiles(allowed_folder(name, self._data_root), self._data_root)

    def require_files(self, folder: str | None = None) -> PersonFiles:
        """The files in the folder that is open. Raises NotFoundError: there is none, or it is not `folder`."""
        files = self.files
        if files is None:
            raise NotFoundError("files", self.failure or NO_FOLDER)
        if folder is not None and folder != str(files.folder):
            raise NotFoundError(folder, "is no longer the folder that is open; open it again to go on with this file")
        return files

    def files_for(self, folder: str | None) -> PersonFiles:
        """The files among which that of a new session lies: in the folder at a whole path; None: in the open one.

        Raises InputError: it cannot be the person's; NotFoundError: it is not there, or none is open.
        """
        files = self.files
        if folder is None or (files is not None and folder == str(files.folder)):
            return self.require_files()
        return PersonFiles(allowed_folder(folder, self._data_root), self._data_root)

    def files_in(self, folder: str | None) -> PersonFiles | None:
        """The files in the folder that a session names; if it names none, in the open one. None: none is open.

        Raises InputError: it is not there.
        """
        files = self.files
        if folder is None or (files is not None and folder == str(files.folder)):
            return files
        return PersonFiles(Path(folder), self._data_root)


def allowed_folder(name: str, data_root: Path) -> Path:
    """The folder at a whole path, or one that begins with `~`, without links.

    Raises InputError, NotFoundError (there is none) and ForbiddenFileError: it is the system's, ours, or holds secrets.
    """
    folder = _resolved(name)
    if folder == Path(folder.anchor) or folder in _SHARED_FOLDERS:
        raise ForbiddenFileError(name, "holds everybody's files, expected a folder of your own in it")
    if any(folder.is_relative_to(system) for system in _SYSTEM_FOLDERS):
        raise ForbiddenFileError(name, "belongs to the system, expected a folder of your own")
    if folder.is_relative_to(data_root.resolve()):
        raise ForbiddenFileError(name, "holds what is recorded and learned, expected a folder of your own files")
    if is_secret_file(_below_home(folder) / "file"):
        raise ForbiddenFileError(name, "holds secrets by its name: nothing in it is read")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ForbiddenFileError(name, "permission denied")
    return folder


def _resolved(name: str) -> Path:
    spelled = name.strip()
    if not is_in_one_line(spelled) or not spelled.startswith(("/", "~")):
        raise InputError(name[:200] or "folder", "is no whole path, expected one such as ~/project or /home/me/project")
    try:
        named = Path(spelled).expanduser()
    except RuntimeError:
        raise NotFoundError(spelled, "there is no such person on this machine") from None
    with path_refusals(PurePosixPath(spelled)):
        try:
            folder = named.resolve(strict=True)
        except RuntimeError:  # links that lead in a circle
            raise NotFoundError(spelled, "is a link that leads to itself") from None
    if not folder.is_dir():
        raise InputError(spelled, "is a file, expected the folder that holds it")
    return folder


def _below_home(folder: Path) -> Path:
    """The path from the person's home on, whose own name says nothing; else the whole one."""
    home = Path("~").expanduser()
    return folder.relative_to(home) if folder.is_relative_to(home) else folder
