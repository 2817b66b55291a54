"""Problems that a person took over: added to a file that may hold others. Not here: reading them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import files
from judge.problem import Problem
from judge.problems.problem_reader import read_problems, read_records
from judge.problems.records import whole_record


@dataclass(frozen=True, slots=True)
class AddedProblems:
    """Ids of problems that are new in a file, and of those that took the place of one with the same id."""

    new: tuple[str, ...]
    replaced: tuple[str, ...]


def add_problems(path: Path, problems: Sequence[Problem]) -> AddedProblems:
    """Adds problems to the JSON file `path`, which is made if it is missing; its other records stay as they are.

    Raises InputError: the file cannot be read or written, or what it holds cannot be understood; it is then as it was.
    """
    with files.lock(path.parent / f".{path.name}.lock", wait=True):
        records: dict[str, Any] = {}
        if path.exists():
            read_problems(path)
            records = {str(record.get("task_id") or record.get("id")): record for record in read_records(path)}
        new = tuple(problem.id for problem in problems if problem.id not in records)
        records |= {problem.id: whole_record(problem) for problem in problems}
        files.atomic_write(path, "[\n" + ",\n".join(map(json.dumps, records.values())) + "\n]\n")
    return AddedProblems(new, tuple(problem.id for problem in problems if problem.id not in new))
