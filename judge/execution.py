"""The solution tester's request and answer as plain values. Not here: HTTP, running code (`case_runner`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errors import InputError
from judge.case_runner import Cancelled, CaseResult, CaseRunner, StandardCase

_WHERE = "execute"


def execute(runner: CaseRunner, request: Mapping[str, Any], cancellation: Cancelled | None = None) -> dict[str, Any]:
    """Runs the request's code against its cases and says what came of it.

    request: `{code, test_cases: [{test_id, input, output}], timeout_ms, episode_id, timestep}`, and, if wanted,
    `memory_limit` (MB; None: the default; 0 or less: none), `stop_on_first_failure` and `entry_point`; other keys are
    ignored. `success` of the answer: the code was run on all cases and passed them.

    Raises InputError: the request is malformed, or the sandbox is too weak.
    """
    cases = [_case(value, number) for number, value in enumerate(_value(request, "test_cases", list), 1)]
    timestep = _value(request, "timestep", int)
    execution = runner.run(
        _value(request, "code", str),
        cases,
        timeout_ms=_timeout(request),
        memory_mb=_optional(request, "memory_limit", int),
        stop_on_first_failure=bool(_optional(request, "stop_on_first_failure", bool)),
        entry_point=_optional(request, "entry_point", str),
        cancellation=cancellation,
    )
    return {
        "episode_id": _value(request, "episode_id", str),
        "timestep": timestep,
        "success": execution.error is None and execution.passed == len(cases),
        "execution_time_ms": round(execution.milliseconds, 3),
        "error_message": execution.error,
        "test_results": [shown_result(result) for result in execution.results],
    }


def shown_result(result: CaseResult) -> dict[str, Any]:
    """What one case gave, in the protocol's form."""
    return {
        "test_id": result.case.id,
        "passed": result.passed,
        "input": result.case.input,
        "actual_output": result.actual,
        "expected_output": result.case.expected,
        "error_message": result.error,
        "user_stdout": result.user_stdout,
    }


def _case(value: Any, number: int) -> StandardCase:
    where = f"{_WHERE}, test case {number}"
    if not isinstance(value, Mapping):
        raise InputError(where, "expected an object {test_id, input, output}")
    case_id = value.get("test_id", number)
    if isinstance(case_id, bool) or not isinstance(case_id, str | int):
        raise InputError(where, f"test_id is {case_id!r}, expected text or a whole number")
    return StandardCase(case_id, _value(value, "input", str, where), _value(value, "output", str, where))


def _timeout(request: Mapping[str, Any]) -> float:
    timeout = request.get("timeout_ms")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < 1e9:
        raise InputError(_WHERE, f"timeout_ms is {timeout!r}, expected a positive number of milliseconds")
    return timeout


def _optional(values: Mapping[str, Any], key: str, kind: type, where: str = _WHERE) -> Any:
    """The value under the key; None: it is missing or null."""
    return None if values.get(key) is None else _value(values, key, kind, where)


def _value(values: Mapping[str, Any], key: str, kind: type, where: str = _WHERE) -> Any:
    value = values.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InputError(where, f"{key} is {str(value)[:60]!r}, expected {_KINDS[kind]}")
    return value


_KINDS = {str: "text", int: "a whole number", list: "a list", bool: "true or false"}
