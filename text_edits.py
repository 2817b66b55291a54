"""What a text does to the lines of a file: completing a line, writing over it, rewriting it.

Each function returns the `Replacement` that it makes, None if there is nothing to do. Not here: explanations, who
edits, where it is legal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alignment import common_prefix, strip_line_end
from indentation import indentation, match_indentation


@dataclass(frozen=True, slots=True)
class Replacement:
    """Lines `start` to `end` (exclusive; the same: an insertion) of a file become `lines`, which have no line ends."""

    start: int
    end: int
    lines: list[str]

    def applied_to(self, lines: Sequence[str]) -> list[str]:
        """The file's lines afterwards. New ones end as the line in whose place they stand, or as the others do."""
        line_end = _line_end(lines[self.start])
        new = list(self.lines)
        if self.end > self.start:
            new[-1] += line_end
        last = len(new) - (self.end > self.start)
        if last:
            between = line_end or next((end for line in lines if (end := _line_end(line))), "")
            new[:last] = [text + between for text in new[:last]]
        return [*lines[: self.start], *new, *lines[self.end :]]


_LINE_END = re.compile(r"\r?\n|\r")


def text_block(text: str) -> list[str]:
    """The text's lines without line ends, blanks at their ends, and blank lines around; none if all is blank."""
    lines = [strip_line_end(line).rstrip() for line in text.split("\n")]
    filled = [i for i, line in enumerate(lines) if line]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def fill(lines: tuple[str, ...], line: int, text: str, column: int | None) -> Replacement | None:
    """Inserts the text's first line at `column` (None: the line's end); blanks at its end stay before more text.

    Where nothing but indentation stands before it, its own is written as the file's and goes on from there.
    """
    old = strip_line_end(lines[line])
    first = _LINE_END.split(text, maxsplit=1)[0]
    at = len(old) if column is None else min(max(column, 0), len(old))
    before, after = old[:at], old[at:]
    if not first.strip():
        return None
    if before == indentation(before):
        (first,) = match_indentation([first], lines, line, before)
    return Replacement(line, line + 1, [before + (first if after.strip() else first.rstrip()) + after])


def write_line(lines: tuple[str, ...], line: int, text: str) -> Replacement | None:
    """The text's first line in place of the line, at its indentation; in place of an empty one, at the text's own."""
    return _replace(lines, line, text_block(text)[:1], keeps_own_indent=False)


def write_block(lines: tuple[str, ...], line: int, text: str) -> Replacement | None:
    """The text in place of the line: its first line at the line's indentation, the others relative to it."""
    return _replace(lines, line, text_block(text), keeps_own_indent=False)


def rewrite(lines: tuple[str, ...], line: int, text: str) -> Replacement | None:
    """The text in place of the line, at its own indentation; one that brings none stands at the line's."""
    return _replace(lines, line, text_block(text), keeps_own_indent=True)


def _replace(lines: tuple[str, ...], line: int, block: list[str], *, keeps_own_indent: bool) -> Replacement | None:
    if not block:
        return None
    old = strip_line_end(lines[line])
    if not old or (keeps_own_indent and indentation(block[0])):
        return Replacement(line, line + 1, match_indentation(block, lines, line))
    if len(block) == 1:
        return Replacement(line, line + 1, [indentation(old) + block[0].lstrip()])
    return Replacement(line, line + 1, _shift(match_indentation(block, lines, line), indentation(old)))


def _shift(block: list[str], indent: str) -> list[str]:
    """The block with its first line at `indent`, and the others as much deeper or shallower as they were."""
    indents = [indentation(text) for text in block]
    shared = [common_prefix(blanks, indents[0]) for blanks in indents]
    return [
        text and indent[: max(len(indent) - (len(indents[0]) - same), 0)] + blanks[same:] + text.lstrip()
        for text, blanks, same in zip(block, indents, shared, strict=True)
    ]


def _line_end(line: str) -> str:
    return line[len(strip_line_end(line)) :]
