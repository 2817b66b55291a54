"""A solution against all cases of its problem. Hidden cases are counted; nothing else of them leaves this module.

Not here: running code (`judge`), HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from errors import InputError
from judge import CaseResult, CaseRunner, Execution, Problem, StandardCase
from judge.case_runner import Cancelled
from judge.execution import shown_result
from judge.problems import whole_record

TIMEOUT_MS, CASE_MS = 30_000.0, 10_000.0
"""Of all cases together, and of each of them."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What running a solution gave.

    execution: of all cases, the visible ones first, so that nothing of a hidden one can show up in their results; they
    are numbered from 1. visible: how many are.
    """

    execution: Execution
    visible: int

    @property
    def success(self) -> bool:
        """Whether all cases were run and passed."""
        return self.execution.error is None and self.execution.passed == self.total

    @property
    def total(self) -> int:
        """How many cases there are."""
        return len(self.execution.results)

    @property
    def hidden_results(self) -> Sequence[CaseResult]:
        """Of the hidden cases."""
        return self.execution.results[self.visible :]

    @property
    def first_failure(self) -> dict[str, Any] | None:
        """The first visible case that failed, in the protocol's form; None: there is none."""
        failures = (result for result in self.execution.results[: self.visible] if not result.passed)
        return next((shown_result(result) for result in failures), None)

    def as_test_run(self, episode_id: str, timestep: int) -> dict[str, Any]:
        """The run as a session keeps it."""
        return {
            "episode_id": episode_id,
            "timestep": timestep,
            "submission": True,
            "success": self.success,
            "execution_time_ms": round(self.execution.milliseconds, 3),
            "error_message": self.execution.error,
            "test_results": [{"test_id": result.case.id, "passed": result.passed} for result in self.execution.results],
        }


def submit(runner: CaseRunner, problem: Problem, code: str, cancellation: Cancelled | None = None) -> Submission:
    """Runs a solution against all cases of its problem, to the last one, whatever fails.

    Raises InputError: the sandbox is too weak, or a case cannot be run.
    """
    records = sorted(whole_record(problem)["input_output"], key=lambda record: record.get("hidden", False))
    cases = [StandardCase(number, record["input"], record["output"]) for number, record in enumerate(records, 1)]
    try:
        execution = runner.run(
            f"{problem.preamble}\n{code}" if problem.preamble else code,
            cases,
            timeout_ms=TIMEOUT_MS,
            case_ms=CASE_MS,
            entry_point=problem.entry_point,
            cancellation=cancellation,
        )
    except InputError as error:
        if runner.refusal is not None or isinstance(error.__cause__, OSError):
            raise
        raise InputError(f"problem {problem.id}", "has a case that cannot be run") from error
    return Submission(execution, len(problem.visible_cases))
