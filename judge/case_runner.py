"""Runs a person's code against cases in a sandbox: standard input in, standard output compared.

The expected outputs never leave this process. Not here: protection itself (`sandbox`), a service's messages
(`execution`), problems whose cases are calls with Python values (`Judge`).
"""

from __future__ import annotations

import hashlib
import math
import re
import select
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from errors import InputError
from judge.problems.case_text import parse_arguments, parse_output
from judge.program_run import MARKER
from judge.run_watch import Ending
from judge.sandbox import FILE_SIZE, LEAST_LEVEL, ProbedSandbox, probe
from judge.sandbox_level import SandboxLevel
from judge.text_run import MAX_RESULT
from judge.verdict import equals_expected
from judge.worker_pool import WorkerPool, WorkerProcess

PROBE_AGAIN_SECONDS = 10.0
"""After which a sandbox that could not be set up at all is tried again."""

DEFAULT_MEMORY_MB = 512
MAX_OUTPUT = 2**20
"""Bytes of standard output of one case."""
MAX_VALUE = 10**6
"""Characters of a case's input, and of its expected output, that are read as Python values."""
MAX_REMEMBERED = 2**25
"""Characters of all executions that are remembered."""
_GRACE_SECONDS = 5.0
"""How long a worker may be silent beyond a case's limits before it is replaced."""
_TICK = 0.02
"""Seconds between two looks at whether a run is still wanted."""
_MARKER_LINE = re.compile(rf"^{MARKER}$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StandardCase:
    """One case of a program: what it reads and what it must print, exactly."""

    id: str | int
    input: str
    expected: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case gave.

    actual: standard output, or what followed the marker line if there was one. user_stdout: what was printed before
    that line. error: why the code failed, one line or a traceback; None: it did not, though its output may be wrong.
    """

    case: StandardCase
    passed: bool
    actual: str = ""
    error: str | None = None
    user_stdout: str = ""

    @property
    def characters(self) -> int:
        """Of all texts in it."""
        texts = (self.case.input, self.case.expected, self.actual, self.error or "", self.user_stdout)
        return sum(map(len, texts))


@dataclass(frozen=True, slots=True)
class Execution:
    """What all cases of a code gave, in their order. error: why not all were run to their end; None: they were."""

    results: tuple[CaseResult, ...]
    milliseconds: float
    error: str | None = None

    @property
    def passed(self) -> int:
        """How many cases passed."""
        return sum(result.passed for result in self.results)

    @property
    def characters(self) -> int:
        """Of all texts in it."""
        return sum(result.characters for result in self.results)


class Cancelled(Protocol):
    """Says, from any thread, whether a run is no longer wanted."""

    @property
    def cancelled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Task:
    """One question. memory_mb: 0 or less: no limit. case_ms: of each case; None: only `timeout_ms` of all counts."""

    code: str
    cases: tuple[StandardCase, ...]
    entry_point: str | None
    timeout_ms: float
    memory_mb: int
    stop_on_first_failure: bool
    case_ms: float | None = None

    @property
    def case_seconds(self) -> float:
        """That a single case may take."""
        return math.inf if self.case_ms is None else self.case_ms / 1000

    def key(self) -> bytes:
        return hashlib.blake2b(repr(self).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def request(self, case: StandardCase, seconds: float) -> dict[str, Any]:
        """What a worker is asked, besides how it protects: see `program_run.answer_program`."""
        limits = {
            "wall_seconds": seconds,
            "memory": max(self.memory_mb, 0) * 2**20,
            "file_size": FILE_SIZE,
            "output": MAX_OUTPUT,
        }
        return {
            "kind": "program",
            "code": self.code,
            "input": case.input,
            "entry_point": self.entry_point,
            "arguments": "()" if self.entry_point is None else _arguments(case),
            "limits": limits,
        }


def _arguments(case: StandardCase) -> str:
    """The input's values, a tuple as `repr` shows it. Raises InputError: they are none, or too long to be read here."""
    if len(case.input) > MAX_VALUE:
        raise InputError(f"case {case.id}", f"input has {len(case.input)} characters, expected {MAX_VALUE} at most")
    return repr(parse_arguments(case.input, f"case {case.id}"))


class CaseRunner:
    """`run(...)` of codes, for any number of threads; its worker processes start at the first need.

    level: protection that is tried for. sandbox: what holds of it, tried at the first use. workers: processes.
    capacity: executions remembered, by code and cases. audit: code is also refused hostile acts in plain words.
    unprotected: run code also where the sandbox is below `LEAST_LEVEL`.
    """

    def __init__(
        self,
        *,
        level: SandboxLevel = SandboxLevel.FULL,
        unprotected: bool = False,
        workers: int = 1,
        capacity: int = 1000,
        audit: bool = True,
    ) -> None:
        self._level, self._audit = level, audit
        self._least_level = SandboxLevel.NONE if unprotected else LEAST_LEVEL
        self._pool = WorkerPool(workers, level)
        self._cache = _ExecutionCache(capacity)
        self._probed: ProbedSandbox | None = None
        self._probe_again_at = 0.0
        """When nothing held: a time of `time.monotonic`."""
        self._lock = threading.Lock()

    @property
    def sandbox(self) -> ProbedSandbox:
        """What really holds on this machine; where nothing did, tried again after `PROBE_AGAIN_SECONDS`."""
        with self._lock:
            is_missing = self._probed is not None and self._probed.level == SandboxLevel.NONE
            if self._probed is None or (is_missing and time.monotonic() >= self._probe_again_at):
                self._probed = probe(self._level)
                self._probe_again_at = time.monotonic() + PROBE_AGAIN_SECONDS
            return self._probed

    @property
    def refusal(self) -> str | None:
        """Why no code is run; None: it is."""
        try:
            self.sandbox.require(self._least_level)
        except InputError as error:
            return error.reason
        return None

    def run(
        self,
        code: str,
        cases: Sequence[StandardCase],
        *,
        timeout_ms: float,
        case_ms: float | None = None,
        memory_mb: int | None = None,
        stop_on_first_failure: bool = False,
        entry_point: str | None = None,
        cancellation: Cancelled | None = None,
    ) -> Execution:
        """Runs the code once for each case; `timeout_ms` covers all of them together.

        case_ms: that a single case may take; one that takes longer ends the run.
        entry_point: expression that gives a function to call with a case's input, `name = value, ...`, whose result is
        compared; None: the code itself reads and prints. memory_mb: None: `DEFAULT_MEMORY_MB`; 0 or less: no limit.

        Raises InputError: the sandbox is too weak, or a case's input shows no arguments.
        """
        self.sandbox.require(self._least_level)
        memory = DEFAULT_MEMORY_MB if memory_mb is None else memory_mb
        task = _Task(code, tuple(cases), entry_point, timeout_ms, memory, stop_on_first_failure, case_ms)
        execution = self._cache.get(task.key())
        if execution is None:
            execution = self._run(task, cancellation)
            if execution.error is None:
                self._cache.add(task.key(), execution)
        return execution

    def close(self) -> None:
        """Ends the worker processes once no thread runs code in them; the next question starts new ones."""
        self._pool.stop_all()

    def __enter__(self) -> CaseRunner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self, task: _Task, cancellation: Cancelled | None) -> Execution:
        run = _Run(task, cancellation, {"audit": self._audit, "protections": self.sandbox.protections})
        worker = self._pool.acquire(run, wait=True, is_cancelled=None if cancellation is None else run.is_cancelled)
        if worker is None:
            return run.not_run()
        try:
            return run.execution(worker)
        except BaseException:  # an interrupted case's answer must not be taken for the next one's
            worker.stop()
            raise
        finally:
            self._pool.release(worker, owner=run)


