#!/usr/bin/env python3
"""The whole workflow: finds recorded sessions, learns from them in two phases, shows before and after.

    python run.py [--training-config-path FILE] [--seed N] [--device NAME] ...

Sessions are those under the data root; without any, two samples in `examples/`. Not here: the plan
(`training.training_loop`), the look of the table (`cli.report`).
"""

from __future__ import annotations

from app.startup import prepare_process

if __name__ == "__main__":
    prepare_process()

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import files
from app.arguments import Parser, check_device, port, positive, seed
from app.main_wrapper import exit_with, run_command
from config import VERSION, LoopConfig
from data_paths import DataPaths
from errors import InputError
from training.distributed.process_group import DistributedContext

if TYPE_CHECKING:
    from training.telemetry import RunRecord
    from training.training_loop import Outcome

SAMPLES = Path(__file__).resolve().parent / "examples" / "sessions"

NO_SERVICES = "needs the services (page, recorder, tester), which are not part of this version"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the workflow; returns the exit code."""
    return run_command(lambda: _run(parser().parse_args(arguments)))


def parser() -> Parser:
    """The flags."""
    top = Parser(prog="python run.py", description="Learn from recorded sessions, compare, replace the current models.")
    add = top.add_argument
    add("--port", type=port, default=3000, metavar="N", help="of the page (no page in this version)")
    add("--no-train", action="store_true", help="record only (not in this version)")
    add("--train-only", action="store_true", help="train on what is there, start no services")
    add("--no-telemetry", action="store_true", help="keep no record of this run, also not on this machine")
    add(
        "--training-config-path",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="JSON, see docs/configuration.md (default: training_config.json if there is one)",
    )
    add("--serve", action="store_true", help="serve the current models (not in this version)")
    add("--simulate", type=positive, metavar="N", default=argparse.SUPPRESS, help="N sessions (not in this version)")
    add("--seed", type=seed, metavar="N", default=argparse.SUPPRESS, help="of all random choices")
    add("--device", metavar="NAME", default=argparse.SUPPRESS, help="cpu, cuda or cuda:N (default: the config's)")
    add("--version", action="version", version=f"codeassist-policy {VERSION}", help="print the version")
    return top


def _run(options: argparse.Namespace) -> int:
    _refuse_what_is_not_there(options)
    config = configuration(options)
    from cli.report import render
    from training.evaluation.held_out_report import Estimate
    from training.telemetry import telemetry

    paths = DataPaths.default()
    config, recordings = find_recordings(config, paths.episodes)
    recorder = telemetry(off=options.no_telemetry, url=config.telemetry_url)
    with recorder.run("run.py", trained_on=config.trained_on, seed=config.seed, device=config.device) as run:
        outcome = learn(config, recordings, paths, run)
        if outcome.after is not None:
            estimates = {name: value for name, value in vars(outcome.after).items() if isinstance(value, Estimate)}
            run.metrics.update({f"held_out.{name}": value.mean for name, value in estimates.items()})
    print(render(outcome, paths, config))
    return 0


def find_recordings(config: LoopConfig, folder: Path) -> tuple[LoopConfig, Path]:
    """Where the sessions are: `folder` if there is a file in it, else the samples, and then the models are marked."""
    if any(names for _, _, names in os.walk(files.make_folder(folder), followlinks=True)):
        return config, folder
    print(f"No recorded sessions in {folder}: two samples show what happens, marked as such.", file=sys.stderr)
    return replace(config, trained_on="samples"), SAMPLES


def learn(config: LoopConfig, recordings: Path, paths: DataPaths, run: RunRecord) -> Outcome:
    """Reads the sessions and carries out the plan, with a bar per phase."""
    from cli.progress import CompositeObserver, Progress
    from cli.train import read
    from training.telemetry import TelemetryObserver
    from training.training_loop import run_loop

    progress = Progress()
    try:
        observer = CompositeObserver([progress, TelemetryObserver(run)])
        episodes = read(recordings, observer, run)
        return run_loop(config, episodes, paths, observer)
    except KeyboardInterrupt:
        progress.close()
        print("interrupted; all is saved, the same command goes on from here", file=sys.stderr)
        raise
    finally:
        progress.close()


def configuration(options: argparse.Namespace) -> LoopConfig:
    """The file's settings, or the defaults; flags come before both. Raises InputError."""
    from training.runs.config_file import read_config

    config = read_config(getattr(options, "training_config_path", None))
    config = replace(config, **{name: getattr(options, name) for name in ("seed", "device") if name in options})
    check_device(config.device)
    return config


def _refuse_what_is_not_there(options: argparse.Namespace) -> None:
    asked = {"--no-train": options.no_train, "--serve": options.serve, "--simulate": "simulate" in options}
    for flag, given in asked.items():
        if given:
            raise InputError(flag, NO_SERVICES)
    if DistributedContext.from_environment().world_size > 1:
        raise InputError("run.py", "is for one process; torchrun starts train_from_episodes (docs/scaling.md)")
    if options.port != 3000:
        print("--port has no effect: there is no page in this version", file=sys.stderr)


if __name__ == "__main__":
    exit_with(main())
