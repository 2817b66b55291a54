"""Which code learns: a version that changes with whatever decides what comes out. Not here: comparing it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config import VERSION

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the top-level modules."""

LEARNING_CODE = (
    "actions.py", "alignment.py", "backbones", "comments.py", "config.py", "delegates", "episodes", "explanations.py",
    "exploration.py", "featurizers", "indentation.py", "inference.py", "judge", "line_tracking.py", "models",
    "rewards.py", "simulation", "state.py", "state_adapter.py", "text_edits.py", "training",
)  # fmt: skip
"""Modules and packages that decide what is learned; the others read arguments, write files, show results."""


@cache
def code_version() -> str:
    """The project's version and a digest of the source of `LEARNING_CODE`."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(_source_files()):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{VERSION}-{digest.hexdigest()}"


def _source_files() -> Iterator[Path]:
    for name in LEARNING_CODE:
        path = ROOT / name
        yield from [path] if path.is_file() else path.rglob("*.py")
