"""`problems`: what there is to solve, one of them in full, and taking over others from a file.

Not here: how they are read and stored.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import strict_json
from app.main_wrapper import output_after
from cli.tables import pluralise, table
from data_paths import DataPaths
from errors import InputError, NotFoundError, printable
from files import exists
from judge import Problem
from judge.problems import add_problems, catalogue, public_record, read_problems
from judge.problems.problem_reader import SkippedProblem


def problems(options: argparse.Namespace) -> int:
    """Prints the problems, one of them, or what was taken over from a file."""
    path = DataPaths.default().problems
    if "import_file" in options:
        return _take_over(options.import_file, path, as_json=options.json)
    own_problems = read_problems(path).problems if exists(path) else ()
    by_id = {**catalogue(), **{problem.id: problem for problem in own_problems}}
    if "show" in options:
        return _show(_find(options.show, by_id), as_json=options.json)
    return _list(list(by_id.values()), {problem.id for problem in own_problems}, as_json=options.json)


def _find(problem_id: str, by_id: Mapping[str, Problem]) -> Problem:
    if problem_id in by_id:
        return by_id[problem_id]
    nearest = get_close_matches(problem_id, by_id, n=1)
    suggestion = f"; did you mean {nearest[0]}?" if nearest else "; without --show all are listed"
    raise NotFoundError(problem_id, f"there is no such problem{suggestion}")


def _list(listed: Sequence[Problem], taken_over: set[str], *, as_json: bool) -> int:
    if as_json:
        print(strict_json.dumps([public_record(problem) for problem in listed]))
        return 0
    head = ("id", "difficulty", "cases", "hidden", "from", "title")
    rows = [
        (
            problem.id,
            problem.difficulty or "-",
            str(len(problem.cases)),
            str(len(problem.cases) - len(problem.visible_cases)),
            "problems.json" if problem.id in taken_over else "catalogue",
            problem.title,
        )
        for problem in listed
    ]
    print(table([head, *rows]))
    print(f"\n{pluralise(len(rows), 'problem')}; --show ID prints one, --import FILE takes over others.")
    return 0


def _show(problem: Problem, *, as_json: bool) -> int:
    record = public_record(problem)
    if as_json:
        print(strict_json.dumps(record, indent=1))
        return 0
    about = ", ".join(text for text in (problem.difficulty, *problem.topics) if text)
    cases = [f"    {case['input'] or 'no arguments'} -> {case['output']}" for case in record["input_output"]]
    hidden = len(problem.cases) - len(cases)
    parts = [
        problem.title + (f" ({about})" if about else ""),
        problem.statement or "It has no statement.",
        "\n".join([f"Cases ({hidden} more are hidden):", *cases]),
    ]
    if problem.starter_code:
        parts.append("\n".join(["It begins with:", *(f"    {line}" for line in problem.starter_code.split("\n"))]))
    print("\n\n".join(_printable_lines(part) for part in parts).rstrip())
    return 0


def _printable_lines(text: str) -> str:
    """The text, which may come from a file, with everything escaped that a terminal would obey but line ends."""
    return "\n".join(printable(line.rstrip()) for line in text.split("\n"))


def _take_over(source: Path, path: Path, *, as_json: bool) -> int:
    read = read_problems(source)
    if not (read.problems or read.skipped):
        raise InputError(str(source), "is empty, expected a JSON list of problems or one problem a line")
    added = add_problems(path, read.problems)
    with output_after(f"the problems of {source} are in {path}"):
        if as_json:
            rows = [{"problem": row.problem_id, "cases": row.cases, "reason": row.reason} for row in read.skipped]
            print(strict_json.dumps({"file": str(path), "new": added.new, "replaced": added.replaced, "skipped": rows}))
            return 0
        for skipped in read.skipped:
            print(_skipped_line(skipped))
        counts = f"{pluralise(len(added.new), 'new problem')}, {len(added.replaced)} replaced"
        print(printable(f"{counts}, {sum(not skipped.cases for skipped in read.skipped)} left out; in {path}"))
    return 0


def _skipped_line(skipped: SkippedProblem) -> str:
    loss = f"{pluralise(skipped.cases, 'test')} left out" if skipped.cases else "left out"
    return printable(f"{skipped.problem_id}: {loss}: {skipped.reason}")
