"""Problems of other people's sessions: `problems.json` in the data root, read into `Problem`s. Not here: our own.

A session names its problem; with the problem's cases known, rollouts that go on from the session are tested as it was.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import files
from data_paths import DataPaths
from errors import InputError
from judge import Case, Problem
from simulation.builtin_problems import BY_ID


def load_problems(path: Path | None = None) -> dict[str, Problem]:
    """Our own problems and those in `path` (by default `<data root>/problems.json`, if there is one), by id.

    The file holds a JSON list of problems, or one a line. Of each: `task_id` (or `id`) as sessions name it;
    `entry_point` (or `name`), an expression that gives the function to call; and either `input_output`, a list of
    {"input": "name = value, ...", "output"} in Python literals, or `cases`, a list of [arguments, expected]. `notes`,
    comments for a reader, may be there; all else is left alone.

    Raises InputError: the file cannot be read, or a problem in it cannot be understood (says which and why).
    """
    path = path or DataPaths.default().problems
    if not path.exists():
        return dict(BY_ID)
    with files.translate_os_errors(path):
        text = path.read_bytes().decode("utf-8", "replace")
    problems = [_problem(value, f"{path}, problem {i}") for i, value in enumerate(_values(text, path), 1)]
    return {**BY_ID, **{problem.id: problem for problem in problems}}


def _values(text: str, path: Path) -> list[Any]:
    try:
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"neither a JSON list of problems nor one problem a line: {error}") from None


def _problem(value: Any, where: str) -> Problem:
    if not isinstance(value, dict):
        raise InputError(where, f"is {json.dumps(value)[:60]}, expected an object")
    problem_id = _text(value, ("task_id", "id"), where)
    entry_point = _text(value, ("entry_point", "name"), where)
    cases = value.get("input_output", value.get("cases"))
    if not isinstance(cases, list):
        raise InputError(where, "has neither input_output nor cases, expected a list of them")
    parsed_cases = tuple(_case(case, f"{where}, case {i}") for i, case in enumerate(cases, 1))
    notes = value.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise InputError(where, "notes are no list of texts")
    return Problem(problem_id, entry_point, parsed_cases, notes=tuple(notes))


def _text(value: dict[str, Any], keys: tuple[str, str], where: str) -> str:
    """The text under the first of the keys, or under the other one if the first is missing."""
    key, other_key = keys
    text = value.get(key, value.get(other_key))
    if not isinstance(text, str) or not text:
        raise InputError(where, f"{key} (or {other_key}) is {text!r}, expected text")
    return text


def _case(value: Any, where: str) -> Case:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], list):
        return Case(tuple(value[0]), value[1])
    if not isinstance(value, dict) or not isinstance(value.get("input"), str) or "output" not in value:
        raise InputError(where, 'expected {"input": ..., "output": ...} or [arguments, expected]')
    return Case(tuple(_arguments(value["input"], where)), _literal(value["output"]))


def _arguments(text: str, where: str) -> Sequence[Any]:
    """The values of `name = value, name = value`, in order; none for an empty text and for `none`."""
    if text.strip().lower() in ("", "none"):
        return ()
    try:
        call = ast.parse(f"f({text.strip()})", mode="eval").body
        assert isinstance(call, ast.Call)
        return [ast.literal_eval(value) for value in (*call.args, *(keyword.value for keyword in call.keywords))]
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError):
        raise InputError(where, f"input is {text[:80]!r}, expected name = value, ... in Python literals") from None


def _literal(shown: Any) -> Any:
    """The value that a text shows; the text itself if it shows none."""
    if not isinstance(shown, str):
        return shown
    try:
        return ast.literal_eval(shown)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return shown
