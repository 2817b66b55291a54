"""The system calls that a text may use, as a seccomp program. Not here: loading it (`confinement`).

Whatever is not listed is refused: other programs, new processes, sockets, signals, tracing, modes and owners of files,
namespaces, keys, io_uring, memory that is no process's own. A list of what is allowed stays right when a kernel learns
new calls. Calls of a foreign architecture end the process.
"""

from __future__ import annotations

import contextlib
import errno
import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seccompy import Filter

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
_PRCTL_OPTIONS = (15, 16, 0x53564D41)
"""Names of threads and of memory."""


@cache
def compile_filter() -> bytes | None:
    """The program, as the kernel loads it; None: without seccompy, or for a machine that it does not know."""
    try:
        from seccompy import Action, Filter

        filter_ = Filter(default=Action.ERRNO | errno.EPERM)
        _allow_calls(filter_)
        return filter_.program
    except (ImportError, OSError):
        return None


def _allow_calls(filter_: Filter) -> None:
    from seccompy import CmpOp

    # An older Landlock does not see a truncation by a descriptor that is not for writing.
    mask = os.O_TRUNC | os.O_ACCMODE
    for name, flags in (("open", 1), ("openat", 2)):
        with contextlib.suppress(ValueError):  # unknown on this architecture
            for access in (os.O_RDONLY, os.O_ACCMODE):
                filter_.errno(name, errno.EPERM, args=[(flags, CmpOp.MASKED_EQ, os.O_TRUNC | access, mask)])
            filter_.allow(name)
    for name in _ALLOWED:
        with contextlib.suppress(ValueError):
            filter_.allow(name)
    for name in _UNKNOWN:
        with contextlib.suppress(ValueError):
            filter_.errno(name, errno.ENOSYS)
    filter_.allow("clone", args=[(0, CmpOp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)])
    filter_.allow("prlimit64", args={0: 0})
    for command in _FCNTL_COMMANDS:
        filter_.allow("fcntl", args=[(1, CmpOp.MASKED_EQ, command, 0xFFFFFFFF)])
    for command in _IOCTL_COMMANDS:
        filter_.allow("ioctl", args=[(1, CmpOp.MASKED_EQ, command, 0xFFFFFFFF)])
    for option in _PRCTL_OPTIONS:
        filter_.allow("prctl", args=[(0, CmpOp.MASKED_EQ, option, 0xFFFFFFFF)])
