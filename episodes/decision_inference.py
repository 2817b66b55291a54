"""The decision that was not recorded, read off the difference of the two texts (formats, decisions not recorded).

Not here: who moved.
"""

from __future__ import annotations

from collections.abc import Sequence

import comments
from actions import Decision
from alignment import strip_line_end


def infer_decision(before: Sequence[str], after: Sequence[str], cursor: int) -> tuple[Decision, int]:
    """`(decision, line)` that turned `before` into `after`; lines from 0 in `before`, -1: none.

    cursor: the line of `before` on which the cursor was last known; -1: unknown.
    """
    old, new = list(map(strip_line_end, before)), list(map(strip_line_end, after))
    if old == new:
        return Decision.NO_OP, -1
    change = _Change(old, new)
    first = min(change.first, len(old) - 1)
    if _only_notes_were_added(old, new):
        if change.is_on(cursor):
            return Decision.EXPLAIN_SINGLE_LINES, cursor
        return Decision.EXPLAIN_MULTI_LINES, first
    if not change.is_on(cursor) and not change.is_below(cursor):
        return Decision.EDIT_EXISTING_LINES, first
    if change.only_adds_to(cursor):
        return Decision.FILL_PARTIAL_LINE, cursor
    return Decision.WRITE_SINGLE_LINE if change.lines == 1 else Decision.WRITE_MULTI_LINE, cursor


class _Change:
    """The lines of two texts between what they have in common at both ends."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        head = _common(old, new)
        tail = _common(old[::-1], new[::-1])
        self.old, self.first = old, head
        short = min(len(old), len(new))
        # What was inserted or deleted may equal its surroundings; then it could as well have been some lines earlier.
        self.earliest = min(head, short - min(tail, short))
        tail = min(tail, short - head)
        self.went, self.came = old[head : len(old) - tail], new[head : len(new) - tail]

    @property
    def lines(self) -> int:
        """How many lines differ. Blank ones that come or go with others (Enter behind a line) are not counted."""
        written = (sum(bool(line.strip()) for line in part) for part in (self.went, self.came))
        return max(written) or max(len(self.went), len(self.came))

    def is_on(self, line: int) -> bool:
        """Whether it begins on this line; an insertion is on the line that it was made above, at most the last."""
        if self.went and self.came:
            return line == self.first
        last = len(self.old) - 1
        return line >= 0 and min(self.earliest, last) <= line <= min(self.first, last)

    def is_below(self, line: int) -> bool:
        """Whether it is an insertion directly below this line."""
        return not self.went and self.earliest <= line + 1 <= self.first and line >= 0

    def only_adds_to(self, line: int) -> bool:
        """Whether it is text added to this line and nothing else."""
        if self.lines != 1 or not self.came or line != self.first:
            return False
        if not self.went and self.old[line].strip():
            return False  # a line of its own; above a blank one, it is what was typed there before Enter
        written = max(self.came, key=lambda line: len(line.strip()))
        characters = iter(written)
        return all(character in characters for character in self.old[line].rstrip())


def _only_notes_were_added(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether the code is the same, every note is still there, and there are more or longer ones."""
    before, after = ([line for line in comments.split(lines) if line.code or line.note] for lines in (old, new))
    if before == after:
        return False
    rest = iter(after)
    for line in before:
        for candidate in rest:
            if candidate.code == line.code and candidate.note.startswith(line.note):
                break
            if candidate.code:
                return False
        else:
            return False
    return not any(line.code for line in rest)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many lines the two begin with in common."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
