"""Runs a problem's text: compiles it, loads its entry point and calls it for each case, all in one fork.

The first part runs in the fork, the second in the worker, which watches. Not here: what the right results are, which
stay with the asker. Standard library only.
"""

from __future__ import annotations

import ast
import json
import math
import os
import random
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from types import CodeType, ModuleType
from typing import Any

from judge.audit import refuse_audited
from judge.confinement import Confinement, set_limits
from judge.messages import Requests
from judge.run_watch import Ending, Exit, RunWatch


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


MAX_RESULT = 20_000
"""Characters of one result; a longer one counts as an error."""
MAX_OUTPUT = 4_000_000
"""Bytes that a text may send back before it is stopped."""
COMPILE_WALL_FACTOR = 6
"""Times its CPU limit that compiling may take by the clock, as a machine may be busy."""
_EVENT_DESCRIPTOR = 3


# --- in the fork: one text ------------------------------------------------------------------------------------------


class EventChannel:
    """Writes events to a descriptor, one a line of JSON, each with the run's nonce, which a text is not told."""

    def __init__(self, descriptor: int, nonce: str) -> None:
        self._descriptor, self._nonce = descriptor, nonce

    def send(self, event: Event, text: str = "") -> None:
        data = (json.dumps([self._nonce, event, text]) + "\n").encode()
        while data:
            data = data[os.write(self._descriptor, data) :]


def run_text(request: dict[str, Any], channel: EventChannel) -> None:
    """Compiles and runs `request`; reports `Event`s as it goes."""
    channel.send(Event.STARTED)
    code = _compile(request, channel)
    if code is None:
        return None
    if request["entry_point"] is not None:
        limited = _LimitedCalls(request["limits"]["steps"], channel)
        try:
            function = _load(code, request["entry_point"], limited)
        except BaseException as error:
            return channel.send(Event.NOT_RUN, _describe(error))
        for arguments in request["arguments"]:
            _run_case(function, arguments, limited, channel)
    return channel.send(Event.END)


def _compile(request: dict[str, Any], channel: EventChannel) -> CodeType | None:
    """The text's code under the limits of running; None: there is none, which has been reported."""
    before = _peak_memory()
    try:
        code = compile(request["text"], "<text>", "exec", dont_inherit=True)
    except BaseException as error:
        # The parser raises it too, where a text is nested too deeply.
        starved = isinstance(error, MemoryError) and _peak_memory() - before > request["limits"]["compile_memory"] / 2
        channel.send(Event.UNKNOWN if starved else Event.NOT_COMPILED, _describe(error))
        return None
    _limit_running(request["limits"], _peak_memory() - before)
    channel.send(Event.COMPILED, str(time.process_time()))
    return code


def _load(code: CodeType, entry_point: str, limited: _LimitedCalls) -> Callable[..., Any]:
    """What the entry point, which should be a function, is once the text has run. Raises whatever the text raises."""
    module = ModuleType("solution")  # where dataclasses and the like look for what a text has defined
    sys.modules["solution"] = module
    limited.call(exec, code, module.__dict__)
    function: Callable[..., Any] = eval(entry_point, module.__dict__)
    return function


def _run_case(function: Callable[..., Any], arguments: str, limited: _LimitedCalls, channel: EventChannel) -> None:
    """Reports what the function returns for the arguments, a tuple as `repr` shows it."""
    try:
        result = repr(limited.call(function, *ast.literal_eval(arguments)))
    except BaseException as error:
        channel.send(Event.ERROR, _describe(error))
        return
    if len(result) <= MAX_RESULT:
        channel.send(Event.RESULT, result)
    else:
        channel.send(Event.ERROR, "the result is too long")


class _LimitedCalls:
    """Calls that may run `max_lines` lines each (None: any number), which is the same everywhere, unlike a clock."""

    def __init__(self, max_lines: int | None, channel: EventChannel) -> None:
        self._max_lines, self._channel = max_lines, channel

    def call(self, function: Callable[..., Any], *values: Any) -> Any:
        """`function(*values)`; after too many lines it is reported as endless, and the process ends."""
        if self._max_lines is None:
            return function(*values)
        remaining = self._max_lines

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal remaining
            remaining -= 1
            if remaining < 0:
                self._channel.send(Event.ENDLESS)
                os._exit(0)
            return trace

        sys.settrace(trace)
        try:
            return function(*values)
        finally:
            sys.settrace(None)


def _limit_compiling(limits: dict[str, float], confinement: Confinement) -> None:
    """Kernel limits while a text compiles; the timer counts fractions of a second, the hard limit stands behind it."""
    confinement.limit(
        {
            "RLIMIT_AS": int(limits["compile_memory"] + limits["memory"]),
            "RLIMIT_FSIZE": int(limits["file_size"]),
            "RLIMIT_CPU": math.ceil(limits["compile_seconds"] + limits["cpu_seconds"]) + 1,
        }
    )
    signal.setitimer(signal.ITIMER_PROF, limits["compile_seconds"])


