"""Which sessions are of a person's file that is ignored by now, or a secret: nothing learns from them.

A session says which file it edited, and in which folder that lies. Not here: the rules (`delegates.ignored_files`).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from delegates.ignored_files import IgnoredFiles, is_secret_file


class IgnoredSessions:
    """By the ignore files as they are when the first session of each folder is asked about."""

    def __init__(self) -> None:
        self._rules: dict[str, IgnoredFiles | None] = {}

    def ignores(self, file: str | None, folder: str | None) -> bool:
        """Whether the session of a file in a folder is left out; one that does not say where its file lies is not.

        Where the folder is not on this machine any more, only the file's name tells that it is a secret.
        """
        if file is None or folder is None:
            return False
        if folder not in self._rules:
            self._rules[folder] = IgnoredFiles(Path(folder)) if _is_folder(Path(folder)) else None
        rules = self._rules[folder]
        return is_secret_file(PurePosixPath(file)) if rules is None else rules.ignores(Path(file))


def _is_folder(path: Path) -> bool:
    """Whether a folder is on this machine, by a whole path that may be any text."""
    try:
        return path.is_absolute() and path.is_dir()
    except (OSError, ValueError):
        return False
