"""Arguments and files that several studies take, and how a study ends."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from app.arguments import path
from app.main_wrapper import exit_with, run_command
from config import LoopConfig
from errors import InputError
from state_adapter import Episode, read_episodes

Measure = Callable[[Any, Sequence[Episode], LoopConfig], dict[str, Any]]
"""What a study measures with recordings, whose fields say how; a row of its results."""


def existing_folder(name: str) -> Path:
    """An existing folder, for argparse."""
    if not path(name).is_dir():
        raise argparse.ArgumentTypeError(f"{name}: there is no such folder")
    return Path(name)


def existing_file(name: str) -> Path:
    """An existing file, for argparse."""
    if not path(name).is_file():
        raise argparse.ArgumentTypeError(f"{name}: there is no such file")
    return Path(name)


def results_file(name: str) -> Path:
    """A file to write results to, in an existing folder, for argparse."""
    if path(name).is_dir() or not Path(name).parent.is_dir():
        raise argparse.ArgumentTypeError(f"{name}: is a folder, or in no existing one")
    return Path(name)


def seconds(text: str) -> float:
    """How long to measure, for argparse: above 0, and an hour at most."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= 3600.0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds above 0, 3600 at most")
    return number


def share(text: str) -> float:
    """A share, for argparse: from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a share from 0 to 1")
    return number


def people_folders(recordings: Path) -> list[Path]:
    """Folders `<seed>/<person>` of recordings, which hold a person's sessions."""
    return sorted(path for path in recordings.glob("*/*") if path.is_dir())


def rows_in(file: Path) -> list[dict[str, Any]]:
    """The results in a file, a line each.

    Raises:
        InputError: a line is none of ours, or was cut short.
    """
    rows = []
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or "person" not in row:
            raise InputError(f"{file}:{number}", "is no line of results")
        rows.append(row)
    return rows


def ignore_sigint() -> None:
    """For a study's processes: Ctrl+C is for the one that started them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def append_results(work: Callable[[Any], dict[str, Any]], tasks: Sequence[Any], out: Path, jobs: int) -> None:
    """Appends to `out` the row that `work` measures of each task, as soon as it is measured, in `jobs` processes."""
    with multiprocessing.get_context("spawn").Pool(jobs, ignore_sigint) as pool, out.open("a") as file:
        for row in tqdm(pool.imap_unordered(work, tasks), total=len(tasks), desc="measurements"):
            file.write(json.dumps(row) + "\n")
            file.flush()


def append_missing_results(measure: Measure, tasks: Sequence[tuple[Any, Path]], out: Path, jobs: int) -> None:
    """`append_results` of the tasks that `out` has no row of yet.

    tasks: a dataclass that says what is measured, whose fields the row repeats, and the folder of its recordings.
    """
    rows = rows_in(out) if out.exists() else []
    missing_tasks = [task for task in tasks if not any(asdict(task[0]).items() <= row.items() for row in rows)]
    append_results(partial(_measure_folder, measure), missing_tasks, out, jobs)


def _measure_folder(measure: Measure, task: tuple[Any, Path]) -> dict[str, Any]:
    """What `measure` says of a task with its recordings, in a process of its own."""
    import torch

    torch.set_num_threads(1)
    described, folder = task
    return measure(described, read_episodes(folder)[0], LoopConfig())


def run_study(main: Callable[[], None]) -> NoReturn:
    """Runs a study and ends as the commands do: bad input is one line and 2, an interrupt 130."""

    def command() -> int:
        main()
        return 0

    exit_with(run_command(command))
