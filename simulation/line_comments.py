"""Comments of single lines: which part of a line is code, and what its comment says. Not here: strings over lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CODE = re.compile(r"""(?:[^#'"\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*+""")


def code(line: str) -> str:
    """The line without the comment at its end, if it has one; a `#` within quotes begins none."""
    if "#" not in line:
        return line.rstrip()
    match = _CODE.match(line)
    end = match.end() if match else 0
    return line[:end].rstrip() if line[end : end + 1] == "#" else line.rstrip()


def is_comment(line: str) -> bool:
    """Whether the line is nothing but a comment."""
    return line.lstrip().startswith("#")


def comment_texts(lines: Sequence[str]) -> tuple[str, ...]:
    """The comments of a text, without `#`, each once, in order."""
    texts = (line.rstrip()[len(code(line)) :].strip().lstrip("#").strip() for line in lines)
    return tuple(dict.fromkeys(text for text in texts if text))
