"""Tokens that a model of code knows: words of code, and signs for where lines end and how they are indented.

Not here: how probable they are, how text is divided (`delegates.python_lexer`).
"""

from __future__ import annotations

from collections.abc import Iterable

from delegates.python_lexer import LogicalLine, is_name

LINE_END = "<line>"
INDENT = "<indent>"
DEDENT = "<dedent>"
NAME, NUMBER, STRING = "<name>", "<number>", "<string>"
"""Names, numbers and strings that are too rare to be known."""

STRUCTURE = (LINE_END, INDENT, DEDENT)
RARE = (NAME, NUMBER, STRING)


def rare_kind(token: str) -> str | None:
    """What a token is where it is not known; None: an operator, bracket or keyword, which always are."""
    if is_name(token):
        return NAME
    if token[0].isdigit() or (token[0] == "." and token[1:2].isdigit()):
        return NUMBER
    return STRING if token[-1] in "\"'" else None


def token_stream(lines: Iterable[LogicalLine]) -> list[str]:
    """The tokens of a program: each line's, a sign before it where it is deeper or shallower, and one at its end.

    A line that is nothing but a string is left out, as it documents.
    """
    stream: list[str] = []
    columns: int | None = None
    for line in lines:
        if len(line.tokens) == 1 and line.tokens[0][-1] in "\"'":
            continue
        stream += indent_signs(columns, column := len(line.indent.expandtabs(8)))
        stream += line.tokens
        stream.append(LINE_END)
        columns = column
    return stream


def indent_signs(above: int | None, columns: int) -> list[str]:
    """The sign for a line of `columns` columns of indentation below one of `above` (None: the first line)."""
    if above is None or above == columns:
        return []
    return [INDENT if columns > above else DEDENT]
