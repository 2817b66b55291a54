"""A problem as a record, the mapping that JSON and TOML files hold: read with checks, written whole or for the public.

Not here: files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from errors import InputError
from judge.problem import Case, Problem
from judge.problems.case_text import arguments_text, parameter_names, parse_arguments, parse_output

Record = Mapping[str, Any]


def parse_problem(record: Any, where: str) -> Problem:
    """The problem that a record describes, by the keys of docs/formats.md; unknown keys are left alone.

    Raises InputError, which begins with `where`: a key is missing, or its value cannot be understood.
    """
    if not isinstance(record, dict):
        raise InputError(where, f"is {json.dumps(record)[:60]}, expected an object")
    problem_id = _text(record, ("task_id", "id"), where)
    solution = _lines(record, ("solution", "completion"), where)
    starter_code = _text(record, ("starter_code",), where, "")
    return Problem(
        id=problem_id,
        entry_point=_text(record, ("entry_point", "name"), where),
        cases=_cases(record, where),
        solution=solution,
        skeleton=_number(record, "skeleton", where) or _shared_lines(starter_code, solution),
        notes=_texts(record, "notes", where),
        title=_text(record, ("title",), where, _title(problem_id)),
        statement=_text(record, ("problem_description",), where, "").strip("\n"),
        difficulty=_text(record, ("difficulty",), where, "").lower(),
        topics=_texts(record, "tags", where),
        starter_code=starter_code,
        preamble=_text(record, ("prompt",), where, ""),
        number=_number(record, "question_id", where),
    )


def public_record(problem: Problem) -> dict[str, Any]:
    """What the person may see, in the form of the services' protocol: no hidden case, no solution."""
    names = _parameter_names(problem)
    return {
        "task_id": problem.id,
        "question_id": problem.number,
        "title": problem.title,
        "difficulty": problem.difficulty,
        "tags": list(problem.topics),
        "problem_description": problem.statement,
        "starter_code": problem.starter_code,
        "entry_point": problem.entry_point,
        "prompt": problem.preamble,
        "input_output": [_case_record(case, names) for case in problem.visible_cases],
    }


def whole_record(problem: Problem) -> dict[str, Any]:
    """All of the problem, so that `parse_problem` gives it again; for files of the person's own."""
    names = _parameter_names(problem)
    record = public_record(problem)
    record["input_output"] = [
        _case_record(case, names) | ({"hidden": True} if case.hidden else {}) for case in problem.cases
    ]
    if problem.solution:
        record |= {"solution": "\n".join(problem.solution), "skeleton": problem.skeleton}
    return record | ({"notes": list(problem.notes)} if problem.notes else {})


def _parameter_names(problem: Problem) -> tuple[str, ...]:
    codes = (problem.starter_code, "\n".join(problem.solution))
    return next((names for code in codes if (names := parameter_names(problem.entry_point, code))), ())


def _case_record(case: Case, names: tuple[str, ...]) -> dict[str, Any]:
    return {"input": arguments_text(case.arguments, names), "output": repr(case.expected)}


def _title(problem_id: str) -> str:
    """A title made of an id such as `two-words`."""
    words = problem_id.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _text(record: Record, keys: tuple[str, ...], where: str, default: str | None = None) -> str:
    """The text under the first of the keys that is there; the default if there is none."""
    value = next((record[key] for key in keys if record.get(key) is not None), default)
    if not isinstance(value, str) or (default is None and not value):
        name = keys[0] if len(keys) == 1 else f"{keys[0]} (or {keys[1]})"
        raise InputError(where, f"{name} is {_short_form(value)}, expected text")
    return value


def _lines(record: Record, keys: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The lines of a text, or of a list of them."""
    value = next((record[key] for key in keys if record.get(key) is not None), "")
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        raise InputError(where, f"{keys[0]} is {_short_form(value)}, expected text or a list of lines")
    return tuple(value.strip("\n").split("\n")) if value.strip() else ()


def _shared_lines(starter_code: str, solution: tuple[str, ...]) -> int:
    """How many lines the solution begins with that the starter code begins with, too; at least one."""
    pairs = zip(starter_code.split("\n"), solution, strict=False)
    return max(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)), 1)


def _texts(record: Record, key: str, where: str) -> tuple[str, ...]:
    values = record.get(key)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise InputError(where, f"{key} are no list of texts")
    return tuple(values)


def _number(record: Record, key: str, where: str) -> int | None:
    value = record.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise InputError(where, f"{key} is {_short_form(value)}, expected a whole number")


def _short_form(value: object) -> str:
    """A short form of what was found; a list or an object may be too deep to print."""
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else repr(value)[:60]


def _cases(record: Record, where: str) -> tuple[Case, ...]:
    cases = record.get("input_output", record.get("cases"))
    if not isinstance(cases, list):
        raise InputError(where, "has neither input_output nor cases, expected a list of them")
    return tuple(_case(case, f"{where}, case {i}") for i, case in enumerate(cases, 1))


def _case(value: Any, where: str) -> Case:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], list):
        return Case(tuple(value[0]), value[1])
    if not isinstance(value, dict) or not isinstance(value.get("input"), str) or "output" not in value:
        raise InputError(where, 'expected {"input": ..., "output": ...} or [arguments, expected]')
    hidden = value.get("hidden", False)
    if not isinstance(hidden, bool):
        raise InputError(where, f"hidden is {_short_form(hidden)}, expected true or false")
    return Case(parse_arguments(value["input"], where), parse_output(value["output"]), hidden)
