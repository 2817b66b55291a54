"""Which text of a file is code and which only explains it: comments and docstrings.

Works on code that does not parse, as code that is being written does not. Not here: what an edit of either means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alignment import strip_line_end

_OPENS = re.compile(r"#|(?:(?<!\w)[rRuU])?(\"{3}|'{3}|\"|')")
_CLOSES = {
    "#": re.compile(r"[^\n]*()"),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+("?)', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+('?)", re.DOTALL),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*+(""")', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*+(''')", re.DOTALL),
}
_NOTHING_AFTER = re.compile(r"[ \t]*(?:#|\n|\Z)")
_CONTINUES = tuple("([{,=+-*/%|&^\\")
"""Ends of code whose statement goes on in the next line: a string there is a value."""
_CODE = re.compile(r"""(?:[^#'"\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*+""")


class SplitLine(NamedTuple):
    """What a line does, and what it explains."""

    code: str
    note: str


class Literal(NamedTuple):
    """A string or a comment in a text, from `start` to `end`.

    quote: what opens it, `#` for a comment. closed: False for a string that never ends; it then ends with its line.
    documents: whether it only explains: a comment, or a string that is a docstring.
    """

    quote: str
    start: int
    end: int
    closed: bool
    documents: bool


def split(lines: Sequence[str]) -> list[SplitLine]:
    """Code (with its indentation) and note of each line, in one pass over the text.

    A `#` within a string begins no comment. A docstring is a string that is a statement of its own: between three
    quotes, or directly below a line that ends in a colon. A string that is never closed ends with its line.
    """
    text = "\n".join(map(strip_line_end, lines))
    code, notes, done = [], [], 0
    for literal in literals(text):
        if literal.documents:
            start, end = literal.start, literal.end
            code += [text[done:start], "\n" * text.count("\n", start, end)]
            notes += ["\n" * text.count("\n", done, start), text[start:end]]
            done = end
    code.append(text[done:])
    notes.append("\n" * text.count("\n", done))
    pairs = zip("".join(code).split("\n"), "".join(notes).split("\n"), strict=True)
    return [SplitLine(code.rstrip(), note.strip()) for code, note in pairs][: len(lines)]


def strip_comment(line: str) -> str:
    """The line without the comment at its end, if it has one; a `#` within quotes begins none."""
    if "#" not in line:
        return line.rstrip()
    match = _CODE.match(line)
    end = match.end() if match else 0
    return line[:end].rstrip() if line[end : end + 1] == "#" else line.rstrip()


def is_comment(line: str) -> bool:
    """Whether the line is nothing but a comment."""
    return line.lstrip().startswith("#")


def comment_words(comment: str) -> str:
    """What a comment says, without `#`."""
    return comment.strip().lstrip("#").strip()


def comment_texts(lines: Sequence[str]) -> tuple[str, ...]:
    """What the comments at the ends of lines say, without `#`, each once, in order."""
    texts = (comment_words(line.rstrip()[len(strip_comment(line)) :]) for line in lines)
    return tuple(dict.fromkeys(text for text in texts if text))


def literals(text: str) -> Iterator[Literal]:
    """The strings and comments of a text, in order."""
    never_closed: set[str] = set()
    last = ""  # the last character of the code so far that is not blank
    begun = False  # whether this line has code so far
    at = 0
    while opening := _OPENS.search(text, at):
        quote, start = opening[1] or "#", opening.start()
        between = text[at:start]
        begun = bool(between[between.rfind("\n") + 1 :].strip()) or (begun and "\n" not in between)
        last = between.rstrip()[-1:] or last
        at, closed = _end(text, quote, opening.end(), never_closed)
        statement = not begun and not last.endswith(_CONTINUES) and bool(_NOTHING_AFTER.match(text, at))
        documents = quote == "#" or (statement and (len(quote) == 3 or last in ("", ":")))
        yield Literal(quote, start, at, closed, documents)
        if not documents:
            begun, last = True, quote


def _end(text: str, quote: str, at: int, never_closed: set[str]) -> tuple[int, bool]:
    """Where what `quote` opened before `at` ends, and whether it is closed there.

    A search in vain is made once, or it would cost the square.
    """
    if quote not in never_closed:
        if closing := _CLOSES[quote].match(text, at):
            return closing.end(), quote == "#" or bool(closing[1])
        never_closed.add(quote)
    end = text.find("\n", at)
    return (end if end >= 0 else len(text)), False
