"""Refuses, in words, what a text has no business doing. No protection: the kernel's is in `confinement`."""

from __future__ import annotations

import os
from typing import Any

_REFUSED = frozenset((
    "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.link", "os.mkdir",
    "os.posix_spawn", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.startfile", "os.symlink",
    "os.system", "os.truncate", "os.utime", "pty.spawn", "shutil.chown", "shutil.move",
    "shutil.rmtree", "signal.pthread_kill", "socket.__new__", "socket.bind", "socket.connect", "subprocess.Popen",
    "syslog.syslog", "webbrowser.open",
))  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def refuse_audited(event: str, arguments: tuple[Any, ...]) -> None:
    """A hook for `sys.addaudithook`. Raises PermissionError."""
    if event == "open":
        path, _, flags = arguments
        allowed = isinstance(path, int) or (isinstance(path, str) and not path.startswith("/") and ".." not in path)
        if not isinstance(flags, int) or not flags & _WRITES or allowed:
            return
    elif event not in _REFUSED:
        return
    raise PermissionError(f"{event} is not allowed here")
