"""Runs a person's code as a program for one case: standard input in, standard output and an exit code out.

The first part runs in the fork, which has nothing but those three pipes; the second in the worker, which sees how the
fork ends. Not here: the expected outputs, they stay with the asker. Standard library only.
"""

from __future__ import annotations

import ast
import atexit
import io
import linecache
import math
import os
import random
import select
import sys
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from judge.audit import refuse_audited
from judge.confinement import Confinement
from judge.messages import Requests
from judge.run_watch import Ending, RunWatch

MARKER = "---HARNESS_OUTPUT---"
"""A line of standard output: what is printed before it is the code's own, what follows is the output to compare."""
FILE_NAME = "solution.py"
"""What tracebacks call the code."""
MAX_ERROR_OUTPUT = 20_000
"""Bytes of standard error that are remembered, the latest."""
_FAILED_FLUSH = 120


# --- in the fork: one program ---------------------------------------------------------------------------------------


def run_program(request: Mapping[str, Any], exit_process: Callable[[int], Any]) -> None:
    """Runs the code as the main module and ends the process with its exit code."""
    _open_standard_streams()
    code = _run_main(request)
    try:
        if "threading" in sys.modules:  # never imported here: it makes each fork slower
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        code = code or _FAILED_FLUSH
    exit_process(code)


def _run_main(request: Mapping[str, Any]) -> int:
    """The exit code of the code, then of the call of its entry point, if it has one."""
    try:
        namespace = _main_module().__dict__
        linecache.cache[FILE_NAME] = (len(request["code"]), None, request["code"].splitlines(True), FILE_NAME)
        exec(compile(request["code"], FILE_NAME, "exec", dont_inherit=True), namespace)
        if request["entry_point"] is not None:
            _print_result(eval(request["entry_point"], namespace), request["arguments"])
    except SystemExit as ending:
        return _exit_code(ending.code)
    except BaseException as error:
        _print_traceback(error)
        return 1
    return 0


def _main_module() -> ModuleType:
    module = ModuleType("__main__")
    module.__dict__["__file__"] = FILE_NAME
    sys.modules["__main__"] = module
    sys.argv = [FILE_NAME]
    return module


def _print_result(function: Callable[..., Any], arguments: str) -> None:
    """Calls the function with the arguments, a tuple as `repr` shows it; prints the marker and what it returned."""
    standard_output = sys.stdout
    result = repr(function(*ast.literal_eval(arguments)))
    sys.stdout.flush()
    standard_output.write(f"\n{MARKER}\n{result}\n")
    standard_output.flush()


