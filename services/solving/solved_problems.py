"""Which problems the person has solved, kept beside their sessions. Not here: whether a solution is right."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from errors import InputError, NotFoundError
from files import atomic_write, read_regular_file, translate_os_errors


class SolvedProblems:
    """Ids of solved problems, in a JSON file: `{"solved": {id: ms since 1970}}`. For any number of threads.

    A damaged file is set aside when this is made, which `report` says in a line.
    """

    def __init__(self, path: Path, report: Callable[[str], None] = lambda line: None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._solved: dict[str, int] = {}
        try:
            self._solved = _read(path)
        except NotFoundError:
            return
        except InputError as error:
            report(_set_aside(path, error.reason))

    def __contains__(self, problem_id: str) -> bool:
        return problem_id in self._solved

    def add(self, problem_id: str) -> None:
        """Marks a problem as solved; it is on the disk when this returns.

        Raises InputError: the disk refuses; it counts as solved until the process ends, and is written with the next.
        """
        with self._lock:
            if problem_id in self._solved:
                return
            self._solved = {**self._solved, problem_id: int(time.time() * 1000)}
            atomic_write(self._path, json.dumps({"solved": self._solved}, indent=1))


def _read(path: Path) -> dict[str, int]:
    """Raises InputError: it is missing, cannot be read, or is damaged."""
    try:
        solved = json.loads(read_regular_file(path))["solved"]
    except (ValueError, TypeError, LookupError, RecursionError):
        solved = None
    if not isinstance(solved, dict) or not all(type(since) is int for since in solved.values()):
        raise InputError(str(path), "is damaged")
    return solved


def _set_aside(path: Path, reason: str) -> str:
    """Renames a file that cannot be read; returns what to say. One that cannot be renamed stays."""
    damaged = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    try:
        with translate_os_errors(path):
            path.rename(damaged)
    except InputError as error:
        return f"{path}: {reason}, and cannot be set aside ({error.reason}); no problem counts as solved"
    return f"{path}: {reason}; set aside as {damaged.name}, and no problem counts as solved"
