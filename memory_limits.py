"""How much memory this process may still take. Not here: what needs it."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that this process may still take: the least of what the machine, the process's control group and its own
    limit leave. None: nothing says so."""
    limits = [_machine_memory(), _cgroup_memory(), _process_limit()]
    return min((limit for limit in limits if limit is not None), default=None)


def _machine_memory() -> int | None:
    with suppress(OSError, ValueError, IndexError, StopIteration):
        with Path("/proc/meminfo").open() as file:
            line = next(line for line in file if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    return None


def _cgroup_memory() -> int | None:
    """What the control group (a container) leaves; None: it has no limit."""
    for limit, used in (
        (_CGROUP / "memory.max", _CGROUP / "memory.current"),
        (_CGROUP / "memory" / "memory.limit_in_bytes", _CGROUP / "memory" / "memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):
            return max(int(limit.read_text()) - int(used.read_text()) + _reclaimable(), 0)
    return None


def _reclaimable() -> int:
    """Bytes of cached files, which count as used and are given back when they are needed."""
    with suppress(OSError, ValueError, IndexError):
        rows = (line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return sum(int(row[1]) for row in rows if row[0] in ("inactive_file", "active_file"))
    return 0


def _process_limit() -> int | None:
    """What the process's own limit of addresses leaves."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return max(limit - pages * os.sysconf("SC_PAGE_SIZE"), 0)
    return limit
