"""Holds a process back for good: limits of the kernel, capabilities, system calls, files.

Prepared once in a worker; each fork that runs a text enters it first. Not here: namespaces, which a worker has as a
whole, and what only somebody who watches from outside can hold (`run_watch`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from judge.landlock import MAKE_REG, READ, READ_FILE, REMOVE_FILE, TRUNCATE, WRITE_FILE, Ruleset
from judge.libc import check_status, load_libc

MAX_PROCESSES = 64
"""Processes and threads of a text."""
MAX_DESCRIPTORS = 64
READABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES, _SET_SECCOMP, _SECCOMP_FILTER = 1, 38, 22, 2
_CAPABILITY_VERSION = 0x20080522


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


class Confinement:
    """What the forks of one worker enter.

    own_processes: whether the kernel counts processes for this worker alone. base_memory: bytes of address space that a
    fork has before it runs anything. filter_program: of `syscall_filter`; None: all calls stay allowed. ruleset: None:
    all files stay as they are.
    """

    def __init__(
        self,
        *,
        own_processes: bool,
        base_memory: int = 0,
        filter_program: bytes | None = None,
        ruleset: Ruleset | None = None,
    ) -> None:
        self.own_processes, self.base_memory = own_processes, base_memory
        self._worker = os.getpid()
        self._libc = load_libc()
        self._ruleset = ruleset
        self._header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        self._no_capabilities = (ctypes.c_uint32 * 6)()
        self._program: _FilterProgram | None = None
        if filter_program is not None:
            self._instructions = ctypes.create_string_buffer(filter_program, len(filter_program))
            address = ctypes.addressof(self._instructions)
            self._program = _FilterProgram(len(filter_program) // 8, address)

    @property
    def protections(self) -> list[str]:
        """What there is besides limits: namespaces, a filter of system calls, a filter of files."""
        parts = {"namespaces": self.own_processes, "calls": self._program, "files": self._ruleset}
        return [name for name, part in parts.items() if part]

    def has(self, protections: Iterable[str]) -> bool:
        """Whether all of these are among its protections."""
        return set(protections) <= set(self.protections)

    def limit(self, values: Mapping[str, int]) -> None:
        """Sets limits of the `resource` module by name, and those that every text has."""
        limits = {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": MAX_DESCRIPTORS, **values}
        if self.own_processes:  # elsewhere the kernel would count all processes of the person
            limits["RLIMIT_NPROC"] = MAX_PROCESSES
        set_limits(limits)

    def can_be_entered(self) -> bool:
        """Whether a fork can enter it on this machine."""
        child = os.fork()
        if child == 0:
            try:
                self.enter()
                os._exit(0)
            finally:
                os._exit(1)
        return os.waitpid(child, 0)[1] == 0

    def enter(self) -> None:
        """From now on ends with the worker, and has given up for good whatever is not needed.

        Raises OSError: the kernel refuses, and nothing may be run.
        """
        if sys.platform != "linux":
            return
        libc = self._libc
        check_status(libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0))
        if os.getppid() not in (self._worker, 0):
            raise ProcessLookupError("the worker has ended")
        check_status(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        check_status(libc.capset(self._header, self._no_capabilities))
        if self._program is not None:
            check_status(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.byref(self._program), 0, 0))
        if self._ruleset is not None:
            self._ruleset.restrict()


def set_limits(values: Mapping[str, int]) -> None:
    """Sets limits, soft and hard, of the `resource` module by name, as far as the system knows and allows them."""
    for name, value in values.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (value, value))


def make_ruleset(folder: str) -> Ruleset | None:
    """Files in `folder` may be made, libraries be read, and nothing else; None: the kernel has no Landlock."""
    rights = dict.fromkeys(readable_paths(), READ)
    rights |= dict.fromkeys(READABLE_DEVICES, READ_FILE | WRITE_FILE)
    rights[folder] = READ | WRITE_FILE | MAKE_REG | REMOVE_FILE | TRUNCATE
    try:
        return Ruleset(rights)
    except OSError:
        return None


def readable_paths() -> list[str]:
    """What Python needs to import its libraries: folders of libraries, never of programs or of a person's files."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [f"{prefix}/lib" for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, "/usr", "/usr/local", "")]
    paths += ["/lib64", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime"]
    paths += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [path for path in dict.fromkeys(paths) if Path(path).exists()]
