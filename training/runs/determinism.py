"""Numbers that come out the same again: deterministic algorithms, random numbers of the run's own, one thread.

Not here: several processes (`process_group.py`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

THREADS = 1
"""With networks this small a second thread makes a run hardly faster on an idle machine, several times slower beside
busy processes (it waits by spinning), and the sums different from machine to machine."""


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
