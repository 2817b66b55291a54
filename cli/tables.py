"""Tables and counts for a terminal. Not here: what is in them."""

from __future__ import annotations

from collections.abc import Sequence

from errors import printable


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as aligned columns, the first to the left; the first row is the head.

    Cells may come from files: what a terminal would obey is escaped.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def pluralise(n: int, noun: str) -> str:
    """`1 session`, `2 sessions`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
