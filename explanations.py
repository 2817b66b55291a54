"""Comments that a text puts into a file without changing its code.

A comment may stand where the sequence of Python's tokens, comments and empty lines left out, stays the same: at a
line's end that is a token of its own, or above a line that begins outside of strings and continued lines. Where
Python's tokenizer refuses the file, as half-written ones, a scanner of strings, brackets and backslashes decides; in
doubt no comment may stand there. Not here: who edits, where it is legal.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from alignment import strip_line_end
from comments import comment_words, is_comment
from indentation import BLANKS, indentation, match_indentation
from text_edits import Replacement, text_block

_UNPRINTABLE = re.compile("[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")
"""What ends a line for some reader, cannot be encoded, or is no text."""

_ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")
"""A declaration of the source's encoding, which counts in the first two lines (PEP 263)."""

_BLANK_OR_COMMENT = re.compile(r"[ \t\f]*(?:#|\Z)")
"""What may stand above such a declaration."""

_FIRST_LINE_ONLY = ("#!", "\ufeff")


@dataclass(frozen=True, slots=True)
class CommentPlaces:
    """Where comments may stand, line by line.

    ends: whether one may stand at the line's end. statements: the first line of the statement that the line belongs
    to, above which one may stand; None: in doubt, nothing may be written. last_above: the last line above which one
    may stand.
    """

    ends: tuple[bool, ...]
    statements: tuple[int | None, ...]
    last_above: int

    def above(self, line: int) -> int | None:
        """The line above which a comment on `line` may stand: this one, else the first one of its statement."""
        is_free = line == 0 or self.ends[line - 1]
        return line if is_free and line <= self.last_above else self.statements[line]


def explain_line(lines: tuple[str, ...], line: int, text: str) -> Replacement | None:
    """The text's first line as a comment at the end of the line; where none can stand, above its statement."""
    block = text_block(text)[:1]
    if not block:
        return None
    bodies = tuple([strip_line_end(row) for row in lines])
    places, old, comment = comment_places(bodies), bodies[line], _as_comment(block[0])
    if not places.ends[line]:
        return _insert(bodies, places.statements[line], line, block)
    if _carries(bodies, line, line, comment) or (old.strip(BLANKS) and not old.strip()):
        return None  # behind nothing but blanks that are tokens a tokenizer may take the line for a comment's own
    indent = indentation(old or match_indentation(block, lines, line)[0])
    new = f"{old.rstrip(BLANKS)}  {comment}" if old.strip(BLANKS) else indent + comment
    return _unless_declared(bodies, Replacement(line, line + 1, [new]))


def explain_above(lines: tuple[str, ...], line: int, text: str) -> Replacement | None:
    """Every line of the text that is not blank as a comment above the line, else above its statement."""
    block = [row for row in text_block(text) if row]
    bodies = tuple([strip_line_end(row) for row in lines])
    return _insert(bodies, comment_places(bodies).above(line), line, block) if block else None


def _insert(lines: tuple[str, ...], at: int | None, line: int, block: list[str]) -> Replacement | None:
    """The comments of `block` above line `at`, without those that `line` carries already."""
    if at is None:
        return None
    indent = indentation(lines[at] or match_indentation(block, lines, at)[0])
    comments = [comment for text in block if not _carries(lines, at, line, comment := _as_comment(text))]
    new = [indent + comment for comment in comments]
    return _unless_declared(lines, Replacement(at, at, new)) if new else None


def _as_comment(text: str) -> str:
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if text.startswith("#") else f"# {text}"


def _carries(lines: Sequence[str], at: int, line: int, comment: str) -> bool:
    """Whether the comment stands at the end of `line` already, or among the comment lines around line `at`."""
    note = comment_words(comment)
    around = [*takewhile(is_comment, reversed(lines[:at])), *takewhile(is_comment, lines[at:])]
    return _ends_with_note(lines[line], note) or any(comment_words(row) == note for row in around)


def _ends_with_note(line: str, note: str) -> bool:
    line = line.rstrip()
    return line.endswith(note) and line[: len(line) - len(note)].rstrip().endswith("#")


def _unless_declared(lines: tuple[str, ...], replacement: Replacement) -> Replacement | None:
    """None if it would change, move or make the file's `#!` line, byte order mark or declaration of its encoding.

    Nor does anything come above one of these.
    """
    declared = _declarations(lines[:2])
    below = lines[replacement.start : 2] if replacement.start == replacement.end else ()
    if any(line and line in below for line in declared):
        return None
    after = (*lines[: replacement.start], *replacement.lines, *lines[replacement.end : replacement.end + 2])
    return replacement if declared == _declarations(after[:2]) else None


def _declarations(head: Sequence[str]) -> tuple[str, str]:
    """The first line if it counts only there, and the line that declares the encoding."""
    first = head[0] if head and head[0].startswith(_FIRST_LINE_ONLY) else ""
    for line in head:
        if _ENCODING.match(line):
            return first, line
        if not _BLANK_OR_COMMENT.match(line):
            break
    return first, ""


@lru_cache(maxsize=64)
def comment_places(lines: tuple[str, ...]) -> CommentPlaces:
    """Where comments may stand in a file, given as lines without line ends."""
    if any("\r" in line for line in lines):  # a line end for Python, none for an editor
        return CommentPlaces((False,) * len(lines), (None,) * len(lines), last_above=0)
    text = "\n".join(lines)
    scanner = _Scanner(len(lines))
    scanner.read(text)
    if not scanner.sure:
        with suppress(tokenize.TokenError, SyntaxError, UnicodeEncodeError):
            return _tokenized(text, len(lines))
    return scanner.places()


