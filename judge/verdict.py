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
    """Of one text: whether it compiles, how many cases pass of how many (None: no cases known), in which CPU time.

    reason: the first thing that went wrong, one line; "" if nothing did.
    """

    compiled: bool
    passed: int | None
    total: int | None
    seconds: float
    reason: str = ""

    @property
    def env(self) -> Env:
        """The verdict as a state carries it."""
        return Env(self.compiled, self.passed, self.total)


def read(events: Sequence[Sequence[str]], end: str, seconds: float, problem: Problem | None) -> Verdict:
    """The verdict that the worker's events mean; a case without a right result has failed."""
    compiled = any(event == "compiled" for event, _ in events)
    outcomes = [(event, text) for event, text in events if event in ("result", "error")]
    reasons = [text for event, text in events if event in ("not compiled", "not run")]
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
    total = len(cases) if problem is not None else None
    return Verdict(compiled, passed if total is not None else None, total, seconds, reasons[0] if reasons else "")


def same(shown: str, expected: Any) -> bool:
    """Whether the shown result is the expected value: literally, or as an equal value."""
    if shown == repr(expected):
        return True
    try:
        return bool(ast.literal_eval(shown) == expected)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return False
