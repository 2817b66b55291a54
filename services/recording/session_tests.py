"""Tests every state of a session that has ended, and keeps what came of it beside the stream.

Not here: running a text (`judge`), which session is next (`snapshot_queue`).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from files import append_line
from judge import Case, Judge, Problem, Verdict
from judge.verdict import CaseOutcome
from state_adapter import TESTS, RecordedTests, StreamIndex, read_test_executions

MAX_SECONDS = 60.0
"""Of testing one session; states that are left then have no `env`."""


@dataclass
class SessionTests:
    """Tests sessions, one after the other.

    problem: gives the problem of an id, None: it has no tests. stopped: says that no more may run. may_run: whether
    anything may, asked before each session.
    """

    judge: Judge
    problem: Callable[[str], Problem | None]
    stopped: Callable[[], bool] = lambda: False
    max_seconds: float = MAX_SECONDS
    may_run: Callable[[], bool] = lambda: True

    def run(self, session: StreamIndex) -> dict[int, RecordedTests]:
        """What testing its states gave, by timestep; a state that was tested before is not tested again.

        Raises InputError: the stream or its tests cannot be read, or the disk refuses.
        """
        path = session.path.with_name(TESTS)
        executions = read_test_executions(path, Counter()) if path.is_file() else {}
        problem = self.problem(session.problem_id or "")
        if problem is None or not self.may_run():
            return executions
        lines: list[str] = []
        try:
            for t, verdict in self._verdicts(session, problem, executions):
                executions[t] = _tests(verdict)
                lines.append(json.dumps(_recorded(session.episode_id, t, verdict, problem)))
        finally:
            if lines:
                append_line(path, "\n".join(lines))
        return executions

    def _verdicts(
        self, session: StreamIndex, problem: Problem, tested: Container[int]
    ) -> Iterator[tuple[int, Verdict]]:
        """What each state not in `tested` gave, as far as it is known, until the time is up; equal texts run once."""
        deadline = time.monotonic() + self.max_seconds
        for t, state in session.states():
            if t in tested or not isinstance(state.get("text"), str):  # a malformed one is refused with the snapshot
                continue
            if self.stopped() or time.monotonic() > deadline:
                return
            verdict = self.judge.verdict(state["text"].replace("\r\n", "\n"), problem)
            if verdict.env is not None:
                yield t, verdict


def _tests(verdict: Verdict) -> RecordedTests:
    assert verdict.env is not None
    return RecordedTests(verdict.env, _milliseconds(verdict))


def _milliseconds(verdict: Verdict) -> int:
    """0 would mean that it never ran."""
    return max(1, round(verdict.seconds * 1000))


def _recorded(episode_id: str, t: int, verdict: Verdict, problem: Problem) -> dict[str, Any]:
    """The execution as recordings have it; a case that did not run has failed for the text's own reason."""
    not_run = CaseOutcome(False, error=verdict.reason)
    results = [
        {"test_id": i, **_result(case, verdict.outcomes[i] if i < len(verdict.outcomes) else not_run)}
        for i, case in enumerate(problem.cases)
    ]
    return {
        "episode_id": episode_id,
        "timestep": t,
        "success": verdict.compiled,
        "execution_time_ms": _milliseconds(verdict),
        "test_results": results,
    }


def _result(case: Case, outcome: CaseOutcome) -> dict[str, Any]:
    """Of one case; of a hidden one only whether it passed, as the person may read and export the recording."""
    if case.hidden:
        return {"passed": outcome.passed, "expected": None, "actual": None, "error": None}
    expected = repr(case.expected)
    actual = expected if outcome.passed else outcome.actual
    return {"passed": outcome.passed, "expected": expected, "actual": actual, "error": outcome.error}
