"""Levels of protection against what a person's code may do, and what a worker is told to protect with for each.

Not here: which of them holds on this machine (`sandbox`).
"""

from __future__ import annotations

import json
from enum import IntEnum

from judge.syscall_filter import compile_filter


class SandboxLevel(IntEnum):
    """How far code is held back; `docs/sandbox.md` says what each level stops and what it leaves possible."""

    NONE = 0
    LIMITS = 1
    FILES = 2
    SYSTEM_CALLS = 3
    NAMESPACES = 4
    FULL = 5

    @property
    def description(self) -> str:
        """The level in words, one line."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    SandboxLevel.NONE: "no protection: code can do whatever this user can",
    SandboxLevel.LIMITS: "limits on time and sizes only: code can read files and use the network",
    SandboxLevel.FILES: "limits and file filter: code sees no file of yours, but can start programs and send messages",
    SandboxLevel.SYSTEM_CALLS: "limits, file filter and system-call filter: code has only its own folder",
    SandboxLevel.NAMESPACES: "limits and namespaces: code has its own folder, no network and no other process",
    SandboxLevel.FULL: "limits, namespaces, file filter and system-call filter: code has only its own folder",
}


def worker_settings(level: SandboxLevel) -> str:
    """What `worker.main` is told to protect with, in JSON."""
    with_filters = level in (SandboxLevel.SYSTEM_CALLS, SandboxLevel.FULL)
    program = compile_filter() if with_filters else None
    settings = {
        "namespaces": level >= SandboxLevel.NAMESPACES,
        "files": level == SandboxLevel.FILES or with_filters,
        "filter": (program or b"").hex(),
    }
    return json.dumps(settings)
