"""The problems that sessions may name: ours, the catalogue's, and those of `problems.json` in the data root.

A session names its problem; with the problem's cases known, rollouts that go on from the session are tested as it was.
Not here: how a problem is written in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from errors import InputError
from files import exists
from judge import Problem
from judge.problems import catalogue, read_problems
from simulation.builtin_problems import BY_ID


def load_problems(path: Path) -> dict[str, Problem]:
    """All problems by id; those in `path` (`DataPaths.problems`), if there is such a file, come first.

    Raises InputError: the file cannot be read, or a problem in it cannot be understood (says which and why).
    """
    own_problems = read_problems(path).problems if exists(path) else ()
    return {**_built_in(), **{problem.id: problem for problem in own_problems}}


def load_readable_problems(tell: Callable[[str], None], path: Path) -> dict[str, Problem]:
    """All problems by id, as `load_problems`; where the file cannot be read, ours alone.

    tell: takes a line that says so. The file stays as it is: whoever wrote it may mend it.
    """
    try:
        return load_problems(path)
    except InputError as error:
        tell(f"{error}; only the built-in problems are there until that is mended")
        return _built_in()


def _built_in() -> dict[str, Problem]:
    return {**catalogue(), **BY_ID}
