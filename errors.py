"""The one error that a person can mend. Not for bugs: those keep their traceback.

Every way in (command line, services) turns an `InputError` into its one line and exit code 2.
"""

from __future__ import annotations


class InputError(Exception):
    """One readable line: where (file, place), what was found, what is expected."""

    def __init__(self, where: str, what: str) -> None:
        # What is quoted from a file may hold line breaks or lone surrogates; a message is one printable line.
        line = f"{where}: {what}".replace("\n", "\\n").replace("\r", "\\r")
        super().__init__(line.encode("utf-8", "backslashreplace").decode("utf-8"))
        self.where = where
        self.what = what
