"""The problems that come with the project: one TOML file each in `data/`, named as the problem.

A file has the keys of docs/formats.md (Problems); examples in a statement are doctests. Not here: what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from judge.problem import Problem
from judge.problems.problem_reader import read_toml_problem

FOLDER = Path(__file__).parent / "data"


@cache
def catalogue() -> Mapping[str, Problem]:
    """All problems by id, from easy to hard; read at the first call. Raises InputError: a file is not as it should."""
    problems = sorted(
        map(read_toml_problem, FOLDER.glob("*.toml")), key=lambda problem: (problem.number or 0, problem.id)
    )
    return MappingProxyType({problem.id: problem for problem in problems})
