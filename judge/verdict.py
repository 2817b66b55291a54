"""What running a text gave, and how it follows from the worker's events. Not here: processes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from judge.problem import Case, Problem
from judge.run_watch import Ending
from judge.text_run import Event
from state import Env

MAX_SHOWN = 200
"""Characters of a result or a reason that a verdict keeps."""


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """Of one case: whether it passed, else the value that came, as `repr` shows it, or why none did."""

    passed: bool
    actual: str | None = None
    error: str | None = None


PASSED = CaseOutcome(True)
"""All that pass are alike, as verdicts are remembered by the thousands."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one text: whether it compiles, how many cases pass of how many (None: there are none), in which CPU time.

    compiled: None: unknown, as its process died or came to a limit before it was known; then nothing else is either.
    reason: the first thing that went wrong, one line; "" if nothing did.
    outcomes: of the cases that ran, in their order.
    """

    compiled: bool | None
    passed: int | None
    total: int | None
    seconds: float
    reason: str = ""
    outcomes: tuple[CaseOutcome, ...] = ()

    @property
    def env(self) -> Env | None:
        """The verdict as a state carries it; None: unknown."""
        return None if self.compiled is None else Env(self.compiled, self.passed, self.total)


_REASONS = {
    Ending.TIMEOUT: "it ran out of time",
    Ending.DISK: "it wrote too many or too large files",
    Ending.PROCESSES: "it started too many threads",
    Ending.UNPROTECTED: "it was not run: the sandbox is weaker now than it was at the start",
}


def parse_verdict(events: Sequence[Sequence[str]], ending: str, seconds: float, problem: Problem | None) -> Verdict:
    """The verdict that the worker's `[event, text]` pairs mean; a case without a right result has failed.

    ending: an `Ending`. seconds: of CPU time.
    """
    compiled = _compiled(events)
    cases = problem.cases if problem is not None else ()
    events_of_cases = [(event, text) for event, text in events if event in (Event.RESULT, Event.ERROR)]
    outcomes = tuple([_outcome(case, *event) for case, event in zip(cases, events_of_cases, strict=False)])
    reasons = [text for event, text in events if event in (Event.UNKNOWN, Event.NOT_COMPILED, Event.NOT_RUN)]
    reasons += _failures(cases, outcomes)
    if ending != Ending.FINISHED:
        reasons.append(_REASONS.get(Ending(ending), "its process died"))
    elif compiled and not reasons and len(outcomes) < len(cases):
        reasons.append("it stopped before the last case")
    reason = reasons[0] if reasons else ""
    if compiled is None or not cases:
        return Verdict(compiled, None, None, seconds, reason)
    passed = sum(outcome.passed for outcome in outcomes)
    return Verdict(compiled, passed, len(cases), seconds, reason, outcomes)


def _compiled(events: Sequence[Sequence[str]]) -> bool | None:
    """Whether the text compiles; None: unknown."""
    names = {event for event, _ in events}
    if Event.COMPILED in names:
        return True
    return False if Event.NOT_COMPILED in names else None


def _outcome(case: Case, event: str, text: str) -> CaseOutcome:
    if event == Event.ERROR:
        return CaseOutcome(False, error=text[:MAX_SHOWN])
    return PASSED if equals_expected(text, case.expected) else CaseOutcome(False, text[:MAX_SHOWN])


def _failures(cases: Sequence[Case], outcomes: Sequence[CaseOutcome]) -> Iterator[str]:
    """A line for each case with an outcome that is not the expected one."""
    for number, (case, outcome) in enumerate(zip(cases, outcomes, strict=False), start=1):
        if not outcome.passed:
            yield f"case {number}: {_failure(case, outcome)[:MAX_SHOWN]}"


def _failure(case: Case, outcome: CaseOutcome) -> str:
    """The error, or what came instead of what was expected; of a hidden case nothing that gives it away."""
    if case.hidden:
        return "a hidden case has another result" if outcome.error is None else "a hidden case ended in an error"
    return outcome.error or f"{case.expected!r} was expected, {outcome.actual or ''} came"


def equals_expected(result_text: str, expected: Any) -> bool:
    """Whether the shown result is the expected value: literally, or as an equal value."""
    if result_text == repr(expected):
        return True
    try:
        return bool(ast.literal_eval(result_text) == expected)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return False
