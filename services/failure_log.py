"""Unexpected errors in a log that can be handed over: where they happened, and nothing of the person's code.

An error's own text may quote what a person wrote, so only its type and the places in this project's files are kept.
Not here: errors that a client can mend (`responses`).
"""

from __future__ import annotations

import hashlib
import logging
import re
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

MAX_BYTES, OLDER_FILES = 2**20, 3
FILE = "services.log"

_ROOT = Path(__file__).resolve().parents[1]
_MOST_PLACES = 8
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")


class FailureLog:
    """The log of one server. count: unexpected errors since the start. path: of the file; None: there is none."""

    def __init__(self, folder: Path | None = None) -> None:
        self.count = 0
        self.path = None if folder is None else folder / FILE
        self._logger = logging.Logger("services")
        if self.path is not None:
            self._logger.addHandler(_Handler(self.path))

    def add(self, error: BaseException, request_id: str, where: str) -> str:
        """Notes an error; returns the id under which the log has it.

        where: method and address of the request as it is documented, without what the client put into it.
        """
        self.count += 1
        log_id = log_id_of(request_id)
        self._logger.error("%s %s: %s", log_id, ascii(where)[1:-1], describe_failure(error))
        return log_id

    def take_over(self, name: str) -> None:
        """Takes the lines of another logger from the terminal to the file."""
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = self._logger.handlers or [logging.NullHandler()], False

    def close(self) -> None:
        """Closes the file; the next line opens it again."""
        for handler in self._logger.handlers:
            handler.close()


def log_id_of(request_id: str) -> str:
    """The id, if it looks like one; else a digest of it: whatever else a client chose may be a text of the person's."""
    if _PLAIN_ID.fullmatch(request_id):
        return request_id
    return hashlib.sha256(request_id.encode("utf-8", "replace")).hexdigest()[:16]


class _Handler(RotatingFileHandler):
    """Writes to a file made with its folder at the first line; a disk that refuses does not stop a request."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True)
        self.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Leaves the line out."""


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Where an error was raised, without its text."""
        return describe_failure(ei[1])


def describe_failure(error: BaseException) -> str:
    """The error's type and where it was raised, the innermost place first, with the error that it came from."""
    text = f"{type(error).__name__} at {' < '.join(_places(error)) or 'an unknown place'}"
    cause = error.__cause__ or error.__context__
    return text if cause is None else f"{text}; from {type(cause).__name__} at {' < '.join(_places(cause))}"


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_PLACES:]
    return [f"{_shown_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames)]


def _shown_path(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name
