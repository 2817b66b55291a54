"""What a run needs of the machine it is on: folders it may write, a device, numbers that come out the same again.

Not here: several processes (`process_group.py`).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from errors import InputError

THREADS = 1
"""With networks this small a second thread makes a run hardly faster on an idle machine, several times slower beside
busy processes (it waits by spinning), and the sums different from machine to machine."""


def require_writable(path: Path) -> None:
    """Raises InputError if a folder could not be made or written at `path`; makes nothing."""
    nearest = path.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(str(nearest), "is a file, expected a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(str(path), "cannot be written: permission denied or a read-only file system")


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


@contextmanager
def reproducible() -> Iterator[None]:
    """Deterministic algorithms (on a GPU where there are some, without a word about the others), random numbers of our
    own, one thread; the caller's are as they were afterwards."""
    deterministic: Any = torch.utils.deterministic
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    before = torch.get_deterministic_debug_mode(), deterministic.fill_uninitialized_memory
    # Unlike torch.use_deterministic_algorithms this one does not import a compiler, which would cost a second.
    torch.set_deterministic_debug_mode("warn")
    deterministic.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(?s).*does not have a deterministic implementation")
            yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        deterministic.fill_uninitialized_memory = before[1]
        torch.set_num_threads(threads)
