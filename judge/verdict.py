"""What running a text gave, and how it is read off the worker's events. Not here: processes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from judge.problem import Problem
from state import Env


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one text: whether it compiles, how many cases pass of how many (None: there are none), in which CPU time.

    compiled: None: unknown, as its process died or came to a limit before it was known; then nothing else is either.
    reason: the first thing that went wrong, one line; "" if nothing did.
    """

    compiled: bool | None
    passed: int | None
    total: int | None
    seconds: float
    reason: str = ""

    @property
    def env(self) -> Env | None:
        """The verdict as a state carries it; None: unknown."""
        return None if self.compiled is None else Env(self.compiled, self.passed, self.total)


def read(events: Sequence[Sequence[str]], end: str, seconds: float, problem: Problem | None) -> Verdict:
    """The verdict that the worker's events mean; a case without a right result has failed."""
    told = {event for event, _ in events}
    compiled = True if "compiled" in told else False if "not compiled" in told else None
    outcomes = [(event, text) for event, text in events if event in ("result", "error")]
    reasons = [text for event, text in events if event in ("unknown", "not compiled", "not run")]
    cases = problem.cases if problem is not None else ()
    passed = 0
    for number, (case, (event, text)) in enumerate(zip(cases, outcomes, strict=False), start=1):
        if event == "result" and same(text, case.expected):
            passed += 1
        else:
            wrong = text if event == "error" else f"{case.expected!r} was expected, {text} came"
            reasons.append(f"case {number}: {wrong[:200]}")
    if end == "time":
        reasons.append("it ran out of time")
    elif end != "end":
        reasons.append("its process died")
    elif compiled and problem is not None and not reasons and len(outcomes) < len(cases):
        reasons.append("it stopped before the last case")
    reason = reasons[0] if reasons else ""
    if compiled is None or not cases:
        return Verdict(compiled, None, None, seconds, reason)
    return Verdict(compiled, passed, len(cases), seconds, reason)


def same(shown: str, expected: Any) -> bool:
    """Whether the shown result is the expected value: literally, or as an equal value."""
    if shown == repr(expected):
        return True
    try:
        return bool(ast.literal_eval(shown) == expected)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return False
