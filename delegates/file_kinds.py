"""Which files are Python, in which alone help is written. Not here: which files nobody looks at (`ignored_files`)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_SUFFIXES = (".py", ".pyi", ".pyw")
_INTERPRETER_LINE = re.compile(r"#!.*\bpython")


def is_python_file(path: str | None, first_line: str = "") -> bool:
    """Whether a file is Python: by its name, or as a script by its first line. None: a problem or a new text, which is.

    What is written, checked and explained is Python everywhere, so other files are only recorded.
    """
    if path is None:
        return True
    suffix = PurePosixPath(path).suffix.lower()
    return suffix in _SUFFIXES or (not suffix and _INTERPRETER_LINE.match(first_line) is not None)
