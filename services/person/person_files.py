"""A person's own files below one folder: listed, read and saved as text, never anything outside of it.

No link is followed: each folder of a path is opened from the one above it, so that nothing that is exchanged meanwhile
leads elsewhere. What `delegates.ignored_files` names is not there for anybody. Not here: HTTP.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from delegates.ignored_files import IgnoredFiles
from errors import ConflictError, InputError, NotFoundError
from files import translate_os_errors

MAX_BYTES = 2**20
"""Of a file that is opened or saved."""
MAX_PATH = 1024
"""Characters of a path."""
MOST_FILES = 5_000
"""Files that are listed."""
MOST_VISITED = 100_000
"""Files and folders that are looked at for a list."""
MAX_DEPTH = 32
"""Folders above each other that are looked into for a list."""

_NOT_LISTED = frozenset(
    (
        "__pycache__",
        ".cache",
        "node_modules",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hg",
    )
)
"""Folders of other programs, with more files than a list can have; each can still be opened by its path."""
_SNIFFED = 2**10
"""Bytes of a file that tell whether it is text, for a list."""
_BYTE_ORDER_MARK = "\ufeff".encode()
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY = ".codeassist-tmp"

NO_FOLDER = "no folder is open; open one under “Your files” on the page"


class ForbiddenFileError(InputError):
    """A path that may not be opened: outside of the folder, a link, ignored, a secret, no permission."""


class NotTextError(InputError):
    """A file that is no text in UTF-8, or a text that cannot be one."""


class TooLargeError(InputError):
    """A file of more than `MAX_BYTES`."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that can be opened. modified: seconds since 1970."""

    path: str
    bytes: int
    modified: float


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text, without its byte order mark. revision: tells its contents apart."""

    path: str
    text: str
    revision: str


class PersonFiles:
    """The files below a folder. For any number of threads.

    data_root: our own data, which is never among them. Raises InputError: the folder is none.
    """

    def __init__(self, folder: Path, data_root: Path) -> None:
        with translate_os_errors(folder):
            self.folder = folder.resolve(strict=True)
        if not self.folder.is_dir():
            raise InputError(str(folder), "is no folder, expected one that holds your files")
        self._data_root = data_root.resolve()
        self._saving = threading.Lock()

    def list(self) -> tuple[list[ListedFile], bool]:
        """Text files by path, hidden ones last, and whether there are more than were looked for. Raises InputError."""
        listing = _Listing(self)
        with path_refusals(PurePosixPath(self.folder)):
            listing.walk()
        return sorted(listing.files, key=lambda file: _hidden_last(file.path)), listing.truncated

    def read(self, name: str) -> TextFile:
        """The file at a path. Raises InputError, of the kinds above, and NotFoundError."""
        path = self.allowed(name)
        with path_refusals(path), self._parent(path) as parent:
            content = _read(parent, path)
        return TextFile(str(path), _text(content, path), _revision(content))

    def save(self, name: str, text: str, revision: str | None) -> str:
        """Replaces a file whole or not at all, with its mode and its byte order mark; returns the new revision.

        revision: of the content that the text was made from; None: the file is new. Raises ConflictError: it has
        another content now; InputError as `read` does.
        """
        path = self.allowed(name)
        content = _encoded(text, path)
        with self._saving, path_refusals(path), self._parent(path) as parent:
            current = _read_if_there(parent, path)
            if current is not None and _text(current, path) is not None and current.startswith(_BYTE_ORDER_MARK):
                content = _BYTE_ORDER_MARK + content
            _require_size(len(content), path)
            if content != current:
                _require_revision(current, revision, path)
                _replace(parent, path, content, current)
        return _revision(content)

    def allowed(self, name: str) -> PurePosixPath:
        """A path that may be opened, whether there is a file or not. Raises ForbiddenFileError, InputError."""
        path = _relative(name)
        with path_refusals(path):
            is_ignored = self.is_ignored(path)
        if is_ignored:
            reason = "holds a secret, is ignored or is a link: it is neither opened, helped with nor learned from"
            raise ForbiddenFileError(str(path), reason)
        return path

    def is_ignored(self, path: PurePosixPath) -> bool:
        """Whether nobody may look at the file, by the ignore files as they are now."""
        return self.is_our_data(path) or IgnoredFiles(self.folder).ignores(Path(path))

    def is_our_data(self, path: PurePosixPath) -> bool:
        """Whether a path is that of our own data, or leads into it."""
        return (self.folder / path).is_relative_to(self._data_root)

    @contextmanager
    def _parent(self, path: PurePosixPath) -> Iterator[int]:
        """The descriptor of the folder in which a file lies."""
        with path_refusals(PurePosixPath(self.folder)):
            descriptor = os.open(self.folder, _FOLDER)
        try:
            for name in path.parts[:-1]:
                inner = _open_folder(name, descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


class _Listing:
    """A walk through the folder."""

    def __init__(self, files: PersonFiles) -> None:
        self.files: list[ListedFile] = []
        self.truncated = False
        self._owner, self._ignored = files, IgnoredFiles(files.folder)
        self._visited = 0

    def walk(self) -> None:
        root = self._owner.folder
        for place, folders, names, descriptor in os.fwalk(root, follow_symlinks=False):
            folder = PurePosixPath(Path(place).relative_to(root).as_posix())
            folders[:] = [name for name in sorted(folders, key=_hidden_last) if self._is_entered(folder / name)]
            for name in sorted(names):
                self._visited += 1
                if len(self.files) >= MOST_FILES or self._visited >= MOST_VISITED:
                    self.truncated = True
                    return
                self._add(descriptor, folder / name)

    def _is_entered(self, path: PurePosixPath) -> bool:
        self._visited += 1
        if path.name in _NOT_LISTED or len(path.parts) > MAX_DEPTH or not is_in_one_line(path.name):
            return False
        return not self._owner.is_our_data(path) and not self._ignored.ignores_entry(path, is_folder=True)

    def _add(self, parent: int, path: PurePosixPath) -> None:
        if path.name.endswith(_TEMPORARY) or not is_in_one_line(path.name):
            return
        with suppress(OSError):
            status = os.stat(path.name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return
            if not self._ignored.ignores_entry(path, is_folder=False) and _looks_like_text(parent, path):
                self.files.append(ListedFile(str(path), status.st_size, status.st_mtime))


def _hidden_last(path: str) -> tuple[bool, str]:
    """Sorts paths by name, those in hidden folders and hidden files behind all others."""
    return any(part.startswith(".") for part in path.split("/")), path


def _relative(name: str) -> PurePosixPath:
    """The path that a name spells, below the folder. Raises InputError."""
    parts = name.split("/")
    if len(name) > MAX_PATH or not is_in_one_line(name) or "" in parts or "." in parts:
        raise InputError("path", f"is {name[:60]!r}, expected one from the folder on, such as src/main.py")
    if ".." in parts:
        raise ForbiddenFileError("path", f"is {name[:60]!r}, which leads outside of the folder")
    return PurePosixPath(name)


_NOT_SPELLED = ("Cc", "Cs", "Zl", "Zp")
"""Categories of characters: controls, halves of characters and bytes that are no Unicode, ends of lines."""


def is_in_one_line(name: str) -> bool:
    """Whether a name is text in one line; file systems hold other names, too."""
    return not any(unicodedata.category(character) in _NOT_SPELLED for character in name)


_FORBIDDEN = {
    errno.ELOOP: "is a link, or lies behind one; open the file that it leads to",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
}


@contextmanager
def path_refusals(path: PurePosixPath) -> Iterator[None]:
    """Turns an `OSError` of the block into the `InputError` that names the path."""
    try:
        yield
    except OSError as error:
        if (reason := _FORBIDDEN.get(error.errno or 0)) is not None:
            raise ForbiddenFileError(str(path), reason) from None
        if error.errno in (errno.ENOTDIR, errno.ENAMETOOLONG):
            raise NotFoundError(str(path), "there is no such file or folder") from None
        with translate_os_errors(Path(path)):
            raise


def _open_folder(name: str, parent: int) -> int:
    """Raises OSError: ELOOP where it is a link, which Linux itself calls no folder."""
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, "is a link") from None
        raise


def _read(parent: int, path: PurePosixPath) -> bytes:
    """The content of a file. Raises OSError, InputError."""
    descriptor = os.open(path.name, _READING, dir_fd=parent)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ForbiddenFileError(str(path), "is no regular file")
        _require_size(status.st_size, path)
        content = file.read(MAX_BYTES + 1)
    _require_size(len(content), path)
    return content


def _read_if_there(parent: int, path: PurePosixPath) -> bytes | None:
    try:
        return _read(parent, path)
    except FileNotFoundError:
        return None


def _looks_like_text(parent: int, path: PurePosixPath) -> bool:
    descriptor = os.open(path.name, _READING, dir_fd=parent)
    with os.fdopen(descriptor, "rb") as file:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and b"\0" not in file.read(_SNIFFED)


def _require_size(size: int, path: PurePosixPath) -> None:
    if size > MAX_BYTES:
        raise TooLargeError(str(path), f"has {size} bytes, expected {MAX_BYTES} at most")


def _text(content: bytes, path: PurePosixPath) -> str:
    """The text of a file, without its byte order mark. Raises NotTextError."""
    if b"\0" in content:
        raise NotTextError(str(path), "is no text: it holds NUL bytes")
    try:
        return content.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise NotTextError(
            str(path), f"is not UTF-8: byte {error.start} cannot be read; save it as UTF-8 elsewhere, then open it"
        ) from None


def _encoded(text: str, path: PurePosixPath) -> bytes:
    """A text as a file. Raises NotTextError."""
    if "\0" in text:
        raise NotTextError(str(path), "NUL characters cannot be saved")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotTextError(str(path), f"character {error.start} is half a character and cannot be saved") from None


def _revision(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _require_revision(current: bytes | None, revision: str | None, path: PurePosixPath) -> None:
    """Raises ConflictError: the content is not that of the revision."""
    if current is None and revision is not None:
        raise ConflictError(str(path), "was deleted or moved since it was opened; save it as a new file")
    if current is not None and revision is None:
        raise ConflictError(str(path), "is there already; open it first, or save under another name")
    if current is not None and revision != _revision(current):
        raise ConflictError(str(path), "was changed by another program since it was opened; open it again")


def _replace(parent: int, path: PurePosixPath, content: bytes, current: bytes | None) -> None:
    """Puts the content in place of the current one, with its mode. Raises OSError, ConflictError."""
    temporary = f".{secrets.token_hex(8)}{_TEMPORARY}"
    descriptor = os.open(temporary, _WRITING, 0o666 if current is None else 0o600, dir_fd=parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if current is not None:
                _keep_owner_and_mode(parent, path, descriptor)
            file.flush()
            os.fsync(descriptor)
        if current is None:
            _link_new(parent, temporary, path)
        else:
            if _read_if_there(parent, path) != current:
                raise ConflictError(str(path), "was changed by another program while it was saved; open it again")
            os.rename(temporary, path.name, src_dir_fd=parent, dst_dir_fd=parent)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=parent)
    os.fsync(parent)


def _keep_owner_and_mode(parent: int, path: PurePosixPath, descriptor: int) -> None:
    """Gives a new content the owner and the mode of the file that it stands in for. Raises OSError."""
    if not os.access(path.name, os.W_OK, dir_fd=parent):
        raise ForbiddenFileError(str(path), "is read-only")
    status = os.stat(path.name, dir_fd=parent, follow_symlinks=False)
    with suppress(PermissionError):  # of a group of others; only root may
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _link_new(parent: int, temporary: str, path: PurePosixPath) -> None:
    """Gives a new file its name, unless that is taken meanwhile. Raises OSError, ConflictError."""
    try:
        os.link(temporary, path.name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        raise ConflictError(str(path), "is there already; open it first, or save under another name") from None