class _ExecutionCache:
    """The latest executions, shared by threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._executions: OrderedDict[bytes, Execution] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Execution | None:
        with self._lock:
            if key in self._executions:
                self._executions.move_to_end(key)
            return self._executions.get(key)

    def add(self, key: bytes, execution: Execution) -> None:
        with self._lock:
            earlier = self._executions.pop(key, None)
            self._characters += execution.characters - (earlier.characters if earlier is not None else 0)
            self._executions[key] = execution
            while len(self._executions) > self._capacity or self._characters > MAX_REMEMBERED:
                self._characters -= self._executions.popitem(last=False)[1].characters


@dataclass(slots=True)
class _Run:
    """One question to a worker, case by case. protection: what each request says of it."""

    task: _Task
    cancellation: Cancelled | None
    protection: dict[str, Any]
    results: list[CaseResult] = field(default_factory=list)

    def execution(self, worker: WorkerProcess) -> Execution:
        start = time.monotonic()
        deadline = start + self.task.timeout_ms / 1000
        error = None
        for case in self.task.cases:
            error = error or self._stop_reason(deadline)
            if error is not None:
                self.results.append(CaseResult(case, False, error="not run"))
                continue
            answer = self._ask(worker, case, deadline)
            result = _result_of(case, answer, by_value=self.task.entry_point is not None)
            self.results.append(result)
            if answer is None or answer["ending"] in (Ending.TIMEOUT, Ending.CANCELLED, Ending.UNPROTECTED):
                error = self._stop_reason(deadline) or result.error
            if self.task.stop_on_first_failure and not result.passed:
                break
        return Execution(tuple(self.results), 1000 * (time.monotonic() - start), error)

    def is_cancelled(self) -> bool:
        """Whether the run is no longer wanted."""
        return self.cancellation is not None and self.cancellation.cancelled

    def not_run(self) -> Execution:
        """Of a run that was cancelled before there was a worker for it."""
        results = tuple(CaseResult(case, False, error="not run") for case in self.task.cases)
        return Execution(results, 0.0, "cancelled")

    def _stop_reason(self, deadline: float) -> str | None:
        """Why no more cases are run; None: they are."""
        if self.is_cancelled():
            return "cancelled"
        if time.monotonic() >= deadline:
            return f"timed out: all cases together may take {self.task.timeout_ms:g} ms"
        return None

    def _ask(self, worker: WorkerProcess, case: StandardCase, deadline: float) -> dict[str, Any] | None:
        """The worker's answer; None: its process died or was silent for too long.

        A worker that could not protect itself as at the start, such as for want of memory, is replaced once.
        """
        for _ in range(2):
            seconds = min(max(deadline - time.monotonic(), 0.001), self.task.case_seconds)
            descriptor = worker.ask({**self.task.request(case, seconds), **self.protection})
            answer = self._await(worker, descriptor, seconds + _GRACE_SECONDS)
            if answer is None or answer["ending"] != Ending.UNPROTECTED:
                break
            worker.stop()
        return answer

    def _await(self, worker: WorkerProcess, descriptor: int, seconds: float) -> dict[str, Any] | None:
        """The answer that comes within so many seconds; cancels the run if that is wanted."""
        patience = time.monotonic() + seconds
        cancelled = self.cancellation is None
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while not poll.poll(1000 * (_TICK if not cancelled else _GRACE_SECONDS)):
            if not cancelled and self.is_cancelled():
                worker.cancel()
                cancelled = True
            if time.monotonic() > patience:
                return worker.answer(wait=False)
        return worker.answer(wait=True)


def _result_of(case: StandardCase, answer: dict[str, Any] | None, *, by_value: bool) -> CaseResult:
    """What a worker's answer means for the case. by_value: the output is a Python value."""
    if answer is None:
        return CaseResult(case, False, error="the process that runs code died")
    if answer["ending"] == Ending.UNPROTECTED:
        return CaseResult(case, False, error="not run: the sandbox is weaker now than it was at the start")
    user_stdout, actual = split_output(answer["stdout"])
    if by_value:
        user_stdout, actual = user_stdout.removesuffix("\n"), actual.removesuffix("\n")
    error = _error(answer)
    right = equals_result_text(actual, case.expected) if by_value else actual == case.expected
    return CaseResult(case, error is None and right, actual, error, user_stdout)


