"""The decision that was not recorded, inferred from the difference of the two texts (docs/formats.md).

Not here: who acted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from actions import Decision
from alignment import strip_line_end
from comments import SplitLine, is_comment, split
from explanations import comment_places


def infer_decision(before: Sequence[str], after: Sequence[str], cursor: int) -> tuple[Decision, int]:
    """`(decision, line)` that turned `before` into `after`; lines from 0 in `before`, -1: none.

    cursor: the line of `before` on which the cursor was last known; -1: unknown.
    """
    old, new = list(map(strip_line_end, before)), list(map(strip_line_end, after))
    if old == new:
        return Decision.NO_OP, -1
    change = _Change(old, new)
    decision = _inferred(change, _split(tuple(old)), _split(tuple(new)), cursor)
    elsewhere = decision in (Decision.EDIT_EXISTING_LINES, Decision.EXPLAIN_MULTI_LINES)
    return decision, min(change.first, len(old) - 1) if elsewhere else cursor


def _inferred(change: _Change, before: Sequence[SplitLine], after: Sequence[SplitLine], cursor: int) -> Decision:
    if before != after and _same_code(before, after):  # comments alone
        if not _only_added(before, after):
            return Decision.EDIT_EXISTING_LINES
        at_cursor = change.is_on(cursor) and not change.stands_in_for_end_comment(cursor)
        return Decision.EXPLAIN_SINGLE_LINES if at_cursor else Decision.EXPLAIN_MULTI_LINES
    if not change.is_on(cursor) and not change.is_below(cursor):
        return Decision.EDIT_EXISTING_LINES
    if change.only_adds_to(cursor):
        return Decision.FILL_PARTIAL_LINE
    return Decision.WRITE_SINGLE_LINE if change.lines == 1 else Decision.WRITE_MULTI_LINE


class _Change:
    """The lines of two texts between what they have in common at both ends: `deleted` from `first` on, `inserted`."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        head = _common_length(old, new)
        tail = _common_length(old[::-1], new[::-1])
        self.old, self.first = old, head
        short = min(len(old), len(new))
        # What was inserted or deleted may equal its surroundings; then it could as well have been some lines earlier.
        self.earliest = min(head, short - min(tail, short))
        tail = min(tail, short - head)
        self.deleted, self.inserted = old[head : len(old) - tail], new[head : len(new) - tail]

    @property
    def lines(self) -> int:
        """How many lines differ. Blank ones that come or go with others (Enter behind a line) are not counted."""
        solid = (sum(bool(line.strip()) for line in part) for part in (self.deleted, self.inserted))
        return max(solid) or max(len(self.deleted), len(self.inserted))

    def is_on(self, line: int) -> bool:
        """Whether it begins on this line; an insertion is on the line that it was made above, at most the last."""
        if self.deleted and self.inserted:
            return line == self.first
        last = len(self.old) - 1
        return line >= 0 and min(self.earliest, last) <= line <= min(self.first, last)

    def is_below(self, line: int) -> bool:
        """Whether it is an insertion directly below this line, or typed into the blank lines directly below it."""
        if line < 0:
            return False
        if not self.deleted:
            return self.earliest <= line + 1 <= self.first
        blanks_below = not any(text.strip() for text in self.old[line + 1 : self.first + len(self.deleted)])
        return line < self.first and blanks_below and any(text.strip() for text in self.inserted)

    def stands_in_for_end_comment(self, line: int) -> bool:
        """Whether it is comment lines above this line, at whose end no comment could stand."""
        is_above = not self.deleted and self.earliest <= line < len(self.old) and all(map(is_comment, self.inserted))
        return is_above and not comment_places(tuple(self.old)).ends[line]

    def only_adds_to(self, line: int) -> bool:
        """Whether it is text added to this line and nothing else."""
        if self.lines != 1 or not self.inserted or line != self.first:
            return False
        if not self.deleted and self.old[line].strip():
            return False  # a line of its own; above a blank one, it is what was typed there before Enter
        longest = max(self.inserted, key=lambda line: len(line.strip()))
        characters = iter(longest)
        return all(character in characters for character in self.old[line].rstrip())


@lru_cache(maxsize=2)  # a session's states are compared with the one before and with the one after
def _split(lines: tuple[str, ...]) -> tuple[SplitLine, ...]:
    """Code and note of every line that is not blank."""
    return tuple([line for line in split(lines) if line.code or line.note])


def _same_code(before: Sequence[SplitLine], after: Sequence[SplitLine]) -> bool:
    return [line.code for line in before if line.code] == [line.code for line in after if line.code]


def _only_added(before: Sequence[SplitLine], after: Sequence[SplitLine]) -> bool:
    """Whether every note is still there, or longer; the code is the same."""
    remaining = iter(after)
    for line in before:
        for candidate in remaining:
            if candidate.code == line.code and candidate.note.startswith(line.note):
                break
            if candidate.code:
                return False
        else:
            return False
    return True


def _common_length(a: Sequence[str], b: Sequence[str]) -> int:
    """How many lines the two begin with in common."""
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))