def _open_standard_streams() -> None:
    """Text streams on the three descriptors, as a new interpreter would have them."""
    reading = io.BufferedReader(io.FileIO(0, closefd=False))
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(reading, "utf-8", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _writer(1, "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace", line_buffering=True)  # type: ignore[misc]


def _writer(descriptor: int, errors: str, *, line_buffering: bool = False) -> io.TextIOWrapper:
    writing = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(writing, "utf-8", errors, line_buffering=line_buffering)


def _exit_code(value: object) -> int:
    """The exit code of SystemExit with this value, as the interpreter has it."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    print(value, file=sys.stderr)
    return 1


def _print_traceback(error: BaseException) -> None:
    """Prints it as the interpreter does, without the frames of this module."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        sys.stdout.flush()
        traceback.print_exception(type(error), error, trace, limit=-20)
    except BaseException:  # an exception of the code's own may raise when it is shown
        os.write(2, type(error).__name__.encode("utf-8", "replace"))


def _be_program(request: Mapping[str, Any], pipes: _Pipes, confinement: Confinement) -> None:
    exit_process = os._exit
    os.setsid()
    _limit(request["limits"], confinement)
    for standard, descriptor in enumerate((pipes.stdin[0], pipes.stdout[1], pipes.stderr[1])):
        os.dup2(descriptor, standard)
    confinement.enter()
    os.closerange(3, 65536)
    random.seed(0)
    if request["audit"]:
        sys.addaudithook(refuse_audited)
    run_program(request, exit_process)


def _limit(limits: Mapping[str, float], confinement: Confinement) -> None:
    values = {"RLIMIT_FSIZE": int(limits["file_size"]), "RLIMIT_CPU": math.ceil(limits["wall_seconds"]) + 1}
    if limits["memory"] > 0:
        values["RLIMIT_AS"] = int(limits["memory"]) + confinement.base_memory
    confinement.limit(values)


# --- in the worker: fork, feed, watch, answer -----------------------------------------------------------------------


class _Pipes:
    """The three standard pipes, (reading end, writing end) each; above the standard descriptors, whatever is closed."""

    def __init__(self) -> None:
        self.stdin, self.stdout, self.stderr = os.pipe(), os.pipe(), os.pipe()

    def close_fork_ends(self) -> None:
        for descriptor in (self.stdin[0], self.stdout[1], self.stderr[1]):
            os.close(descriptor)


def answer_program(request: dict[str, Any], confinement: Confinement, requests: Requests) -> dict[str, Any]:
    """`{stdout, stderr, ending, code, signal, seconds, protections}` of one program run in a fork.

    seconds: of CPU time. A worker that has less than the request's `protections` does not begin.
    """
    if not confinement.has(request["protections"]):
        return {"ending": Ending.UNPROTECTED}
    pipes = _Pipes()
    child = os.fork()
    if child == 0:
        try:
            _be_program(request, pipes, confinement)
        except BaseException:
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        finally:
            os._exit(1)
    pipes.close_fork_ends()
    seconds = request["limits"]["wall_seconds"]
    watch = RunWatch(child, requests, seconds=seconds, own_processes=confinement.own_processes)
    streams = _Streams(watch, pipes, request["input"], int(request["limits"]["output"]))
    streams.carry()
    ended = watch.end()
    ending = watch.ending or (Ending.DIED if ended.signal is not None else Ending.FINISHED)
    return {
        "stdout": streams.stdout.decode("utf-8", "replace"),
        "stderr": streams.stderr.decode("utf-8", "replace"),
        "ending": ending,
        "code": ended.code,
        "signal": ended.signal,
        "seconds": ended.seconds,
        "protections": confinement.protections,
    }


class _Streams:
    """Carries a program's input to it and its output from it, until it is over or has written too much."""

    def __init__(self, watch: RunWatch, pipes: _Pipes, text: str, max_output: int) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self._watch, self._pipes, self._max_output = watch, pipes, max_output
        self._input = memoryview(text.encode("utf-8", "surrogatepass"))
        for descriptor in (pipes.stdin[1], pipes.stdout[0], pipes.stderr[0]):
            os.set_blocking(descriptor, False)
        watch.add(pipes.stdout[0], select.POLLIN)
        watch.add(pipes.stderr[0], select.POLLIN)
        watch.add(pipes.stdin[1], select.POLLOUT)

    def carry(self) -> None:
        while self._watch.ending is None:
            exited = self._watch.exit is not None
            ready = self._watch.wait()
            if exited and not any(descriptor != self._pipes.stdin[1] for descriptor, _ in ready):
                return
            for descriptor, _ in ready:
                if descriptor == self._pipes.stdin[1]:
                    self._feed(descriptor)
                else:
                    self._receive(descriptor)

    def _feed(self, descriptor: int) -> None:
        try:
            self._input = self._input[os.write(descriptor, self._input[:65536]) :]
        except BlockingIOError:
            return
        except OSError:  # nobody reads it
            self._input = self._input[:0]
        if not self._input:
            self._watch.remove(descriptor)

    def _receive(self, descriptor: int) -> None:
        data = os.read(descriptor, 65536)
        if not data:
            self._watch.remove(descriptor)
        elif descriptor == self._pipes.stdout[0]:
            self.stdout += data
            if len(self.stdout) > self._max_output:
                self._watch.ending = Ending.OUTPUT
        else:
            self.stderr = (self.stderr + data)[-MAX_ERROR_OUTPUT:]
