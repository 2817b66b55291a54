"""What running a person's code costs at each level of protection, beside starting an interpreter for each case.

    python -m benchmarks.judge [--seconds 20] [--cases 5]

A run is one text with all its cases: as a program that reads and prints, a fork each (`CaseRunner`), or as calls of its
entry point (`Judge`): one fork for all where calls keep nothing, else (`separate calls`) a fork each. The ways take
turns, so that a busy machine slows all alike; a level that this machine does not reach is left out. Not here: whether
protection holds, which tests/judge says.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.judge(__doc__))

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from benchmarks.arguments import run_study
from benchmarks.timing import call_times
from judge import SMALL_PROBLEM_LIMITS, Case, CaseRunner, Judge, Problem, SandboxLevel, StandardCase

CODE = "def squares(n):\n    return [i * i for i in range(n)]\n"
SHARING = "results = {}\n" + CODE
"""Its calls could see what others left."""
PRINTING = "print(sum(squares(int(input()))))\n"

_fresh = count()


def interpreters(cases: int) -> None:
    """One run with an interpreter for each case."""
    for number in range(cases):
        command = [sys.executable, "-I", "-c", CODE + PRINTING]
        done = subprocess.run(command, input=f"{number}\n", capture_output=True, text=True, check=True)
        assert done.stdout == _expected(number)


def run_program(runner: CaseRunner, cases: int) -> None:
    """One run of a text that no run was of before."""
    standard = [StandardCase(number, f"{number}\n", _expected(number)) for number in range(cases)]
    execution = runner.run(f"# {next(_fresh)}\n{CODE}{PRINTING}", standard, timeout_ms=60_000)
    assert execution.passed == cases


def judge_text(judge: Judge, cases: int, code: str) -> None:
    """One verdict on a text that was not judged before."""
    calls = tuple(Case((number,), [i * i for i in range(number)]) for number in range(cases))
    verdict = judge.verdict(f"# {next(_fresh)}\n{code}", Problem("squares", "squares", calls))
    assert verdict.passed == cases


def _expected(number: int) -> str:
    return f"{sum(i * i for i in range(number))}\n"


@contextlib.contextmanager
def ways(cases: int) -> Iterator[dict[str, Callable[[], None]]]:
    """Every way of running a text, by name."""
    with contextlib.ExitStack() as resources:
        calls: dict[str, Callable[[], None]] = {"an interpreter for each case": lambda: interpreters(cases)}
        for level in list(SandboxLevel)[1:]:
            runner = resources.enter_context(CaseRunner(level=level, unprotected=True))
            if runner.sandbox.level != level:
                continue
            judge = resources.enter_context(Judge(SMALL_PROBLEM_LIMITS, level=level))
            calls[f"cases, level {level}"] = lambda runner=runner: run_program(runner, cases)  # type: ignore[misc]
            for name, code in (("calls", CODE), ("separate calls", SHARING)):
                calls[f"{name}, level {level}"] = lambda judge=judge, code=code: judge_text(judge, cases, code)  # type: ignore[misc]
        yield calls


def main(options: argparse.Namespace) -> None:
    """Measures and prints the table."""
    with ways(options.cases) as calls:
        times = call_times(calls, seconds=options.seconds, warm_up=1)
    print(f"| a run of {options.cases} cases | runs/s | p50 ms | p99 ms |\n|---|---|---|---|")
    for name, values in times.items():
        middle, late = np.percentile(values, [50, 99])
        print(f"| {name} | {1e3 * len(values) / sum(values):.0f} | {middle:.1f} | {late:.1f} |")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
