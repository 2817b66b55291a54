"""Landlock, the kernel's filter of files for ordinary users: a ruleset of what stays allowed.

The three system calls by hand, as `landlockpy` imports `threading`, which makes every later fork of a worker a tenth
slower, and starts a program to find the C library. Linux only; standard library only.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from judge.libc import check_status, load_libc

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_REG, TRUNCATE = 1 << 8, 1 << 14
READ = READ_FILE | READ_DIR

_FIRST_RIGHTS = (1 << 13) - 1
_RIGHTS_SINCE = {2: 1 << 13, 3: TRUNCATE, 5: 1 << 15, 9: 1 << 16}
"""Rights over files, by the version of the interface that brought them."""
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
_TCP_SINCE, _TCP = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11
"""Abstract sockets and signals of processes outside."""
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1


class _RulesetAttributes(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathAttributes(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("folder", ctypes.c_int32)]


class Ruleset:
    """Allows only what `rights` say, for each path and all that is in it; TCP, and whatever is outside, not at all.

    Raises OSError: the kernel has no Landlock, or a path is not there.
    """

    def __init__(self, rights: Mapping[str, int]) -> None:
        if sys.platform != "linux":
            raise OSError("Landlock is only available on Linux")
        self._libc = load_libc()
        version = self._call(_CREATE_RULESET, None, 0, _VERSION)
        handled = _FIRST_RIGHTS | sum(right for since, right in _RIGHTS_SINCE.items() if version >= since)
        attributes = _RulesetAttributes(
            handled, _TCP if version >= _TCP_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0
        )
        self._descriptor = self._call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
        for path, allowed in rights.items():
            self._allow(path, allowed & handled)

    def restrict(self) -> None:
        """Holds this process and its children to the rules for good. Raises OSError."""
        self._call(_RESTRICT_SELF, self._descriptor, 0)

    def _allow(self, path: str, rights: int) -> None:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            attributes = _PathAttributes(rights if Path(path).is_dir() else rights & _FILE_RIGHTS, folder)
            self._call(_ADD_RULE, self._descriptor, _PATH_BENEATH, ctypes.byref(attributes), 0)
        finally:
            os.close(folder)

    def _call(self, number: int, *arguments: object) -> int:
        return check_status(int(self._libc.syscall(number, *arguments)))