def _tokenized(text: str, count: int) -> CommentPlaces:
    """Raises TokenError, SyntaxError or UnicodeEncodeError: Python's tokenizer refuses the text."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    if any(token.type == tokenize.ERRORTOKEN and token.string.strip() for token in tokens):
        raise tokenize.TokenError("the text has a character that begins no token")
    stray = _stray_closer(tokens)
    last_above = count - 1 if stray is None else stray
    ends = [False] * count
    for token in tokens:
        if token.type in (tokenize.NEWLINE, tokenize.NL):
            ends[token.start[0] - 1] = True
    if not text[text.rfind("\n") + 1 :].strip(BLANKS):  # the end of the file, which has no token of its own
        ends[-1] = all(ends[-2:-1]) and stray is None
    first = _statement_starts(tokens, count)
    begins = zip(range(count), first, [True, *ends], strict=False)
    statements = [begin if begin <= last_above and (begin != row or free) else None for row, begin, free in begins]
    return CommentPlaces(tuple(ends), tuple(statements), last_above)


def _stray_closer(tokens: Sequence[tokenize.TokenInfo]) -> int | None:
    """The line of the first closing bracket that was never opened.

    Below it Python 3.11 counts a depth of less than 0, where a comment's line ends with a NEWLINE token.
    """
    depth = 0
    for token in tokens:
        depth += _STEPS.get(token.string, 0) if token.type == tokenize.OP else 0
        if depth < 0:
            return token.start[0] - 1
    return None


def _statement_starts(tokens: Sequence[tokenize.TokenInfo], count: int) -> list[int]:
    """Of each line the first line of the statement that it belongs to; itself if it belongs to none."""
    starts = list(range(count))
    begin: int | None = None
    for token in tokens:
        if begin is None and token.type not in _OUTSIDE_STATEMENTS:
            begin = token.start[0] - 1
        if begin is not None and token.type == tokenize.NEWLINE:
            last = token.end[0]
            starts[begin:last] = [begin] * (last - begin)
            begin = None
    return starts


_OUTSIDE_STATEMENTS = (
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.COMMENT,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)

_LEXEMES = re.compile(
    r"""#[^\n]*+|\\[ \t]*\n|\n|\(|\)|\[|\]|\{|\}"""
    r"""|\"\"\"(?:[^"\\]++|\\.|"(?!""))*+(?:\"\"\")?|'''(?:[^'\\]++|\\.|'(?!''))*+(?:''')?"""
    r"""|"(?:[^"\\\n]++|\\.)*+"?|'(?:[^'\\\n]++|\\.)*+'?""",
    re.DOTALL,
)
"""Comments, line ends with the backslash before them, brackets, strings: each begins with a literal, so that the search
is fast."""

_STEPS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


class _Scanner:
    """Reads a text lexeme by lexeme. sure: whether nothing has been in doubt so far."""

    def __init__(self, count: int) -> None:
        self.ends = [True] * count
        self.statements: list[int | None] = [None] * count
        self.row = self.begin = self.depth = 0
        self.first_triple = self.first_stray = count
        self.sure = True

    def read(self, text: str) -> None:
        for lexeme in _LEXEMES.findall(text + "\n"):
            first = lexeme[0]
            if first == "\n":
                self._end_line(free=True)
            elif first in _STEPS:
                self._bracket(_STEPS[first])
            elif first == "\\":
                self._end_line(free=False)
            elif first != "#":
                self._string(lexeme)
        if not text[text.rfind("\n") + 1 :].strip(BLANKS):
            self.ends[-1] = self.ends[-1] and all(self.ends[-2:-1])  # nothing follows the backslash before it
        self.sure = self.sure and not self.depth and self.ends[-1]
        if self.depth:  # how far does the statement go whose bracket is never closed?
            self.statements[self.begin + 1 :] = [None] * (len(self.statements) - self.begin - 1)

    def places(self) -> CommentPlaces:
        """Where comments may stand; above no line below a stray closer (see `_stray_closer`)."""
        last_above = min(self.first_stray, len(self.ends) - 1)
        statements = [begin if begin is not None and begin <= last_above else None for begin in self.statements]
        return CommentPlaces(tuple(self.ends), tuple(statements), last_above)

    def _end_line(self, *, free: bool) -> None:
        if self.row >= len(self.ends):
            return
        self.ends[self.row] = free = self.ends[self.row] and free
        self.statements[self.row] = self.begin
        self.row += 1
        if free and not self.depth:
            self.begin = self.row

    def _bracket(self, step: int) -> None:
        if self.depth + step < 0:
            self.sure = False
            self.first_stray = min(self.first_stray, self.row)
        self.depth = max(self.depth + step, 0)

    def _string(self, lexeme: str) -> None:
        triple = lexeme[:3] in ('"""', "'''")
        if triple:
            self.first_triple = min(self.first_triple, self.row)
        for _ in range(lexeme.count("\n")):
            self._end_line(free=False)
        if not _is_closed(lexeme, lexeme[:3] if triple else lexeme[0]):
            self.sure = False
            if triple:
                self._doubt_from(self.first_triple)
            elif self.row < len(self.ends):
                self.ends[self.row] = False

    def _doubt_from(self, row: int) -> None:
        """Any string in triple quotes before one that is never closed may be the one that should have closed it."""
        self.ends[row:] = [False] * (len(self.ends) - row)
        self.statements[row + 1 :] = [None] * (len(self.ends) - row - 1)
        if self.statements[row] is None:
            self.statements[row] = self.begin
        self.row = len(self.ends)


def _is_closed(string: str, quote: str) -> bool:
    inside = string[len(quote) : -len(quote)]
    escapes = len(inside) - len(inside.rstrip("\\"))
    return len(string) >= 2 * len(quote) and string.endswith(quote) and escapes % 2 == 0
