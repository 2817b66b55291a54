"""The source files of the running Python's standard library, from which the n-gram model is counted.

Not here: counting.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = frozenset({
    "test", "tests", "idle_test", "site-packages", "dist-packages", "lib2to3", "idlelib", "turtledemo", "pydoc_data",
    "encodings", "ensurepip", "__pycache__", "msilib", "_pyrepl",
})  # fmt: skip
"""Folders whose code is generated, only tests, or unlike what people write."""

_LARGEST = 400_000
"""Bytes of a file at most; longer ones are tables."""


def source_files(root: Path | None = None) -> Iterator[Path]:
    """The files, sorted, below `root` (None: the running Python's); none where it comes without sources."""
    root = root or Path(sysconfig.get_paths()["stdlib"])
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(".py") and not name.startswith(("test_", "_sysconfigdata")) and _size(path) <= _LARGEST:
                yield path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return _LARGEST + 1
