"""Namespaces of a worker's own: no network, no other processes, no files but Python's libraries and an empty folder.

Linux only, where the kernel grants them to an ordinary user. Not here: what holds inside them (`confinement`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from judge.libc import check_status, load_libc

OWN_FOLDER = "/solution"
"""The only folder, inside the namespaces, in which anything can be written."""

_NEW = 0x10000000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x00020000 | 0x04000000
"""User, processes, network, IPC, mounts, host name."""
_NOSUID, _NODEV, _RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 2, 4, 1, 32, 4096, 16384, 1 << 18
_DETACH = 2
_RECURSIVE, _SYS_MOUNT_SETATTR = 0x8000, 442
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_DIE_WITH_PARENT, _SET_DUMPABLE = 1, 4
_DEVICES = ("null", "zero", "full", "random", "urandom")
_MOUNT_POINTS = ("/tmp", "/var", "/mnt", "/usr")
"""Where the new root may be put together; which one it was cannot be seen afterwards."""
_NOBODY = 65534


def enter_namespaces(folders: Iterable[str], disk_bytes: int) -> bool:
    """Moves into new namespaces, if the kernel grants them; says whether it did.

    Returns True in the first process of the process namespace, in `OWN_FOLDER`; the outer process waits for it, ends
    with it and never returns. Returns False in the process that called. folders: all that can be read inside.
    disk_bytes: most that all files in the own folder may hold.
    """
    if platform.system() != "Linux" or platform.machine() not in _SYS_PIVOT_ROOT:
        return False
    events, event_end = os.pipe()
    answers, answer_end = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(events)
        os.close(answer_end)
        return _become_first_process(folders, disk_bytes, event_end, answers)
    os.close(event_end)
    os.close(answers)
    if os.read(events, 1):
        with contextlib.suppress(OSError):
            _map_users(first)
            os.write(answer_end, b"m")
    os.close(answer_end)
    ready = os.read(events, 1)
    os.close(events)
    if ready:
        _end_with(first)
    os.waitpid(first, 0)
    return False


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent ends. Only for a parent without threads."""
    with contextlib.suppress(AttributeError):
        load_libc().prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def _become_first_process(folders: Iterable[str], disk_bytes: int, events: int, answers: int) -> bool:
    """In the fork: the namespaces, then the fork that is their first process and returns; whatever fails ends it."""
    try:
        check_status(load_libc().unshare(_NEW))
        os.write(events, b"u")
        if not os.read(answers, 1):
            os._exit(1)
        die_with_parent()
        child = os.fork()
        if child:
            os.close(events)  # only the first process can say now that all is ready
            _end_with(child)
        _make_root(folders, disk_bytes)
        _become_nobody()
        load_libc().prctl(_SET_DUMPABLE, 0, 0, 0, 0)
        die_with_parent()
        os.write(events, b"r")
    except BaseException:
        os._exit(1)
    os.close(events)
    os.close(answers)
    return True


def _map_users(process: int) -> None:
    """Users inside: root is nobody besides, so that the kernel counts its processes; others are who they are."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        users = groups = f"0 0 1\n{_NOBODY} {_NOBODY} 1\n"
    else:
        users, groups = f"{user} {user} 1\n", f"{group} {group} 1\n"
        Path(f"/proc/{process}/setgroups").write_text("deny", encoding="ascii")
    Path(f"/proc/{process}/uid_map").write_text(users, encoding="ascii")
    Path(f"/proc/{process}/gid_map").write_text(groups, encoding="ascii")


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _make_root(folders: Iterable[str], disk_bytes: int) -> None:
    """Replaces the root of the file system by one that has only `folders`, a few devices and the own folder."""
    sources = {path: os.open(path, os.O_PATH) for path in _outermost(folders)}
    devices = {f"/dev/{name}": os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES}
    _mount(None, "/", flags=_REC | _PRIVATE)
    root = next(path for path in _MOUNT_POINTS if Path(path).is_dir())
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    for path, descriptor in sources.items():
        _bind(descriptor, root + path, read_only=True)
    for path, descriptor in devices.items():
        _bind(descriptor, root + path, read_only=False)
    writable = root + OWN_FOLDER
    Path(writable).mkdir(parents=True, exist_ok=True)
    owner = f"uid={_NOBODY},gid={_NOBODY}," if os.geteuid() == 0 else ""
    _mount("tmpfs", writable, "tmpfs", _NOSUID | _NODEV, f"{owner}size={disk_bytes},nr_inodes=1k,mode=700")
    _mount(None, root, flags=_REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    os.chdir(root)
    check_status(load_libc().syscall(_SYS_PIVOT_ROOT[platform.machine()], b".", b"."))
    check_status(load_libc().umount2(b".", _DETACH))
    os.chdir(OWN_FOLDER)
    for descriptor in (*sources.values(), *devices.values()):
        os.close(descriptor)


def _outermost(folders: Iterable[str]) -> Sequence[str]:
    """The folders and files that exist and are in none of the others."""
    outermost: list[str] = []
    for path in sorted({os.path.abspath(path) for path in folders if os.path.exists(path)}):  # noqa: PTH100, PTH110
        if not any(path.startswith(f"{other}/") for other in outermost):
            outermost.append(path)
    return outermost


def _bind(descriptor: int, target: str, *, read_only: bool) -> None:
    """Shows what the descriptor stands for at `target`."""
    source = f"/proc/self/fd/{descriptor}"
    if Path(source).is_dir():
        Path(target).mkdir(parents=True, exist_ok=True)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
    _mount(source, target, flags=_BIND | _REC)
    if read_only:
        attributes = (ctypes.c_uint64 * 4)(_RDONLY | _NOSUID | _NODEV, 0, 0, 0)
        call = load_libc().syscall
        check_status(call(_SYS_MOUNT_SETATTR, -100, target.encode(), _RECURSIVE, attributes, ctypes.sizeof(attributes)))


def _mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    name, type_name = (None if text is None else text.encode() for text in (source, kind))
    check_status(load_libc().mount(name, target.encode(), type_name, ctypes.c_ulong(flags), options.encode()))


def _end_with(process: int) -> NoReturn:
    """Waits for the process and ends with it."""
    for descriptor in range(3):
        os.close(descriptor)
    os.waitpid(process, 0)
    os._exit(0)