def _error(answer: dict[str, Any]) -> str | None:
    """Why the code failed; None: it ended with exit code 0."""
    reasons = {
        Ending.TIMEOUT: "timed out",
        Ending.CANCELLED: "cancelled",
        Ending.OUTPUT: f"printed more than {MAX_OUTPUT} bytes",
        Ending.DISK: "wrote too many or too large files",
        Ending.PROCESSES: "started too many threads",
        Ending.DIED: f"ended by signal {answer['signal']}",
    }
    if answer["ending"] != Ending.FINISHED:
        return reasons[Ending(answer["ending"])]
    if answer["code"] != 0:
        return str(answer["stderr"]).strip() or f"exit code {answer['code']}"
    return None


def split_output(text: str) -> tuple[str, str]:
    """What stands before the last marker line, and what follows it; without one, nothing and all."""
    lines = list(_MARKER_LINE.finditer(text))
    if not lines:
        return "", text
    return text[: lines[-1].start()], text[lines[-1].end() :]


def equals_result_text(result_text: str, expected: str) -> bool:
    """Whether a shown Python value is the expected one: as a text, or as an equal value; a text also without quotes.

    A longer one is compared as a text only: reading it could take this process all its stack.
    """
    if result_text == expected.strip():
        return True
    short = len(result_text) <= MAX_RESULT and len(expected) <= MAX_VALUE
    return short and equals_expected(result_text, parse_output(expected))
