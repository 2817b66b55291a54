"""The system calls that a text may use, as a seccomp program. Not here: loading it (`confinement`).

Whatever is not listed is refused: other programs, new processes, sockets, signals, tracing, modes and owners of files,
namespaces, keys, io_uring, memory that is no process's own. A list of what is allowed stays right when a kernel learns
new calls. Calls of a foreign architecture end the process.

The program finds a call's number by bisection: each fork of a worker loads it, and the kernel goes through it once for
every number there is, so that a list would cost twice as much.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seccompy.bpf import Insn

_ALLOWED = (
    # files, in folders that Landlock or the mount namespace leaves
    "access", "chdir", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat",
    "faccessat2", "fadvise64", "fchdir", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd",
    "getdents64", "lseek", "lstat", "newfstatat", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2",
    "read", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2", "sendfile", "stat", "statfs", "statx",
    "umask", "unlink", "unlinkat", "write", "writev",
    # waiting
    "clock_nanosleep", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2",
    "nanosleep", "pause", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "wait4", "waitid",
    # memory
    "brk", "madvise", "mincore", "mmap", "mprotect", "mremap", "msync", "munmap",
    # threads and signals of this process alone
    "alarm", "exit", "exit_group", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
    "get_robust_list", "getitimer", "membarrier", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sched_yield", "set_robust_list",
    "set_tid_address", "setitimer", "sigaltstack",
    # what it is told
    "arch_prctl", "clock_getres", "clock_gettime", "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgid",
    "getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage",
    "getsid", "gettid", "gettimeofday", "getuid", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getscheduler", "setrlimit", "sysinfo", "time", "times", "uname",
    # one more restriction, loaded after this filter
    "landlock_restrict_self",
)  # fmt: skip
_UNKNOWN = ("clone3", "openat2", "fchmodat2", "memfd_secret")
"""Answered as by a kernel that does not know them, so that libraries fall back to calls that can be looked into."""

_CLONE_THREAD = 0x00010000
_FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
"""Of descriptors and locks; none that has signals sent (F_SETOWN, F_SETSIG) or makes a pipe larger."""
_IOCTL_COMMANDS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A)
"""Whether it is a terminal, its size, bytes that wait, blocking, closing on exec."""
_TRUNCATIONS = (os.O_TRUNC | os.O_RDONLY, os.O_TRUNC | os.O_ACCMODE)
"""Of files that are not opened for writing, which an older Landlock does not see."""
_PRCTL_OPTIONS = (15, 16, 0x53564D41)
"""Names of threads and of memory."""
_ALLOW, _REFUSE, _ANSWER_UNKNOWN, _KILL = "allow", "refuse", "answer unknown", "kill"
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Where the kernel puts what a program looks at, in bytes."""


@cache
def compile_filter() -> bytes | None:
    """The program, as the kernel loads it; None: without seccompy, or for a machine that it does not know."""
    try:
        from seccompy import bpf
        from seccompy.syscalls import audit_arch

        instructions: list[Insn] = [
            bpf.Load(_ARCHITECTURE),
            bpf.Jump(bpf.BPF_JEQ, audit_arch(), None, _KILL),
            bpf.Load(_NUMBER),
        ]
        labels: dict[str, int] = {}
        _add_bisection(instructions, labels, _ranges(_targets()))
        for name, check in _checks().items():
            labels[name] = len(instructions)
            instructions += check
        for name, answer in _answers().items():
            labels[name] = len(instructions)
            instructions.append(bpf.Ret(answer))
        return bpf.assemble(instructions, labels)
    except (ImportError, OSError):
        return None


def _targets() -> dict[int, str]:
    """By number: the label at which the program goes on with a call; the others are refused."""
    names = dict.fromkeys(_ALLOWED, _ALLOW) | dict.fromkeys(_UNKNOWN, _ANSWER_UNKNOWN)
    names |= {name: name for name in _checks()}
    return {number: target for name, target in names.items() if (number := _number(name)) is not None}


def _number(name: str) -> int | None:
    """The number of a call; None: this architecture has no such call."""
    from seccompy.syscalls import syscall_nr

    try:
        return syscall_nr(name)
    except ValueError:
        return None


def _ranges(targets: dict[int, str]) -> list[tuple[int, str]]:
    """Where each range of numbers with the same target begins, in order; the last one has no end."""
    numbers = range(max(targets) + 2)
    answers = ((number, targets.get(number, _REFUSE)) for number in numbers)
    return [next(group) for _, group in groupby(answers, key=lambda pair: pair[1])]


def _add_bisection(instructions: list[Insn], labels: dict[str, int], ranges: list[tuple[int, str]]) -> None:
    """Adds the search for the range of the number that was loaded, then the jump to its target."""
    from seccompy import bpf

    if len(ranges) == 1:
        instructions.append(bpf.Ja(ranges[0][1]))
        return
    middle = len(ranges) // 2
    first_number = ranges[middle][0]
    label = f"from {first_number}"
    instructions.append(bpf.Jump(bpf.BPF_JGEQ, first_number, label, None))
    _add_bisection(instructions, labels, ranges[:middle])
    labels[label] = len(instructions)
    _add_bisection(instructions, labels, ranges[middle:])


def _checks() -> dict[str, list[Insn]]:
    """By name: what is looked at in calls that are allowed with some arguments only."""
    return {
        "clone": _one_of(0, (_CLONE_THREAD,), mask=_CLONE_THREAD),
        "prlimit64": _one_of(0, (0,)),
        "fcntl": _one_of(1, _FCNTL_COMMANDS),
        "ioctl": _one_of(1, _IOCTL_COMMANDS),
        "prctl": _one_of(0, _PRCTL_OPTIONS),
        "open": _none_of(1, _TRUNCATIONS, mask=os.O_TRUNC | os.O_ACCMODE),
        "openat": _none_of(2, _TRUNCATIONS, mask=os.O_TRUNC | os.O_ACCMODE),
    }


def _one_of(argument: int, values: Sequence[int], mask: int | None = None) -> list[Insn]:
    """Allows a call if the argument, an int, is one of the values where the mask has ones."""
    from seccompy import bpf

    masking = [] if mask is None else [bpf.And(mask)]
    tests = [bpf.Jump(bpf.BPF_JEQ, value, _ALLOW, None) for value in values]
    return [bpf.Load(_ARGUMENTS + 8 * argument), *masking, *tests, bpf.Ja(_REFUSE)]


def _none_of(argument: int, values: Sequence[int], mask: int) -> list[Insn]:
    """Allows a call unless the argument, an int, is one of the values where the mask has ones."""
    from seccompy import bpf

    tests = [bpf.Jump(bpf.BPF_JEQ, value, _REFUSE, None) for value in values]
    return [bpf.Load(_ARGUMENTS + 8 * argument), bpf.And(mask), *tests, bpf.Ja(_ALLOW)]


def _answers() -> dict[str, int]:
    """What the kernel is told at each last label."""
    from seccompy import Action

    return {
        _ALLOW: Action.ALLOW,
        _REFUSE: Action.ERRNO | errno.EPERM,
        _ANSWER_UNKNOWN: Action.ERRNO | errno.ENOSYS,
        _KILL: Action.KILL_PROCESS,
    }
