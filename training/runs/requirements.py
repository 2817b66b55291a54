"""What a run needs of the machine, checked before anything is written. Not here: memory (`memory_estimate.py`)."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from errors import InputError
from files import exists, is_folder


def require_writable(path: Path) -> None:
    """Raises InputError if a folder could not be made or written at `path`; makes nothing."""
    nearest = path.absolute()
    while not exists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not is_folder(nearest):
        raise InputError(str(nearest), "is a file, expected a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(str(path), "cannot be written: permission denied or a read-only file system")
    longest_name = os.statvfs(nearest).f_namemax
    if any(len(os.fsencode(name)) > longest_name for name in path.absolute().relative_to(nearest).parts):
        raise InputError(str(path), f"has a name of more than {longest_name} bytes, too long for this file system")


def usable_device(name: str) -> torch.device:
    """The device, if a tensor can be put there. Raises InputError."""
    if name != "cpu":  # has to be set before the first product on a GPU
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError("device", f"{name} cannot be used: {str(error).splitlines()[0]}") from error
    return device
