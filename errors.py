"""The errors that a person can mend, by kind. Not for bugs: those keep their traceback.

Every entry point (command line, services) turns an `InputError` into its one line and exit code 2. A service answers
400 to an `InputError`, 404, 409 and 507 to the kinds below it.
"""

from __future__ import annotations


class InputError(Exception):
    """Bad input. One readable line: where (file, position), what was found, what is expected."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = printable(where), printable(reason)
        super().__init__(f"{self.where}: {self.reason}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        """Pickles as its two parts: pools of processes send errors back."""
        return type(self), (self.where, self.reason)


class NotFoundError(InputError):
    """What was asked for does not exist: no such file, folder, generation."""


class ConflictError(InputError):
    """Somebody else works on the same thing now: another run in this folder, a file that has changed meanwhile."""


class NoSpaceError(InputError):
    """The disk is full, or the quota is used up."""


def printable(text: str) -> str:
    """`text` in one line that a terminal only shows: control characters, line ends, lone surrogates are escaped."""
    return "".join([c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text])
