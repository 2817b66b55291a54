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
from enum import StrEnum
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any


class Event(StrEnum):
    """What the fork that runs a text reports, each with a text, in this order.

    UNKNOWN: it is not known whether the text compiles, as compiling took too much memory; with the reason. NOT_COMPILED
    and NOT_RUN (the entry point could not be loaded): with the reason. RESULT, ERROR: of one call, in the order of the
    cases: what it returned as `repr` shows it, or why it failed. ENDLESS: a call ran more lines than its limit.
    """

    STARTED = "started"
    UNKNOWN = "unknown"
    NOT_COMPILED = "not compiled"
    COMPILED = "compiled"
    NOT_RUN = "not run"
    RESULT = "result"
    ERROR = "error"
    ENDLESS = "endless"
    END = "end"


class Ending(StrEnum):
    """How a run ended: by itself, at a limit of time, or because its process died."""

    FINISHED = "end"
    TIMEOUT = "time"
    DIED = "died"


MAX_RESULT = 20_000
"""Characters of one result; a longer one counts as an error."""
MAX_OUTPUT = 4_000_000
"""Bytes that a text may send back before it is stopped."""
MAX_PROCESSES = 64
"""Processes and threads of a text, where the kernel counts them for it alone."""
COMPILE_WALL_FACTOR = 6
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


def run_text(request: dict[str, Any], event_fd: int, in_pid_namespace: bool) -> None:
    """Compiles and runs `request`; reports `Event`s to the descriptor `event_fd` as it goes.

    in_pid_namespace: whether the kernel counts processes for this text alone.
    """
    _limit_compiling(request["limits"], in_pid_namespace)
    _close_stdio(event_fd)
    sys.addaudithook(_refuse)
    send(event_fd, Event.STARTED)
    code = _compile(request, event_fd)
    if code is None:
        return None
    if request["entry_point"] is not None:
        limited = _LimitedCalls(request["limits"]["steps"], event_fd)
        try:
            function = _load(code, request["entry_point"], limited)
        except BaseException as error:
            return send(event_fd, Event.NOT_RUN, _describe(error))
        for arguments in request["arguments"]:
            _run_case(function, arguments, limited, event_fd)
    return send(event_fd, Event.END)


def _compile(request: dict[str, Any], event_fd: int) -> CodeType | None:
    """The text's code under the limits of running; None: there is none, which has been reported."""
    before = _peak_memory()
    try:
        code = compile(request["text"], "<text>", "exec", dont_inherit=True)
    except BaseException as error:
        # The parser raises it too, where a text is nested too deeply.
        starved = isinstance(error, MemoryError) and _peak_memory() - before > request["limits"]["compile_memory"] / 2
        send(event_fd, Event.UNKNOWN if starved else Event.NOT_COMPILED, _describe(error))
        return None
    _limit_running(request["limits"], _peak_memory() - before)
    send(event_fd, Event.COMPILED, str(time.process_time()))
    return code


def _load(code: CodeType, entry_point: str, limited: _LimitedCalls) -> Callable[..., Any]:
    """What the entry point, which should be a function, is once the text has run. Raises whatever the text raises."""
    module = ModuleType("solution")  # where dataclasses and the like look for what a text has defined
    sys.modules["solution"] = module
    limited.call(exec, code, module.__dict__)
    function: Callable[..., Any] = eval(entry_point, module.__dict__)
    return function


def _run_case(function: Callable[..., Any], arguments: str, limited: _LimitedCalls, event_fd: int) -> None:
    """Reports what the function returns for the arguments, a tuple as `repr` shows it."""
    try:
        result = repr(limited.call(function, *ast.literal_eval(arguments)))
    except BaseException as error:
        send(event_fd, Event.ERROR, _describe(error))
        return
    if len(result) <= MAX_RESULT:
        send(event_fd, Event.RESULT, result)
    else:
        send(event_fd, Event.ERROR, "the result is too long")


class _LimitedCalls:
    """Calls that may run `max_lines` lines each (None: any number), which is the same everywhere, unlike a clock."""

    def __init__(self, max_lines: int | None, event_fd: int) -> None:
        self._max_lines, self._event_fd = max_lines, event_fd

    def call(self, function: Callable[..., Any], *values: Any) -> Any:
        """`function(*values)`; after too many lines it is reported as endless, and the process ends."""
        if self._max_lines is None:
            return function(*values)
        remaining = self._max_lines

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal remaining
            remaining -= 1
            if remaining < 0:
                send(self._event_fd, Event.ENDLESS)
                os._exit(0)
            return trace

        sys.settrace(trace)
        try:
            return function(*values)
        finally:
            sys.settrace(None)


