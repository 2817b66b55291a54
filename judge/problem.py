"""A problem: what a text must do, as an entry point and cases. Not here: running anything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Case:
    """One call: positional `arguments` and the value `expected`, both Python literals."""

    arguments: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True, eq=False)
class Problem:
    """What a text must do.

    entry_point: expression that gives the function to call, such as `encode` or `Solution().encode`.
    solution: one right text, its lines; the first `skeleton` of them are given to the person at the start.
    notes: comments that a reader of the solution may want, without the `#`.
    """

    id: str
    entry_point: str
    cases: tuple[Case, ...]
    solution: tuple[str, ...] = ()
    skeleton: int = 1
    notes: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """Differs between problems that judge differently."""
        content = repr((self.id, self.entry_point, [(case.arguments, case.expected) for case in self.cases]))
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
