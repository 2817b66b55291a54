"""How a file is indented, and how a text that is indented otherwise is made to match. Not here: what a text says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from comments import strip_comment

DEFAULT_WIDTH = 4
"""Blanks of a level where a text does not show how many it uses."""


@dataclass(frozen=True, slots=True)
class IndentStyle:
    """unit: what one level of indentation is written with, a tab or so many blanks."""

    unit: str

    def rewrite(self, indent: str, width: int) -> str:
        """An indentation whose levels are `width` columns (or a tab) wide, in this style; odd columns stay blanks."""
        levels, columns = divmod(len(indent.expandtabs(width)), width)
        return self.unit * levels + " " * columns


BLANKS = " \t\f"
"""What is blank for Python's tokenizer; other blank characters are tokens, most of them errors."""


def indentation(line: str) -> str:
    """The blanks and tabs that the line begins with."""
    return line[: len(line) - len(line.lstrip(BLANKS))]


@lru_cache(maxsize=64)
def indent_style(lines: tuple[str, ...]) -> IndentStyle | None:
    """The style that most indented lines of a file have; None: no line is indented."""
    text = "\n" + "\n".join(lines)
    tabs, blanks = text.count("\n\t"), text.count("\n ")
    if tabs + blanks == 0:
        return None
    if tabs > blanks:
        return IndentStyle("\t")
    columns = [len(indentation(line)) for line in lines if line[:1] == " " and line.strip()]
    return IndentStyle(" " * (_block_width(text) or _common_width(columns)))


def match_indentation(block: Sequence[str], lines: tuple[str, ...], at: int, before: str = "") -> list[str]:
    """The lines of a text that is to stand at line `at` of a file, indented as the file is.

    before: the indentation that stands left of the text's first line already.

    A text shows its width by what stands below a colon. One that does not is taken to be the file's own if its first
    line is at a level of the file that a line can have there; else that line's indentation tells.
    """
    indents = [indentation(line) for line in block]
    style = indent_style(lines) if any(indents) else None
    if style is None:
        return list(block)
    columns = len(before.expandtabs(len(style.unit)))
    width = _text_width(block, indents, style, _deepest(lines, at, style), columns)
    return [style.rewrite(indent, width) + line[len(indent) :] for indent, line in zip(indents, block, strict=True)]


def _text_width(block: Sequence[str], indents: Sequence[str], style: IndentStyle, deepest: int, before: int) -> int:
    """Columns of a level of a text's indentation.

    deepest: columns that a statement can be indented by where the text is to stand. before: columns left of it already.
    """
    if width := _block_width("\n".join(block)):
        return width
    first = len(indents[0])
    if style.unit == "\t" or any("\t" in indent for indent in indents):
        return DEFAULT_WIDTH if "\t" in indents[0] else _common_width([first])
    is_file_style = (before + first) % len(style.unit) == 0 and before + first <= deepest
    return len(style.unit) if is_file_style else _common_width([first])


def _deepest(lines: Sequence[str], at: int, style: IndentStyle) -> int:
    """Columns of the deepest indentation that a statement can have at line `at`."""
    above = next((line for line in reversed(lines[:at]) if line.strip()), "")
    opens_block = strip_comment(above).endswith(":")
    return len(indentation(above)) + (len(style.unit) if opens_block else 0)


_BLOCK = re.compile(r"^([ \t]*+)(?=\S)[^\n#]*:[ \t\r]*(?:#[^\n]*)?\n(?=(?:[ \t\r]*\n)*+\1( {2,8})\S)", re.MULTILINE)
"""A line that ends in a colon, and (group 2) by how much deeper the next one is; one blank is a line half typed."""


def _block_width(text: str) -> int | None:
    """By how many blanks most blocks are indented, of equals the narrowest; None: no block is, or by tabs."""
    steps = Counter([len(step) for _, step in _BLOCK.findall(text)])
    return max(steps, key=lambda width: (steps[width], -width)) if steps else None


def _common_width(columns: Sequence[int]) -> int:
    """The widest usual width that all indentations, in columns, are a multiple of."""
    widths = (width for width in (DEFAULT_WIDTH, 2, 3) if not any(column % width for column in columns))
    return next(widths, DEFAULT_WIDTH)
