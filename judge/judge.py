"""Compiles texts and runs their problems' cases, many at once, each verdict only once. Not here: what a run may do.

Made for the plies that are played; a search never asks it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import selectors
import subprocess
import sys
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from judge.problem import Problem
from judge.verdict import Verdict, read
from judge.worker import BUSY, read_message, write_message

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


_ENVIRONMENT = {
    "PATH": os.defpath,
    "PYTHONHASHSEED": "0",  # the same order of sets, the same verdict
    "PYTHONWARNINGS": "ignore",
    "OPENBLAS_NUM_THREADS": "1",  # each thread of it would reserve memory
}


SMALL_PROBLEM_LIMITS = Limits(steps=20_000, cpu_seconds=0.3)
"""For small problems, thousands of texts at a time."""


class Judge:
    """`verdicts(...)` of texts; its worker processes start at the first need. Not for use by several threads at once.

    workers: processes. capacity: verdicts remembered, by problem and text; one that is unknown is not.
    """

    def __init__(self, limits: Limits | None = None, *, workers: int = 1, capacity: int = 100_000) -> None:
        self.limits = limits or Limits()
        self._workers = [_Worker() for _ in range(workers)]
        self._capacity = capacity
        self._verdicts: OrderedDict[Key, Verdict] = OrderedDict()

    def verdicts(self, texts: Sequence[tuple[Problem | None, str]]) -> list[Verdict]:
        """One verdict for each (problem, text); problem None: the text is only compiled."""
        keys = [_key(problem, text) for problem, text in texts]
        found: dict[Key, Verdict] = {}
        missing: dict[Key, tuple[Problem | None, str]] = {}
        for key, pair in zip(keys, texts, strict=True):
            known = self._verdicts.get(key)
            if known is None:
                missing[key] = pair
            else:
                self._verdicts.move_to_end(key)
                found[key] = known
        found.update(self._run(missing))
        self._verdicts.update({key: found[key] for key in missing if found[key].compiled is not None})
        while len(self._verdicts) > self._capacity:
            self._verdicts.popitem(last=False)
        return [found[key] for key in keys]

    def verdict(self, text: str, problem: Problem | None = None) -> Verdict:
        """The verdict on one text."""
        return self.verdicts([(problem, text)])[0]

    def close(self) -> None:
        """Ends the worker processes; the next question starts new ones."""
        for worker in self._workers:
            worker.stop()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self, missing: dict[Key, tuple[Problem | None, str]]) -> dict[Key, Verdict]:
        """Hands the texts to the workers, one at a time each, until all are judged."""
        waiting = list(reversed(missing.items()))
        found: dict[Key, Verdict] = {}
        silence = BUSY * self.limits.compile_seconds + self.limits.wall_seconds + GRACE_SECONDS
        try:
            with selectors.DefaultSelector() as selector:
                for worker in self._workers[: len(waiting)]:
                    self._hand_over(worker, waiting.pop(), selector)
                while selector.get_map():
                    ready = selector.select(silence)
                    silent = [] if ready else list(selector.get_map().values())
                    for entry in [key for key, _ in ready] or silent:
                        worker, (key, (problem, _)) = entry.data
                        selector.unregister(entry.fileobj)
                        found[key] = _read_answer(worker.answer(wait=bool(ready)), problem)
                        if waiting:
                            self._hand_over(worker, waiting.pop(), selector)
        except BaseException:  # an interrupted question's answer must not be taken for the next one's
            self.close()
            raise
        return found

    def _hand_over(self, worker: _Worker, item: Any, selector: selectors.BaseSelector) -> None:
        _, (problem, text) = item
        request = {
            "text": text,
            "entry_point": problem.entry_point if problem is not None else None,
            "arguments": [repr(case.arguments) for case in problem.cases] if problem is not None else [],
            "limits": asdict(self.limits),
        }
        selector.register(worker.ask(request), selectors.EVENT_READ, (worker, item))


class _Worker:
    """One worker process; started when asked, replaced when it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    def ask(self, request: dict[str, Any]) -> int:
        """Sends the request; returns the descriptor on which its answer will come."""
        for _ in range(2):
            process = self._running()
            assert process.stdin is not None and process.stdout is not None
            try:
                write_message(process.stdin.fileno(), request)
            except OSError:
                self.stop()
                continue
            return process.stdout.fileno()
        raise RuntimeError("the process that runs texts does not start")

    def answer(self, *, wait: bool) -> dict[str, Any] | None:
        """The answer that has begun to come; None if the process died or must not be waited for, which ends it."""
        assert self._process is not None and self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            answer = read_message(self._process.stdout.fileno()) if wait else None
            if isinstance(answer, dict):
                return answer
        self.stop()
        return None

    def stop(self) -> None:
        """Ends the process and all that it has started."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-X", "utf8", str(Path(__file__).with_name("worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
                env={**_ENVIRONMENT, "TMPDIR": tempfile.gettempdir()},
            )
            self._end = weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()  # the worker sees the end of the stream and removes its folder
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.kill()
        process.wait()


def _read_answer(answer: dict[str, Any] | None, problem: Problem | None) -> Verdict:
    if answer is None:
        return read([], "died", 0.0, problem)
    return read(answer["events"], answer["end"], answer["seconds"], problem)


def _key(problem: Problem | None, text: str) -> Key:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return ("" if problem is None else problem.key, digest)