def _limit_running(limits: dict[str, float], used: int) -> None:
    """The lower limits of a text that has compiled, with `used` bytes."""
    cpu = math.ceil(time.process_time() + limits["cpu_seconds"]) + 1
    set_limits({"RLIMIT_AS": int(limits["memory"]) + used, "RLIMIT_CPU": cpu})
    signal.setitimer(signal.ITIMER_PROF, limits["cpu_seconds"])


def _peak_memory() -> int:
    """Most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _redirect(event_fd: int) -> None:
    """Standard input is empty, output goes nowhere, and events go to `_EVENT_DESCRIPTOR`."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.dup2(event_fd, _EVENT_DESCRIPTOR)


def _describe(error: BaseException) -> str:
    try:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        words = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:  # an exception of the text's own may raise when it is shown
        return type(error).__name__
    return f"{type(error).__name__}{': ' if words else ''}{words[:200]}{line}"


def _be_text(request: dict[str, Any], event_fd: int, nonce: str, confinement: Confinement) -> None:
    os.setsid()
    _limit_compiling(request["limits"], confinement)
    _redirect(event_fd)
    confinement.enter()
    os.closerange(_EVENT_DESCRIPTOR + 1, 65536)
    random.seed(0)
    sys.addaudithook(refuse_audited)
    run_text(request, EventChannel(_EVENT_DESCRIPTOR, nonce))


# --- in the worker: fork, watch, kill, answer -------------------------------------------------------------------------


def answer_text(request: dict[str, Any], confinement: Confinement, requests: Requests | None = None) -> dict[str, Any]:
    """`{events: [[event, text], ...], ending, seconds}` of one text run in a fork; seconds of CPU time.

    A worker that has less than the request's `protections` does not begin.
    """
    if not confinement.has(request["protections"]):
        return {"events": [], "ending": Ending.UNPROTECTED, "seconds": 0.0}
    limits, nonce = request["limits"], os.urandom(8).hex()
    child, readable = _fork_text(request, nonce, confinement)
    seconds = COMPILE_WALL_FACTOR * limits["compile_seconds"]
    watch = RunWatch(child, requests, seconds=seconds, own_processes=confinement.own_processes)
    events = _listen(watch, readable, nonce, limits["wall_seconds"])
    ended = watch.end()
    ending = watch.ending or (Ending.TIMEOUT if _is_over_time(events, ended, limits) else Ending.DIED)
    return {"events": events, "ending": _ending(events, ending), "seconds": ended.seconds}


def _fork_text(request: dict[str, Any], nonce: str, confinement: Confinement) -> tuple[int, int]:
    """The process that runs the text, and the descriptor from which its events are read."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _be_text(request, writable, nonce, confinement)
        finally:
            os._exit(0)
    os.close(writable)
    return child, readable


def _ending(events: list[list[str]], otherwise: Ending) -> Ending:
    """How the run ended. otherwise: if its events do not say it."""
    last = events[-1][0] if events else None
    if last in (Event.END, Event.UNKNOWN, Event.NOT_COMPILED, Event.NOT_RUN):
        return Ending.FINISHED
    return Ending.TIMEOUT if last == Event.ENDLESS else otherwise


def _is_over_time(events: list[list[str]], ended: Exit, limits: dict[str, float]) -> bool:
    """Whether a run came to a limit of CPU time."""
    if ended.signal == signal.SIGPROF:
        return True
    compile_seconds = next((float(text) for event, text in events if event == Event.COMPILED), None)
    if compile_seconds is None:
        return ended.seconds > limits["compile_seconds"]
    return ended.seconds > compile_seconds + limits["cpu_seconds"]


def _listen(watch: RunWatch, readable: int, nonce: str, running: float) -> list[list[str]]:
    """Events until the last one, the end of the stream, too many bytes or the end of its time.

    running: seconds that it may take once it is compiled.
    """
    watch.add(readable, select.POLLIN)
    compiled, data = False, b""
    while len(data) < MAX_OUTPUT and not watch.ending:
        exited = watch.exit is not None
        if not watch.wait():
            if exited:
                break
            continue
        received = os.read(readable, 65536)
        data += received
        if not compiled and b'"compiled", ' in data:
            watch.allow(running)
            compiled = True
        if not received or data.endswith(b'"end", ""]\n'):
            break
    return _events(data, nonce)


def _events(data: bytes, nonce: str) -> list[list[str]]:
    """Whole lines of `data` up to the first end; what a text forged, without the nonce, ends the list too."""
    events: list[list[str]] = []
    for line in data.split(b"\n")[:-1]:
        try:
            proof, event, text = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            break
        if proof != nonce or not isinstance(event, str) or not isinstance(text, str):
            break
        events.append([event, text])
        if event == Event.END:
            break
    return events
