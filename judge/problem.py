"""A problem: what a text must do, as an entry point and cases. Not here: running anything, reading files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Case:
    """One call: positional `arguments` and the value `expected`, both Python literals.

    hidden: counts in tests and is never shown to the person, nor sent to a browser.
    """

    arguments: tuple[Any, ...]
    expected: Any
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class Problem:
    """What a text must do.

    entry_point: expression that gives the function to call, such as `encode` or `Solution().encode`.
    solution: one right text, its lines; the first `skeleton` of them are given to the person at the start.
    notes: comments that a reader of the solution may want, without the `#`.
    title, statement, difficulty (easy, medium, hard), topics: what the person reads; "" and (): unknown.
    starter_code: the text that the person begins with; "": unknown.
    preamble: code that runs before every text, such as imports that the starter code needs.
    number: a number that is the problem's own in its collection; None: it has none.
    """

    id: str
    entry_point: str
    cases: tuple[Case, ...]
    solution: tuple[str, ...] = ()
    skeleton: int = 1
    notes: tuple[str, ...] = ()
    title: str = ""
    statement: str = ""
    difficulty: str = ""
    topics: tuple[str, ...] = ()
    starter_code: str = ""
    preamble: str = ""
    number: int | None = None

    @cached_property
    def key(self) -> str:
        """Differs between problems that judge differently."""
        judged = (self.id, self.entry_point, [(case.arguments, case.expected) for case in self.cases])
        content = repr((*judged, self.preamble) if self.preamble else judged)
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def visible_cases(self) -> tuple[Case, ...]:
        """The cases that the person may see."""
        return tuple(case for case in self.cases if not case.hidden)
