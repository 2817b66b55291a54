"""Runs a problem's text: compiles it, loads its entry point and calls it for each case, in a fork of the worker.

Cases do not see each other: one fork calls all of them only where calls keep nothing (`shared_state`), else each has
a fork of its own, which loads the text anew. A fork that has loaded a text cannot fork again: the filter of system
calls forbids it. The first part runs in the fork, the second in the worker, which watches. Not here: what the right
results are, which stay with the asker. Standard library only.
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
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from judge.audit import refuse_audited
from judge.confinement import Confinement, set_limits
from judge.messages import Requests
from judge.run_watch import Ending, Exit, RunWatch, empty_folder
from judge.shared_state import may_share_state


class Event(StrEnum):
    """What the fork that runs a text reports, each with a text, in this order.

    UNKNOWN: it is not known whether the text compiles, as compiling took too much memory; with the reason. NOT_COMPILED
    and NOT_RUN (the entry point could not be loaded): with the reason. SEPARATE: calls may share state, so that only
    the first case is run. LOADED: with the seconds of CPU time that this took. RESULT, ERROR: of one call, in the order
    of the cases: what it returned as `repr` shows it, or why it failed. ENDLESS: a call ran more lines than its limit.
    """

    STARTED = "started"
    UNKNOWN = "unknown"
    NOT_COMPILED = "not compiled"
    COMPILED = "compiled"
    SEPARATE = "separate"
    LOADED = "loaded"
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
        cases = request["arguments"]
        if len(cases) > 1 and may_share_state(request["text"], request["entry_point"]):
            channel.send(Event.SEPARATE)
            cases = cases[:1]
        limited = _LimitedCalls(request["limits"]["steps"], channel)
        before = time.process_time()
        try:
            function = _load(code, request["entry_point"], limited)
        except BaseException as error:
            return channel.send(Event.NOT_RUN, _describe(error))
        channel.send(Event.LOADED, str(time.process_time() - before))
        for arguments in cases:
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


@dataclass(frozen=True, slots=True)
class _Run:
    """What one fork did. seconds: of CPU time; running_seconds, wall_seconds: since the text was compiled."""

    events: list[list[str]]
    ending: Ending
    seconds: float
    running_seconds: float
    wall_seconds: float
    bytes_sent: int

    @property
    def load_seconds(self) -> float:
        """CPU time of loading the text, which can claim no more than all that it has run."""
        claim = next((text for event, text in self.events if event == Event.LOADED), "0")
        try:
            return float(claim) if 0.0 <= float(claim) <= self.running_seconds else self.running_seconds
        except ValueError:
            return 0.0

    @property
    def outcome(self) -> list[str] | None:
        """The event of the first case; None: it has not come to an end."""
        return next((event for event in self.events if event[0] in (Event.RESULT, Event.ERROR)), None)


def answer_text(request: dict[str, Any], confinement: Confinement, requests: Requests | None = None) -> dict[str, Any]:
    """`{events: [[event, text], ...], ending, seconds}` of one text with all its cases; seconds of CPU time.

    A worker that has less than the request's `protections` does not begin.
    """
    if not confinement.has(request["protections"]):
        return {"events": [], "ending": Ending.UNPROTECTED, "seconds": 0.0}
    run = _run_fork(request, confinement, requests)
    if all(event != Event.SEPARATE for event, _ in run.events):
        return {"events": run.events, "ending": run.ending, "seconds": run.seconds}
    return _SeparateCases(request, run).answer(confinement, requests)


class _SeparateCases:
    """The cases of one text, each in a fork of its own; the limits are for all of them, and loading counts once."""

    def __init__(self, request: dict[str, Any], first: _Run) -> None:
        self._request, self._load_seconds, self._runs = request, first.load_seconds, [first]

    def answer(self, confinement: Confinement, requests: Requests | None) -> dict[str, Any]:
        """As `answer_text`: runs the cases after the first one, until one does not come to its end."""
        ending = self._runs[0].ending
        for arguments in self._request["arguments"][1:]:
            if ending != Ending.FINISHED or self._runs[-1].outcome is None:
                break
            limits, max_output = self._remaining()
            if min(limits["cpu_seconds"] - self._load_seconds, limits["wall_seconds"], max_output) <= 0:
                ending = Ending.TIMEOUT
                break
            empty_folder(Path())
            request = {**self._request, "arguments": [arguments], "limits": limits}
            self._runs.append(_run_fork(request, confinement, requests, max_output))
            ending = self._runs[-1].ending
        return {"events": self._events(), "ending": ending, "seconds": sum(run.seconds for run in self._runs)}

    def _remaining(self) -> tuple[dict[str, float], int]:
        """The limits of the next case, and the bytes that it may send."""
        limits = self._request["limits"]
        calling = sum(max(0.0, run.running_seconds - self._load_seconds) for run in self._runs)
        wall = sum(run.wall_seconds for run in self._runs)
        remaining = {"cpu_seconds": limits["cpu_seconds"] - calling, "wall_seconds": limits["wall_seconds"] - wall}
        return limits | remaining, MAX_OUTPUT - sum(run.bytes_sent for run in self._runs)

    def _events(self) -> list[list[str]]:
        """Those of the first case, then the outcome of each other one."""
        events = [event for event in self._runs[0].events if event[0] not in (Event.RESULT, Event.ERROR, Event.END)]
        for number, run in enumerate(self._runs):
            events += [run.outcome] if run.outcome is not None else []
            events += [event for event in run.events if number and event[0] in (Event.NOT_RUN, Event.ENDLESS)]
        return events


def _run_fork(
    request: dict[str, Any], confinement: Confinement, requests: Requests | None, max_output: int = MAX_OUTPUT
) -> _Run:
    """Runs the request in one fork. max_output: bytes that it may send."""
    limits, nonce = request["limits"], os.urandom(8).hex()
    child, readable = _fork_text(request, nonce, confinement)
    seconds = COMPILE_WALL_FACTOR * limits["compile_seconds"]
    watch = RunWatch(child, requests, seconds=seconds, own_processes=confinement.own_processes)
    stream = _EventStream(watch, readable, max_output)
    stream.listen(limits["wall_seconds"])
    events = _events(stream.data, nonce)
    ended = watch.end()
    compile_seconds = next((float(text) for event, text in events if event == Event.COMPILED), None)
    ending = watch.ending or (Ending.TIMEOUT if _is_over_time(compile_seconds, ended, limits) else Ending.DIED)
    return _Run(
        events,
        _ending(events, ending),
        ended.seconds,
        running_seconds=max(0.0, ended.seconds - (compile_seconds or 0.0)),
        wall_seconds=stream.running_seconds,
        bytes_sent=len(stream.data),
    )


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


def _is_over_time(compile_seconds: float | None, ended: Exit, limits: dict[str, float]) -> bool:
    """Whether a run came to a limit of CPU time. compile_seconds: None: it has not compiled."""
    if ended.signal == signal.SIGPROF:
        return True
    if compile_seconds is None:
        return ended.seconds > limits["compile_seconds"]
    return ended.seconds > compile_seconds + limits["cpu_seconds"]


class _EventStream:
    """What a fork sends, until its last event, the end of the stream, too many bytes or the end of its time."""

    def __init__(self, watch: RunWatch, readable: int, max_bytes: int) -> None:
        self.data = b""
        self._watch, self._readable, self._max_bytes = watch, readable, max_bytes
        self._compiled_at: float | None = None
        watch.add(readable, select.POLLIN)

    @property
    def running_seconds(self) -> float:
        """By the clock, since the text was compiled."""
        return 0.0 if self._compiled_at is None else time.monotonic() - self._compiled_at

    def listen(self, max_running_seconds: float) -> None:
        """Reads `data`. max_running_seconds: that the run may take once it is compiled."""
        while len(self.data) < self._max_bytes and not self._watch.ending:
            exited = self._watch.exit is not None
            if not self._watch.wait():
                if exited:
                    break
                continue
            received = os.read(self._readable, 65536)
            self.data += received
            if self._compiled_at is None and b'"compiled", ' in self.data:
                self._watch.allow(max_running_seconds)
                self._compiled_at = time.monotonic()
            if not received or self.data.endswith(b'"end", ""]\n'):
                break


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
