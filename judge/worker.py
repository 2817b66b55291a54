"""The process in which texts run: started by path, standard library only, one fresh fork for each text.

It waits for a text, forks, and the fork compiles it, runs it and calls its entry point under limits, while this process
watches the clock, kills whatever is left and answers. A fork costs a millisecond and shares nothing with the next text.

Not here: what the right results are (they stay with the asker), caching. Not a sandbox either: limits on time, memory
and file size, a refusal of what a text has no business doing (processes, signals, sockets, files elsewhere), and a
namespace of its own without a network where the kernel grants one to an ordinary user.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import gc
import json
import math
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

MAX_RESULT = 20_000
"""Characters of one result; a longer one counts as an error."""
MAX_OUTPUT = 4_000_000
"""Bytes that a text may send back before it is stopped."""
MAX_PROCESSES = 64
"""Processes and threads of a text, where the kernel counts them for it alone."""
BUSY = 6
"""Times its CPU limit that compiling may take by the clock, as a machine may be busy."""

_PRELOADED = (
    "bisect", "collections", "copy", "dataclasses", "datetime", "functools", "heapq", "itertools", "operator", "re",
    "string", "typing",
)  # fmt: skip
_REFUSED = frozenset((
    "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.link", "os.mkdir",
    "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.startfile", "os.symlink",
    "os.system", "os.truncate", "os.unsetenv", "os.utime", "pty.spawn", "shutil.chown", "shutil.move",
    "shutil.rmtree", "signal.pthread_kill", "socket.__new__", "socket.bind", "socket.connect", "subprocess.Popen",
    "syslog.syslog", "webbrowser.open",
))  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NEW_USER, _NEW_PROCESSES, _NEW_NETWORK, _NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
_DIE_WITH_PARENT = 1


# --- in the fork: one text ------------------------------------------------------------------------------------------


def run_text(request: dict[str, Any], answers: int, own: bool) -> None:
    """Compiles and runs `request`; sends `[event, text]` lines to the descriptor `predictions` as it goes."""
    _limit(request["limits"], own)
    _hear_nothing(answers)
    sys.addaudithook(_refuse)
    send(answers, "started")
    before = _memory()
    try:
        code = compile(request["text"], "<text>", "exec", dont_inherit=True)
    except BaseException as error:
        # The parser raises it too, where a text is nested too deeply.
        starved = isinstance(error, MemoryError) and _memory() - before > request["limits"]["compile_memory"] / 2
        return send(answers, "unknown" if starved else "not compiled", _describe(error))
    _limit_running(request["limits"], _memory() - before)
    send(answers, "compiled", str(time.process_time()))
    if request["entry_point"] is None:
        return send(answers, "end")
    module = ModuleType("solution")  # where dataclasses and the like look for what a text has defined
    sys.modules["solution"] = module
    scope = module.__dict__

    def counted(call: Callable[..., Any], *values: Any) -> Any:
        """`call(*values)`; after too many lines, unlike a clock the same everywhere, the process ends."""
        left = request["limits"]["steps"]

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                send(answers, "endless")
                os._exit(0)
            return trace

        if left is None:
            return call(*values)
        sys.settrace(trace)
        try:
            return call(*values)
        finally:
            sys.settrace(None)

    try:
        counted(exec, code, scope)
        function = eval(request["entry_point"], scope)
    except BaseException as error:
        return send(answers, "not run", _describe(error))
    for arguments in request["arguments"]:
        try:
            result = repr(counted(function, *ast.literal_eval(arguments)))
        except BaseException as error:
            send(answers, "error", _describe(error))
        else:
            fits = len(result) <= MAX_RESULT
            send(answers, "result" if fits else "error", result if fits else "the result is too long")
    return send(answers, "end")


def send(descriptor: int, event: str, text: str = "") -> None:
    data = (json.dumps([event, text]) + "\n").encode()
    while data:
        data = data[os.write(descriptor, data) :]


def _limit(limits: dict[str, float], own: bool) -> None:
    """Kernel limits while a text compiles; the timer counts fractions of a second, the hard limit stands behind it."""
    values = {
        "RLIMIT_AS": int(limits["compile_memory"] + limits["memory"]),
        "RLIMIT_FSIZE": int(limits["file_size"]),
        "RLIMIT_CPU": math.ceil(limits["compile_seconds"] + limits["cpu_seconds"]) + 1,
        "RLIMIT_CORE": 0,
    }
    if own:  # elsewhere the kernel would count all processes of the person
        values["RLIMIT_NPROC"] = MAX_PROCESSES
    _set(values)
    signal.setitimer(signal.ITIMER_PROF, limits["compile_seconds"])


def _limit_running(limits: dict[str, float], used: int) -> None:
    """The lower limits of a text that has compiled, with `used` bytes."""
    cpu = math.ceil(time.process_time() + limits["cpu_seconds"]) + 1
    _set({"RLIMIT_AS": int(limits["memory"]) + used, "RLIMIT_CPU": cpu})
    signal.setitimer(signal.ITIMER_PROF, limits["cpu_seconds"])


def _set(values: dict[str, int]) -> None:
    for name, value in values.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def _memory() -> int:
    """Most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _hear_nothing(answers: int) -> None:
    """Standard input is empty, output goes nowhere, and no descriptor but `predictions` is left open."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.closerange(3, answers)
    os.closerange(answers + 1, max(answers + 64, null + 1))
    random.seed(0)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        inside = isinstance(path, str) and not path.startswith("/") and ".." not in path
        if not isinstance(flags, int) or not flags & _WRITES or inside:
            return
    elif event not in _REFUSED:
        return
    raise PermissionError(f"{event} is not allowed here")


def _describe(error: BaseException) -> str:
    try:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        words = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:  # an exception of the text's own may raise when it is shown
        return type(error).__name__
    return f"{type(error).__name__}{': ' if words else ''}{words[:200]}{line}"


# --- in the worker: fork, watch, kill, answer -------------------------------------------------------------------------


def judge(request: dict[str, Any], own: bool) -> dict[str, Any]:
    """`{events: [[event, text], ...], end: "end" | "time" | "died", seconds}` of one text run in a fork.

    own: whether this process is the first of its own process namespace, so that nothing can hide from it.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            run_text(request, writable, own)
        finally:
            os._exit(0)
    os.close(writable)
    limits = request["limits"]
    events, in_time = _listen(readable, BUSY * limits["compile_seconds"], limits["wall_seconds"])
    os.close(readable)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        if own:
            os.kill(-1, signal.SIGKILL)
        else:
            os.kill(child, signal.SIGKILL)  # killed before it became a group's leader
    _, status, usage = os.wait4(child, 0)
    if own:
        with contextlib.suppress(ChildProcessError):  # nobody is left
            while True:
                os.waitpid(-1, 0)
    seconds = usage.ru_utime + usage.ru_stime
    if events and events[-1][0] in ("end", "unknown", "not compiled", "not run"):
        end = "end"
    else:
        timer = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
        endless = bool(events) and events[-1][0] == "endless"
        compiling = next((float(text) for event, text in events if event == "compiled"), None)
        over = seconds > (limits["compile_seconds"] if compiling is None else compiling + limits["cpu_seconds"])
        end = "time" if endless or timer or over or not in_time else "died"
    return {"events": events, "end": end, "seconds": seconds}


