#!/usr/bin/env python3
"""The whole workflow: finds recorded sessions, learns from them in two phases, shows before and after.

    python run.py [--training-config-path FILE] [--seed N] [--device NAME] ...

Sessions are those under the data root; without any, two samples in `examples/`. Not here: the plan
(`training.training_loop`), the look of the table (`cli.report`).
"""

from __future__ import annotations

from app.startup import announce_loading, append_current_folder, prepare_process

if __name__ == "__main__":
    prepare_process()
    append_current_folder()

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import files
from app.arguments import Parser, check_device, path, port, positive, seed
from app.command_names import RUN
from app.main_wrapper import exit_with, output_after, run_command
from config import VERSION, LoopConfig
from data_paths import SAMPLES, DataPaths, sessions_left_behind
from errors import InputError, printable
from training.distributed.process_group import DistributedContext

if TYPE_CHECKING:
    from training.telemetry import RunRecord
    from training.training_loop import Outcome

STOP_SECONDS = 30.0
"""How long sessions and their tests may take to end."""

NO_SERVICES = "needs the services (page, recorder, tester), which are not part of this version"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the workflow; returns the exit code."""
    return run_command(lambda: _run(parser().parse_args(arguments)))


def parser() -> Parser:
    """The flags; those that need the services are refused, and `--help` leaves them out."""
    top = Parser(prog=RUN, description="Learn from recorded sessions, compare, replace the current models.")
    add = top.add_argument
    add("--train-only", action="store_true", help="train on the recorded sessions and end")
    add("--no-telemetry", action="store_true", help="keep no record of this run, also not on this machine")
    add(
        "--training-config-path",
        type=path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="JSON, see docs/configuration.md (default: training_config.json if there is one)",
    )
    add("--seed", type=seed, metavar="N", default=argparse.SUPPRESS, help="of all random choices (default: 0)")
    add("--device", metavar="NAME", default=argparse.SUPPRESS, help="cpu, cuda or cuda:N (default: cpu)")
    add("--version", action="version", version=f"codeassist-policy {VERSION}", help="print the version")
    add("--port", type=port, metavar="N", help="of the page on this machine (default: 3000 or the next free one)")
    add("--no-train", action="store_true", help="record sessions, learn from them later")
    add("--serve", action="store_true", help="record until a signal ends it, without training")
    add("--simulate", type=positive, metavar="N", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return top


def _run(options: argparse.Namespace) -> int:
    _check_options(options)
    config = configuration(options)
    paths = DataPaths.default()
    if options.serve or (sys.stdin.isatty() and not options.train_only):
        serve(config, paths, options.port)
    if options.serve or options.no_train:
        return 0
    return train(options, config, paths)


def serve(config: LoopConfig, paths: DataPaths, port: int | None) -> None:
    """Records sessions until Ctrl+C, a signal or the page ends it; all of them are whole on the disk afterwards."""
    from services.startup import start_services

    finished = threading.Event()
    running = start_services(config, paths, port=port, finish=finished.set, report=_say)
    _say(f"open {running.address}  (Ctrl+C ends recording)")
    try:
        finished.wait()
    except KeyboardInterrupt:
        pass
    finally:
        _say("ending open sessions ...")
        running.stop(STOP_SECONDS)


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


def train(options: argparse.Namespace, config: LoopConfig, paths: DataPaths) -> int:
    """Learns from what is recorded, and shows what changed."""
    from cli.report import render
    from training.evaluation.clustered_statistics import Estimate
    from training.telemetry import telemetry

    recorder = telemetry(off=options.no_telemetry, url=config.telemetry_url)
    config, recordings = find_recordings(config, paths.episodes)
    with recorder.run("run.py", trained_on=config.trained_on, seed=config.seed, device=config.device) as run:
        outcome = learn(config, recordings, paths, run)
        if outcome.after is not None:
            estimates = {name: value for name, value in vars(outcome.after).items() if isinstance(value, Estimate)}
            sessions = "held_out" if outcome.held_out else "learned_from"
            run.metrics.update({f"{sessions}.{name}": value.mean for name, value in estimates.items()})
    with output_after("the run has ended and is saved"):
        print(render(outcome, paths, config))
    return 0


def find_recordings(config: LoopConfig, folder: Path) -> tuple[LoopConfig, Path]:
    """Where the sessions are: `folder` if recordings are in it, else the samples, and then the models are marked."""
    if line := sessions_left_behind():
        print(line, file=sys.stderr)
    names = (name for _, _, names in os.walk(files.make_folder(folder), followlinks=True) for name in names)
    if any(_may_hold_sessions(name) for name in names):
        return config, folder
    where = printable(str(folder))
    print(f"No recorded sessions in {where}: two samples show what happens, marked as such.", file=sys.stderr)
    return replace(config, trained_on="samples"), SAMPLES


def _may_hold_sessions(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in (".json", ".jsonl")


def learn(config: LoopConfig, recordings: Path, paths: DataPaths, run: RunRecord) -> Outcome:
    """Reads the sessions and carries out the plan, with a bar per phase."""
    from cli.progress import NOT_BEGUN, CompositeObserver, Progress
    from cli.reading import read
    from training.telemetry import TelemetryObserver
    from training.training_loop import run_loop

    progress = Progress()
    try:
        observer = CompositeObserver([progress, TelemetryObserver(run)])
        episodes = read(recordings, observer, run)
        return run_loop(config, episodes, paths, observer)
    except KeyboardInterrupt:
        progress.close()
        how = "all is saved, the same command goes on from here"
        print(f"interrupted; {how if progress.training_began else NOT_BEGUN}", file=sys.stderr)
        raise
    finally:
        progress.close()


def configuration(options: argparse.Namespace) -> LoopConfig:
    """Flags, before the file's settings, before the defaults. Loads PyTorch. Raises InputError."""
    from training.runs import config_file

    file = getattr(options, "training_config_path", None)
    config = config_file.read_config(file)
    config = replace(config, **{name: getattr(options, name) for name in ("seed", "device") if name in options})
    where = str(file or config_file.DEFAULT_PATH)
    check_device(config.device, "--device" if "device" in options else f"{where}, device")
    announce_loading()
    config_file.require_registered(config, where)
    return config


def _check_options(options: argparse.Namespace) -> None:
    if "simulate" in options:
        raise InputError("--simulate", NO_SERVICES)
    if options.no_train and not (options.serve or sys.stdin.isatty()):
        raise InputError("--no-train", "nobody records without a terminal; --serve records until a signal ends it")
    if DistributedContext.from_environment().world_size > 1:
        raise InputError("run.py", "is for one process; torchrun starts train_from_episodes (docs/scaling.md)")


if __name__ == "__main__":
    exit_with(main())
