"""The one error that a person can mend. Not for bugs: those keep their traceback.

Every way in (command line, services) turns an `InputError` into its one line and exit code 2.
"""

from __future__ import annotations


class InputError(Exception):
    """One readable line: where (file, place), what was found, what is expected."""

    def __init__(self, where: str, what: str) -> None:
        self.where, self.what = _printable(where), _printable(what)
        super().__init__(f"{self.where}: {self.what}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        """For pools of processes, which send errors home."""
        return type(self), (self.where, self.what)


def _printable(text: str) -> str:
    """What is quoted from a file may hold line ends of any kind, control characters or lone surrogates."""
    return "".join([c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text])