def _listen(readable: int, compiling: float, running: float) -> tuple[list[list[str]], bool]:
    """Events until the last one, the end of the stream, too many bytes or the end of its time (then False).

    compiling, running: seconds that each may take.
    """
    deadline, compiled = time.monotonic() + compiling, False
    poller = select.poll()
    poller.register(readable, select.POLLIN | select.POLLHUP)
    data = b""
    while len(data) < MAX_OUTPUT:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            return _events(data), False
        received = os.read(readable, 65536)
        data += received
        if not compiled and b'["compiled"' in data:
            deadline, compiled = time.monotonic() + running, True
        if not received or data.endswith(b'["end", ""]\n'):
            break
    return _events(data), True


def _events(data: bytes) -> list[list[str]]:
    """Whole lines of `data` up to the first end; what a text forged and is no event ends the list too."""
    events: list[list[str]] = []
    for line in data.split(b"\n")[:-1]:
        try:
            event, text = json.loads(line)
        except (ValueError, TypeError):
            break
        if not isinstance(event, str) or not isinstance(text, str):
            break
        events.append([event, text])
        if event == "end":
            break
    return events


def serve(requests: int, answers: int, own: bool) -> None:
    """Answers length-prefixed JSON requests until the stream ends; each text finds an empty folder of its own."""
    folder = tempfile.mkdtemp(prefix="judge-")
    os.chdir(folder)
    try:
        while (request := read_message(requests)) is not None:
            write_message(answers, judge(request, own))
            _empty(Path(folder))
    finally:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry, ignore_errors=True)
        with contextlib.suppress(OSError):
            entry.unlink()


def read_message(descriptor: int) -> Any:
    """One length-prefixed JSON message; None at the end of the stream."""
    head = _read(descriptor, 4)
    body = _read(descriptor, int.from_bytes(head, "big")) if len(head) == 4 else b""
    return json.loads(body) if body else None


def _read(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def write_message(descriptor: int, message: Any) -> None:
    data = json.dumps(message).encode()
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[os.write(descriptor, data) :]


def isolate() -> bool:
    """Moves into a namespace without network and other processes, if the kernel grants it; says whether it did.

    Returns in the first process of that namespace; the outer one waits for it and ends with it.
    """
    user, group = os.getuid(), os.getgid()
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.unshare(_NEW_USER | _NEW_PROCESSES | _NEW_NETWORK | _NEW_IPC) != 0:
            return False
        for name, content in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path(f"/proc/self/{name}").write_text(content, encoding="ascii")
        child = os.fork()
    except (OSError, AttributeError):
        return False
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    library.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    return os.getpid() == 1


def main() -> None:
    requests, answers = os.dup(0), os.dup(1)
    own = isolate()
    for name in _PRELOADED:
        __import__(name)
    gc.collect()
    gc.freeze()
    serve(requests, answers, own)


if __name__ == "__main__":
    main()
