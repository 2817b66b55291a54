"""How many threads a process computes with, and whether the machine has cores for them. Not here: what is computed.

Threads that share one decision wait for one another after every small operation, by spinning. With a core each that is
fastest; if one of them has to queue for its core, the others burn theirs until it is scheduled again, and a decision
takes up to a hundred times as long. One thread never waits. So a process says once, when it starts, how many threads it
computes with; nothing changes that number later.
"""

from __future__ import annotations

import os
from pathlib import Path

LOADAVG = Path("/proc/loadavg")


def available_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def cpu_is_oversubscribed() -> bool:
    """Whether more processes want to run at this moment than there are cores (Linux; elsewhere: no)."""
    try:
        content = LOADAVG.read_text()  # "0.20 0.18 0.12 1/80 11206": running / all
    except OSError:
        return False
    running = content.split("/", 1)[0].rsplit(" ", 1)[-1]
    return running.isdigit() and int(running) > available_cores()


def set_compute_threads(count: int | None = None) -> int:
    """Sets with how many threads this process computes, and returns it; to be called once, before anything is computed.

    None: one thread where the CPU is oversubscribed or has one core, else one for each core (at most as many as torch
    uses by itself). Results of sums differ in the last digits between numbers of threads, so whoever must give the same
    answer whatever else runs asks for 1.
    """
    import torch

    if count is None:
        count = 1 if cpu_is_oversubscribed() else min(available_cores(), torch.get_num_threads())
    torch.set_num_threads(count)
    return count