def send(descriptor: int, event: Event, text: str = "") -> None:
    """Writes one event, a line of JSON."""
    data = (json.dumps([event, text]) + "\n").encode()
    while data:
        data = data[os.write(descriptor, data) :]


def _limit_compiling(limits: dict[str, float], in_pid_namespace: bool) -> None:
    """Kernel limits while a text compiles; the timer counts fractions of a second, the hard limit stands behind it."""
    values = {
        "RLIMIT_AS": int(limits["compile_memory"] + limits["memory"]),
        "RLIMIT_FSIZE": int(limits["file_size"]),
        "RLIMIT_CPU": math.ceil(limits["compile_seconds"] + limits["cpu_seconds"]) + 1,
        "RLIMIT_CORE": 0,
    }
    if in_pid_namespace:  # elsewhere the kernel would count all processes of the person
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


def _peak_memory() -> int:
    """Most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _close_stdio(event_fd: int) -> None:
    """Standard input is empty, output goes nowhere, and no descriptor but `event_fd` stays open."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.closerange(3, event_fd)
    os.closerange(event_fd + 1, max(event_fd + 64, null + 1))
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


def run_request(request: dict[str, Any], in_pid_namespace: bool) -> dict[str, Any]:
    """`{events: [[event, text], ...], ending, seconds}` of one text run in a fork; seconds of CPU time.

    in_pid_namespace: whether this process is the first of its own process namespace, so that nothing can hide from it.
    """
    limits = request["limits"]
    child, readable = _fork_text(request, in_pid_namespace)
    events, in_time = _listen(readable, COMPILE_WALL_FACTOR * limits["compile_seconds"], limits["wall_seconds"])
    os.close(readable)
    _kill(child, in_pid_namespace)
    _, status, usage = os.wait4(child, 0)
    if in_pid_namespace:
        _reap_all()
    seconds = usage.ru_utime + usage.ru_stime
    timed_out = not in_time or _is_over_time(events, status, seconds, limits)
    return {"events": events, "ending": _ending(events, timed_out), "seconds": seconds}


def _fork_text(request: dict[str, Any], in_pid_namespace: bool) -> tuple[int, int]:
    """The process that runs the text, and the descriptor from which its events are read."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            run_text(request, writable, in_pid_namespace)
        finally:
            os._exit(0)
    os.close(writable)
    return child, readable


def _kill(child: int, in_pid_namespace: bool) -> None:
    """Kills the fork and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        if in_pid_namespace:
            os.kill(-1, signal.SIGKILL)
        else:
            os.kill(child, signal.SIGKILL)  # killed before it became a group's leader


def _reap_all() -> None:
    with contextlib.suppress(ChildProcessError):  # nobody is left
        while True:
            os.waitpid(-1, 0)


def _ending(events: list[list[str]], timed_out: bool) -> Ending:
    last = events[-1][0] if events else None
    if last in (Event.END, Event.UNKNOWN, Event.NOT_COMPILED, Event.NOT_RUN):
        return Ending.FINISHED
    return Ending.TIMEOUT if timed_out or last == Event.ENDLESS else Ending.DIED


def _is_over_time(events: list[list[str]], status: int, seconds: float, limits: dict[str, float]) -> bool:
    """Whether a run that used `seconds` of CPU and ended with `status` came to a limit of CPU time."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        return True
    compile_seconds = next((float(text) for event, text in events if event == Event.COMPILED), None)
    if compile_seconds is None:
        return seconds > limits["compile_seconds"]
    return seconds > compile_seconds + limits["cpu_seconds"]


def _listen(readable: int, compiling: float, running: float) -> tuple[list[list[str]], bool]:
    """Events until the last one, the end of the stream, too many bytes or the end of its time (then False).

    compiling, running: seconds that each may take.
    """
    deadline, compiled = time.monotonic() + compiling, False
    poller = select.poll()
    poller.register(readable, select.POLLIN | select.POLLHUP)
    data = b""
    while len(data) < MAX_OUTPUT:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or not poller.poll(remaining * 1000):
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
        if event == Event.END:
            break
    return events


def serve(requests: int, answers: int, in_pid_namespace: bool) -> None:
    """Answers length-prefixed JSON requests until the stream ends; each text finds an empty folder of its own."""
    folder = tempfile.mkdtemp(prefix="judge-")
    os.chdir(folder)
    try:
        while (request := read_message(requests)) is not None:
            write_message(answers, run_request(request, in_pid_namespace))
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
    in_pid_namespace = isolate()
    for name in _PRELOADED:
        __import__(name)
    gc.collect()
    gc.freeze()
    serve(requests, answers, in_pid_namespace)


if __name__ == "__main__":
    main()
