"""Which text of a file is code and which only explains it: comments and docstrings.

Works on code that does not parse, as code that is being written does not. Not here: what an edit of either means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_OPENS = re.compile(r"#|(?:(?<!\w)[rRuU])?(\"{3}|'{3}|\"|')")
_CLOSES = {
    "#": re.compile(r"[^\n]*"),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+"?'),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+'?"),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*+"""', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*+'''", re.DOTALL),
}
_NOTHING_BEHIND = re.compile(r"[ \t]*(?:#|\n|\Z)")
_GOES_ON = tuple("([{,=+-*/%|&^\\")
"""Ends of code whose statement goes on in the next line: a string there is a value."""


class SplitLine(NamedTuple):
    """What a line does, and what it explains."""

    code: str
    note: str


def split(lines: Sequence[str]) -> list[SplitLine]:
    """Code (with its indentation) and note of each line, in one pass over the text.

    A `#` within a string begins no comment. A docstring is a string that is a statement of its own: between three
    quotes, or directly below a line that ends in a colon. A string that is never closed ends with its line.
    """
    text = "\n".join([line.rstrip("\r\n") for line in lines])
    code, notes, done = [], [], 0
    for start, end in _spans(text):
        code += [text[done:start], "\n" * text.count("\n", start, end)]
        notes += ["\n" * text.count("\n", done, start), text[start:end]]
        done = end
    code.append(text[done:])
    notes.append("\n" * text.count("\n", done))
    pairs = zip("".join(code).split("\n"), "".join(notes).split("\n"), strict=True)
    return [SplitLine(said.rstrip(), note.strip()) for said, note in pairs][: len(lines)]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where comments and docstrings are, in order."""
    never_closed: set[str] = set()
    behind = ""  # the last of the code so far that is not blank
    begun = False  # whether this line has code so far
    at = 0
    while opening := _OPENS.search(text, at):
        quote, start = opening[1] or "#", opening.start()
        between = text[at:start]
        begun = bool(between[between.rfind("\n") + 1 :].strip()) or (begun and "\n" not in between)
        behind = between.rstrip()[-1:] or behind
        at = _end(text, quote, opening.end(), never_closed)
        statement = not begun and not behind.endswith(_GOES_ON) and _NOTHING_BEHIND.match(text, at)
        if quote == "#" or (statement and (len(quote) == 3 or behind in ("", ":"))):
            yield start, at
        else:
            begun, behind = True, quote


def _end(text: str, quote: str, at: int, never_closed: set[str]) -> int:
    """Where what `quote` opened before `at` ends. A search in vain is made once, or it would cost the square."""
    if quote not in never_closed:
        if closing := _CLOSES[quote].match(text, at):
            return closing.end()
        never_closed.add(quote)
    end = text.find("\n", at)
    return end if end >= 0 else len(text)
