"""What the tutor makes of texts that people may have typed: how many it brings to pass, and whether it breaks any.

    python -m benchmarks.tutor [--seeds 5] [--problems HumanEval.jsonl.gz]

Not here: tests of single pieces, other writers.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.tutor(__doc__))

import argparse
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.arguments import run_study
from benchmarks.typed_solutions import cut_in_a_line, every_edit, finished, first_lines, typed, variant, with_holes
from judge import Judge, Limits, Problem
from judge.problems import catalogue, read_problems

RENAMED = 0.7
"""Probability that a person calls something otherwise, in the rows that say so."""

VARIANTS = 3
"""Texts that differ from the solution, of each problem and seed."""

Text = tuple[Problem, list[str]]


def passing(judge: Judge, texts: Sequence[Text]) -> list[Text]:
    """Those that pass all their cases."""
    verdicts = judge.verdicts([(problem, "\n".join(lines)) for problem, lines in texts])
    return [text for text, verdict in zip(texts, verdicts, strict=True) if verdict.passed == verdict.total]


def from_starter_code(problems: Sequence[Problem], judge: Judge) -> int:
    """How many problems the tutor brings from the starter code to a text that passes."""
    texts = [(problem, finished(problem.starter_code.split("\n"), problem)) for problem in problems]
    return len(passing(judge, texts))


def from_typed(
    problems: Sequence[Problem],
    judge: Judge,
    seed: int,
    stop: Callable[[list[str], Problem, Random], list[str]],
    renamed: float,
) -> int:
    """How many problems it brings to pass from what somebody typed who stopped as `stop` does."""
    generator, texts = Random(seed), []
    for problem in problems:
        lines = stop(typed(problem, generator, renamed), problem, generator)
        texts.append((problem, finished(lines, problem)))
    return len(passing(judge, texts))


def broken(problems: Sequence[Problem], judge: Judge, seed: int) -> tuple[int, int, int]:
    """Of texts that pass and differ from the solution: their number, edits of the tutor, and how many broke one."""
    generator = Random(seed)
    texts = passing(judge, [(problem, variant(problem, generator)) for problem in problems for _ in range(VARIANTS)])
    edited = [(problem, edit) for problem, lines in texts for edit in every_edit(lines, problem)]
    return len(texts), len(edited), len(edited) - len(passing(judge, edited))


def main(options: argparse.Namespace) -> None:
    """Measures and prints the tables."""
    seeds = range(options.seeds)
    with Judge(Limits()) as judge:
        if options.problems is not None:
            problems = [problem for problem in read_problems(options.problems).problems if problem.solution]
            print(f"{from_starter_code(problems, judge)} of {len(problems)} pass from the starter code")
            return
        problems = list(catalogue().values())
        print(f"| of {len(problems)} problems, from | pass |\n|---|---|")
        print(f"| the starter code | {from_starter_code(problems, judge)} |")
        for stop in (first_lines, cut_in_a_line, with_holes):
            for renamed in (0.0, RENAMED):
                counts = [from_typed(problems, judge, seed, stop, renamed) for seed in seeds]
                names = ", names changed" if renamed else ""
                print(f"| {stop.__name__.replace('_', ' ')}{names} | {', '.join(map(str, counts))} |")
        totals = [sum(column) for column in zip(*(broken(problems, judge, seed) for seed in seeds), strict=True)]
        print("\n{} texts that pass and differ from the solution, {} edits, {} of them broke one".format(*totals))


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
