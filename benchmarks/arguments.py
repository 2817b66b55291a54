"""Arguments that several studies take."""

from __future__ import annotations

import argparse
from pathlib import Path


def existing_folder(name: str) -> Path:
    """A folder that is there, for argparse."""
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"{name}: there is no such folder")
    return Path(name)


def existing_file(name: str) -> Path:
    """A file that is there, for argparse."""
    if not Path(name).is_file():
        raise argparse.ArgumentTypeError(f"{name}: there is no such file")
    return Path(name)
