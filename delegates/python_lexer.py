"""Tokens of Python text, also of text that is half written: lexing never fails.

Not here: whether the text is right (`delegates.syntax`), how probable its tokens are (`delegates.embedded`).
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""\n[ \t\f]*"""
    r"""|\\\n|\#[^\n]*"""
    r"""|(?:[rRbBuUfF]{1,2}(?=["']))?(?:\"\"\"(?:[^"\\]|\\.|"(?!""))*+(?:\"\"\")?|'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?"""
    r"""|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)"""
    r"""|(?:0[xXbBoO][\w]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?[jJ]?|\.\d[\d_]*(?:[eE][-+]?\d+)?[jJ]?)"""
    r"""|\w+|\*\*=|//=|>>=|<<=|\.\.\.|->|:=|[-+*/%&|^@=!<>]=|\*\*|//|<<|>>|[^\s]""",
    re.DOTALL,
)

OPENING, CLOSING = "([{", ")]}"
PARTNER = dict(zip(CLOSING, OPENING, strict=True)) | dict(zip(OPENING, CLOSING, strict=True))
"""The other bracket of a pair."""

KEYWORDS = frozenset(keyword.kwlist)

BUILTINS = frozenset(dir(builtins))
"""Names that Python itself defines."""

PREDEFINED = BUILTINS | {"__file__"}
"""Names that a module has before its first statement."""

_ONLY_STATEMENTS = frozenset(
    {"def", "class", "return", "import", "while", "with", "try", "raise", "break", "continue", "pass", "del", "global"}
)
"""Keywords that no expression has, so that brackets before them were never closed."""


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """A statement's line: its tokens without comments, and the blanks before it. row: its first line, from 0."""

    indent: str
    tokens: tuple[str, ...]
    row: int


@lru_cache(maxsize=4096)
def line_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a text, without blanks, line ends and comments."""
    return tuple([token for token in _TOKEN.findall(text) if token[0] not in "\n#\\"])


def token_spans(text: str) -> list[tuple[str, int, int]]:
    """The tokens of a text as `line_tokens` has them, each with its start and its end in the text."""
    spans = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]
    return [span for span in spans if span[0][0] not in "\n#\\"]


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """The statements' lines of a text; what stands in brackets is one line. Comments and blank lines are left out.

    A bracket that is never closed ends where a line begins with a word that only begins statements.
    """
    indent, line_indent, tokens, depth, row, start = "", "", list[str](), 0, -1, 0
    at_line_start = False
    for token in _TOKEN.findall("\n" + text):
        first = token[0]
        if first == "\n":
            row, line_indent, at_line_start = row + 1, token[1:], True
        elif first == "\\" and len(token) == 2:
            row += 1
        elif first != "#":
            if at_line_start and (depth <= 0 or token in _ONLY_STATEMENTS):
                if tokens:
                    yield LogicalLine(indent, tuple(tokens), start)
                indent, tokens, depth, start = line_indent, [], 0, row
            at_line_start = False
            tokens.append(token)
            depth += (first in OPENING) - (first in CLOSING)
            row += token.count("\n")
    if tokens:
        yield LogicalLine(indent, tuple(tokens), start)


def is_name(token: str) -> bool:
    """Whether a token is an identifier and no keyword."""
    return token.isidentifier() and token not in KEYWORDS


def open_brackets(tokens: Sequence[str]) -> list[str]:
    """The brackets that tokens open and do not close, outermost first; a stray closing one is passed over."""
    stack: list[str] = []
    for token in tokens:
        if token in OPENING:
            stack.append(token)
        elif token in CLOSING and stack and stack[-1] == PARTNER[token]:
            stack.pop()
    return stack


def lines_within_statements(lines: Sequence[str]) -> list[bool]:
    """Of each line whether it begins inside of a string or of brackets, or behind a backslash."""
    within = [False] * len(lines)
    row, depth = -1, 0
    for token in _TOKEN.findall("\n" + "\n".join(lines)):
        first = token[0]
        if first == "\n" or (first == "\\" and len(token) == 2):
            row += 1
            if row < len(lines):
                within[row] = depth > 0 or first == "\\"
        elif first in OPENING or first in CLOSING:
            depth = max(depth + (1 if first in OPENING else -1), 0)
        elif "\n" in token:
            for _ in range(token.count("\n")):
                row += 1
                within[row] = True
    return within
