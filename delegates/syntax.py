"""Whether an edit is right Python where it stands, also in a file that is half written elsewhere.

The rule, from the largest region to the smallest. A region is the file, then the top-level statement around the edit,
then the function or class around it.

1. The region with the edit parses, perhaps with a `pass` below an edit that ends in a colon: the edit fits.
2. It does not, but it did before the edit, or does with a `pass` in place of it: the edit is at fault.
3. Else the region is broken elsewhere and says nothing; the next smaller one is asked.
4. In the end the edited lines alone must parse, with a `pass` as their body; an `else` or `except` must stand below
   the `if` or `try` that it belongs to. Where they stand in brackets that open above, what is there so far must parse
   once these are closed.

Not here: what is done about an edit that does not fit.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from delegates.python_lexer import PARTNER, line_tokens, lines_within_statements, open_brackets
from indentation import DEFAULT_WIDTH, indent_style, indentation

MOST_LINES = 800
"""Lines of a region that is parsed: a longer one takes more than ten milliseconds."""

_NEEDS_ABOVE = {
    "else": "if x:\n    pass\n", "elif": "if x:\n    pass\n", "except": "try:\n    pass\n",
    "finally": "try:\n    pass\n", "case": "match x:\n",
}  # fmt: skip


_FOLLOWS = {
    "else": ("if", "elif", "for", "while", "except", "async"), "elif": ("if", "elif"), "except": ("try", "except"),
    "finally": ("try", "except", "else"),
}  # fmt: skip
"""What a clause may stand below, at the same indentation."""


@dataclass(frozen=True, slots=True)
class Region:
    """Lines of a file of which those from `start` to `end` (exclusive) were edited."""

    lines: tuple[str, ...]
    start: int
    end: int

    def with_lines(self, replacement: Sequence[str]) -> str:
        """The region's text with other lines in place of the edited ones."""
        return "\n".join([*self.lines[: self.start], *replacement, *self.lines[self.end :]])


def fits(lines: Sequence[str], start: int, end: int, replaced: Sequence[str]) -> bool:
    """Whether lines `start` to `end` (exclusive) are right where they stand, in place of the lines `replaced`.

    lines: all of the file, without line ends.
    """
    file = Region(tuple(lines), start, end)
    for region in _regions(file):
        if len(region.lines) <= MOST_LINES:
            if _parses_with_body(region):
                return True
            if any(parses(region.with_lines(replacement)) for replacement in (replaced, [_neutral(region)])):
                return False
    return _fits_alone(file)


@lru_cache(maxsize=256)
def parses(text: str) -> bool:
    """Whether the text is a right Python module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "<text>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True


def _parses_with_body(region: Region) -> bool:
    lines = region.lines
    if parses("\n".join(lines)):
        return True
    last = lines[region.end - 1] if region.end > region.start else ""
    if not opens_block(last):
        return False
    return parses(region.with_lines([*lines[region.start : region.end], _body(lines, last)]))


def opens_block(line: str) -> bool:
    """Whether the line ends in a colon that a block must follow."""
    return line_tokens(line)[-1:] == (":",)


def _body(lines: tuple[str, ...], header: str) -> str:
    style = indent_style(lines)
    return indentation(header) + (style.unit if style else " " * DEFAULT_WIDTH) + "pass"


def _neutral(region: Region) -> str:
    """A statement that says nothing, at the indentation of what was edited."""
    return indentation(region.lines[region.start] if region.end > region.start else "") + "pass"


_TOP_LEVEL = re.compile(r"[^\s#)\]}]")
_CONTINUES_STATEMENT = re.compile(r"(?:else|elif|except|finally)\b")


def _top_level_statement(file: Region) -> Region:
    """The lines from the last line at column 0 above the edit to the next one below it."""
    lines = file.lines
    start = next((i for i in range(file.start, -1, -1) if _begins_top_level(lines, i)), 0)
    end = next((i for i in range(max(file.end, start + 1), len(lines)) if _begins_top_level(lines, i)), len(lines))
    return Region(lines[start:end], file.start - start, file.end - start)


def _begins_top_level(lines: Sequence[str], row: int) -> bool:
    line = lines[row] if row < len(lines) else ""
    return bool(_TOP_LEVEL.match(line)) and not _CONTINUES_STATEMENT.match(line)


def _regions(file: Region) -> Iterator[Region]:
    """The file, the top-level statement and the definition around the edit, the largest first."""
    yield file
    statement = _top_level_statement(file)
    yield statement
    if len(statement.lines) > MOST_LINES or not parses("\n".join(statement.lines)):
        yield _definition(statement)


_DEFINITION = re.compile(r"[ \t]*(?:async\s+)?(?:def|class)\b")


def _definition(region: Region) -> Region:
    """The innermost function or class around the edit, moved to column 0; the region itself, if there is none."""
    lines = region.lines
    edited = lines[region.start : region.end]
    deepest = min((len(indentation(line)) for line in edited if line.strip()), default=0)
    start = next((i for i in range(region.start, -1, -1) if _encloses(lines[i], deepest)), None)
    if start is None:
        return region
    indent = indentation(lines[start])
    end = next((i for i in range(region.end, len(lines)) if _is_outside(lines[i], indent)), len(lines))
    moved = tuple([line.removeprefix(indent) for line in lines[start:end]])
    return Region(moved, region.start - start, region.end - start)


def _encloses(line: str, columns: int) -> bool:
    return bool(_DEFINITION.match(line)) and len(indentation(line)) < columns


def _is_outside(line: str, indent: str) -> bool:
    return bool(line.strip()) and len(indentation(line)) <= len(indent) and line.strip()[0] not in ")]}#"


def _fits_alone(file: Region) -> bool:
    """Step 4 of the rule."""
    edited = list(file.lines[file.start : file.end])
    text = textwrap.dedent("\n".join(edited))
    if not text.strip():
        return True
    first = re.match(r"\w*", text.lstrip())
    word = first[0] if first else ""
    above = _NEEDS_ABOVE.get(word, "")
    if word in _FOLLOWS and not _follows_its_statement(file, word):
        return False
    if above.startswith("match"):
        text = textwrap.indent(text, "    ")
    if opens_block(edited[-1]):
        text += "\n" + _body(tuple(edited), text.split("\n")[-1])
    return parses(above + text) or _fits_in_open_brackets(file)


def _follows_its_statement(file: Region, clause: str) -> bool:
    """Whether the nearest line above that is not deeper begins a statement that the clause belongs to."""
    columns = len(indentation(file.lines[file.start]))
    within = lines_within_statements(file.lines[: file.start])
    for line, goes_on in zip(reversed(file.lines[: file.start]), reversed(within), strict=True):
        if line.strip() and not goes_on and not line.lstrip().startswith("#") and len(indentation(line)) <= columns:
            word = re.match(r"\w*", line.lstrip())
            return len(indentation(line)) == columns and word is not None and word[0] in _FOLLOWS[clause]
    return False


def _fits_in_open_brackets(file: Region) -> bool:
    """Whether the edit continues brackets that open above it, and is right once they are closed."""
    statement = _definition(_top_level_statement(file))
    if not open_brackets(line_tokens("\n".join(statement.lines[: statement.start][-MOST_LINES:]))):
        return False
    so_far = "\n".join(statement.lines[: statement.end][-MOST_LINES:])
    closing = [PARTNER[bracket] for bracket in reversed(open_brackets(line_tokens(so_far)))]
    return parses(so_far + "\n" + "".join(closing))
