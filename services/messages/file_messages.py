"""The messages of a person's own files. Paths are given from their folder, with `/`. Not here: the files."""

from __future__ import annotations

from msgspec import Struct


class FileEntry(Struct):
    """A file that can be opened. modified: seconds since 1970."""

    path: str
    bytes: int
    modified: float


class FilesMessage(Struct):
    """The files of the folder, by path, hidden ones last. folder: null: none is open. truncated: there are more.

    hint: what to do where none is open, or why the folder's files cannot be listed. failure: why the one that the
    person chose is not open; null: it is, or they chose none.
    """

    folder: str | None
    files: list[FileEntry]
    truncated: bool = False
    hint: str | None = None
    failure: str | None = None


class FileContent(Struct):
    """A file as text, its line ends as they are, without a byte order mark. revision: tells its contents apart.

    folder: in which it lies.
    """

    path: str
    text: str
    revision: str
    folder: str


class SaveRequest(Struct):
    """Saves a file. revision: of the content that `text` was made from; null: the file is new.

    folder: in which it was opened; 404 if another one is open now. null: whichever is open.
    """

    path: str
    text: str
    revision: str | None = None
    folder: str | None = None


class SaveAnswer(Struct):
    """revision: of the content that is on the disk now."""

    revision: str
