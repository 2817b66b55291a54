"""Compiles texts and runs their problems' cases, many at once, each verdict only once. Not here: what a run may do.

Made for the plies that are played; a search never asks it.
"""

from __future__ import annotations

import hashlib
import selectors
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from judge.problem import Problem
from judge.run_watch import Ending
from judge.sandbox_level import SandboxLevel
from judge.text_run import COMPILE_WALL_FACTOR
from judge.verdict import Verdict, parse_verdict
from judge.worker_pool import WorkerPool

Key = tuple[str, bytes]

GRACE_SECONDS = 5.0
"""How long a worker may be silent beyond a text's own limits before it is replaced."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one text with all its cases. Bytes and seconds; the wall clock only catches what sleeps.

    compile_seconds, compile_memory: of compiling alone, so generous that a right text of 50,000 lines compiles.

    steps: lines that one call may run, so that endless loops end at once and alike on all machines (loops of a single
    instruction are left to the clock); None: no such limit.
    """

    steps: int | None = None
    cpu_seconds: float = 1.0
    wall_seconds: float = 5.0
    memory: int = 512 * 2**20
    file_size: int = 2**20
    compile_seconds: float = 20.0
    compile_memory: int = 2 * 2**30


SMALL_PROBLEM_LIMITS = Limits(steps=20_000, cpu_seconds=0.3)
"""For small problems, thousands of texts at a time."""


class Judge:
    """`verdicts(...)` of texts, for any number of threads; its worker processes start at the first need.

    workers: processes; threads that ask at once take turns on them, text by text. capacity: verdicts remembered, by
    problem and text; one that is unknown is not. level: protection that is tried for, as far as the machine grants it.
    protections: gives those (`Confinement.protections`) without which no text is run; its verdict is unknown then.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        workers: int = 1,
        capacity: int = 100_000,
        level: SandboxLevel = SandboxLevel.FULL,
        protections: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.limits, self._protections = limits or Limits(), protections
        self._pool = WorkerPool(workers, level)
        self._cache = _VerdictCache(capacity)

    def verdicts(self, texts: Sequence[tuple[Problem | None, str]]) -> list[Verdict]:
        """One verdict for each (problem, text); problem None: the text is only compiled."""
        keys = [_key(problem, text) for problem, text in texts]
        verdicts = self._cache.get(keys)
        unjudged_texts = {key: task for key, task in zip(keys, texts, strict=True) if key not in verdicts}
        if unjudged_texts:
            run = _Run(self._pool, self.limits, self._protections(), unjudged_texts).verdicts()
            self._cache.add(run)
            verdicts |= run
        return [verdicts[key] for key in keys]

    def verdict(self, text: str, problem: Problem | None = None) -> Verdict:
        """The verdict on one text."""
        return self.verdicts([(problem, text)])[0]

    def close(self) -> None:
        """Ends the worker processes once no thread has a text in them; the next question starts new ones."""
        self._pool.stop_all()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _VerdictCache:
    """The latest verdicts, shared by threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._verdicts: OrderedDict[Key, Verdict] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, keys: Iterable[Key]) -> dict[Key, Verdict]:
        """Those that are remembered."""
        with self._lock:
            verdicts = {key: self._verdicts[key] for key in keys if key in self._verdicts}
            for key in verdicts:
                self._verdicts.move_to_end(key)
        return verdicts

    def add(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Remembers those that are known."""
        with self._lock:
            self._verdicts.update({key: verdict for key, verdict in verdicts.items() if verdict.compiled is not None})
            while len(self._verdicts) > self._capacity:
                self._verdicts.popitem(last=False)


class _Run:
    """One question to the workers: its texts, one at a time for each worker, until all are judged."""

    def __init__(
        self,
        pool: WorkerPool,
        limits: Limits,
        protections: Sequence[str],
        tasks: Mapping[Key, tuple[Problem | None, str]],
    ) -> None:
        self._pool, self._limits, self._protections = pool, limits, protections
        self._tasks = tasks
        self._waiting = list(tasks)[::-1]
        self._selector = selectors.DefaultSelector()
        self._verdicts: dict[Key, Verdict] = {}

    def verdicts(self) -> dict[Key, Verdict]:
        """The verdict of each text."""
        try:
            with self._selector:
                self._ask_workers()
                while self._selector.get_map():
                    self._receive_answers()
                    self._ask_workers()
        except BaseException:  # an interrupted question's answer must not be taken for the next one's
            self._pool.stop(owner=self)
            raise
        finally:
            self._pool.release(owner=self)
        return self._verdicts

    def _ask_workers(self) -> None:
        """Hands texts to idle workers; waits for one if this question has none."""
        while self._waiting:
            worker = self._pool.acquire(owner=self, wait=not self._selector.get_map())
            if worker is None:
                return
            key = self._waiting.pop()
            request = _request(*self._tasks[key], self._limits) | {"protections": self._protections}
            self._selector.register(worker.ask(request), selectors.EVENT_READ, (worker, key))

    def _receive_answers(self) -> None:
        """Takes the answers that have come; if none comes for longer than any may take, the workers are replaced."""
        limits = self._limits
        timeout = COMPILE_WALL_FACTOR * limits.compile_seconds + limits.wall_seconds + GRACE_SECONDS
        ready = [entry for entry, _ in self._selector.select(timeout)]
        for entry in ready or list(self._selector.get_map().values()):
            worker, key = entry.data
            self._selector.unregister(entry.fileobj)
            answer = worker.answer(wait=bool(ready))
            if answer is not None and answer["ending"] == Ending.UNPROTECTED:
                worker.stop()  # the next one may be granted more
            self._verdicts[key] = _verdict_of(answer, self._tasks[key][0])
            self._pool.release(worker, owner=self)


def _request(problem: Problem | None, text: str, limits: Limits) -> dict[str, Any]:
    """What a worker is asked: see `text_run.answer_text`."""
    preamble = problem.preamble if problem is not None else ""
    return {
        "kind": "text",
        "text": f"{preamble}\n{text}" if preamble else text,
        "entry_point": problem.entry_point if problem is not None else None,
        "arguments": [repr(case.arguments) for case in problem.cases] if problem is not None else [],
        "limits": asdict(limits),
    }


def _verdict_of(answer: dict[str, Any] | None, problem: Problem | None) -> Verdict:
    """The verdict that a worker's answer means; None: its process died."""
    if answer is None:
        return parse_verdict([], Ending.DIED, 0.0, problem)
    return parse_verdict(answer["events"], answer["ending"], answer["seconds"], problem)


def _key(problem: Problem | None, text: str) -> Key:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return ("" if problem is None else problem.key, digest)
