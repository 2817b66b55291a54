"""How a typed text gets mistakes and how much of a line is typed at once. Not here: which line."""

from __future__ import annotations

import re
from random import Random

_SWAPS = {
    "==": "!=", "!=": "==", "<=": "<", ">=": ">", "<": ">", ">": "<", "+": "-", "-": "+", "*": "+", "//": "/",
    "%": "//", "and": "or", "or": "and", "True": "False", "False": "True", "is": "is not", "in": "not in",
    "min": "max", "max": "min", "append": "extend", "not": "bool", "if": "while", "len": "sum", "[]": "{}",
}  # fmt: skip
"""What is easily taken for what."""

_MISTAKABLE = re.compile(r"//|[=!<>]=|(?<![=!<>*/+-])[<>+*%-](?![=>*])|\[\]|\b[A-Za-z]+\b|\b\d+\b")

SHORT_REMAINDER = 4
"""Characters up to which the remainder of a line is typed at once."""


def add_typo(text: str, generator: Random) -> str:
    """The line with one plausible mistake: another operator, number or word, else two letters swapped."""
    matches = [match for match in _MISTAKABLE.finditer(text) if match[0] in _SWAPS or match[0].isdigit()]
    if matches:
        match = generator.choice(matches)
        wrong = _SWAPS.get(match[0]) or _miscounted(match[0], generator)
        return text[: match.start()] + wrong + text[match.end() :]
    swaps = [i for i in range(len(text) - 1) if text[i] != text[i + 1] and text[i].isalnum() and text[i + 1].isalnum()]
    if swaps:
        i = generator.choice(swaps)
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return text + "_"


def _miscounted(number: str, generator: Random) -> str:
    """The number with a last digit one or two further on; as text, however many digits it has."""
    return number[:-1] + str((int(number[-1]) + generator.choice((1, 2))) % 10)


def truncate_line(text: str, typed: int, generator: Random) -> str:
    """The text up to somewhere behind its first `typed` characters, not to its end; all of it if little remains."""
    if len(text) - typed <= SHORT_REMAINDER:
        return text
    return text[: generator.randint(typed + 2, len(text) - 2)].rstrip()
