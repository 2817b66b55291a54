#!/usr/bin/env python3
"""The whole workflow: records sessions, learns from them in two phases, shows before and after.

    python run.py [--port N] [--train-only] [--serve] [--simulate N] ...

In a terminal it serves the page until Ctrl+C; elsewhere it learns from what is recorded and ends. Not here: the
services (`services`), the plan (`training.training_loop`), the look of the table (`cli.report`).
"""

from __future__ import annotations

from app.startup import announce_loading, append_current_folder, prepare_process

if __name__ == "__main__":
    prepare_process()
    append_current_folder()

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import files
from app.arguments import Parser, add_path, check_device, descriptor, path, port, positive, seed
from app.command_names import RUN
from app.main_wrapper import exit_with, output_after, run_command
from app.parent_watch import end_with_parent
from cli.writer_flags import add_writer_flags, writer_settings
from config import VERSION, LoopConfig
from data_paths import SAMPLES, DataPaths, in_repository, quarantine_folder, sessions_left_behind
from errors import InputError, NotFoundError, printable
from training.distributed.process_group import DistributedContext
from training.runs.run_files import plan_path

if TYPE_CHECKING:
    from training.runs.progress_events import ProgressEvents
    from training.telemetry import RunRecord
    from training.training_loop import Outcome

_ORIGIN = re.compile(r"https?://[^/\s?#@]+")

SERVE_STOP_SECONDS, STOP_SECONDS = 25.0, 60.0
"""How long open sessions and their tests may take to end: under `--serve`, where 30 s are all, and before training."""

SIMULATED_SESSIONS = 4
"""Sessions of scripted people to learn from where nobody has recorded any."""

NICENESS = 10
"""Priority below others of a training that a server has started: the person is at work meanwhile."""

INSTALL_SERVE = "pip install -e '.[serve]'" if in_repository() else "pip install 'codeassist-policy[serve]'"

SERVICE_PACKAGES = ("starlette", "uvicorn", "msgspec", "pathspec")
"""Of the extra `serve`, without which nothing is served."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the workflow; returns the exit code."""
    return run_command(lambda: _run(parser().parse_args(arguments)))


def parser() -> Parser:
    """The flags."""
    top = Parser(prog=RUN, description="Record sessions with the assistant, learn from them, compare, replace.")
    add = top.add_argument
    add("--port", type=port, metavar="N", help="of the page; 0: a free one (default: 3000 or the next free one)")
    add("--no-train", action="store_true", help="record sessions, learn from them later")
    add("--train-only", action="store_true", help="train on the recorded sessions and end")
    add("--serve", action="store_true", help="record until a signal ends it, without training")
    add("--simulate", type=positive, metavar="N", help="scripted people record N sessions, which are learned from")
    add("--no-explore", action="store_true", help="keep quiet until three sessions are learned from")
    add("--folder", type=path, metavar="DIR", default=argparse.SUPPRESS, help="of your own files, to edit on the page")
    add_writer_flags(top)
    add("--unprotected-tester", action="store_true", help="run your code also where this system grants no protection")
    add("--compat-ports", action="store_true", help="serve clients of the existing system too: 8000, 8008, 8001")
    add(
        "--allow-origin",
        action="append",
        default=argparse.SUPPRESS,
        metavar="ORIGIN",
        help="a page elsewhere, such as http://localhost:5173, that may ask; with --compat-ports",
    )
    add("--no-telemetry", action="store_true", help="keep no record of this run, also not on this machine")
    add_path(
        top, "--training-config-path", "JSON, see docs/configuration.md (default: training_config.json if there is one)"
    )
    add("--seed", type=seed, metavar="N", default=argparse.SUPPRESS, help="of all random choices (default: 0)")
    add("--device", metavar="NAME", default=argparse.SUPPRESS, help="cpu, cuda or cuda:N (default: cpu)")
    add(
        "--progress-fd",
        type=descriptor,
        metavar="N",
        help="with --train-only, for a program that starts it: tells its progress on this descriptor in lines of JSON, "
        "leaves out the session that is being recorded, and ends with that program",
    )
    add("--version", action="version", version=f"codeassist-policy {VERSION}", help="print the version")
    return top


def _run(options: argparse.Namespace) -> int:
    _check_options(options)
    config = configuration(options)
    paths = DataPaths.default()
    if line := sessions_left_behind():
        _say(line)
    missing_packages = _missing_packages()
    if missing_packages:
        _say(f"The page and the recorder need {', '.join(missing_packages)}: {INSTALL_SERVE}")
    elif options.port and not options.train_only:
        _require_free_port(options.port)
    if options.simulate is not None:
        config, recordings = simulate(config, paths, options)
    elif options.serve or (_has_terminal() and not options.train_only and not missing_packages):
        serve(config, paths, options)
        recordings = paths.episodes
    elif options.progress_fd is not None:
        run_beside_parent()
        recordings = paths.episodes
    else:
        if not (missing_packages or options.train_only) and (line := _serves_nobody(options)):
            _say(line)
        config, recordings = find_recordings(config, paths, options)
    if options.serve or options.no_train:
        return 0
    if not has_recordings(recordings):
        _say(f"No sessions in {recordings}: nothing is learned. --simulate {SIMULATED_SESSIONS} shows what happens.")
        return 0
    try:
        return train(options, config, paths, recordings)
    except NotFoundError:
        if recordings != paths.episodes or not _has_terminal():
            raise
        _say(f"No session in {recordings} has a decision yet: nothing is learned.")
        return 0


def _serves_nobody(options: argparse.Namespace) -> str:
    """What to say where somebody without a terminal gave a flag of the page; "": they gave none."""
    flags = {
        "--port": options.port is not None,
        "--folder": "folder" in options,
        "--compat-ports": options.compat_ports,
    }
    flag = next((flag for flag, is_given in flags.items() if is_given), "")
    return flag and f"No terminal: this trains and serves no page; {flag} is used with --serve."


def serve(config: LoopConfig, paths: DataPaths, options: argparse.Namespace) -> None:
    """Records sessions until a signal or the page ends it; all of them are whole on the disk afterwards.

    Raises KeyboardInterrupt if training is not wanted any more.
    """
    from services.serving import serve_until_stopped
    from services.startup import StartOptions

    writer = writer_settings(options, config.serve)
    if writer.model_file is not None and not writer.model_file.is_file():
        raise InputError(str(writer.model_file), "is no file, expected a GGUF file that writes text")
    folder = getattr(options, "folder", None)
    _require_folder(config.serve.folder if folder is None else folder)
    end = serve_until_stopped(
        config,
        paths,
        StartOptions(
            options.port,
            writer=writer,
            settings_file=settings_file(options),
            unprotected_tester=options.unprotected_tester,
            compat_ports=options.compat_ports,
            allowed_origins=frozenset(getattr(options, "allow_origin", ())),
            trains=not (options.serve or options.no_train),
            training_flags=training_flags(options),
            folder=folder,
        ),
        opens_browser=_has_terminal() and not options.serve,
        next_step=f"Ctrl+C ends recording{'' if options.serve or options.no_train else ' and trains'}",
        can_hurry=not options.serve,
        stop_seconds=SERVE_STOP_SECONDS if options.serve else STOP_SECONDS,
        report=_say,
    )
    if not (options.serve or options.no_train or end.wants_training):
        raise KeyboardInterrupt("all sessions are saved; --train-only learns from them")


def _require_free_port(port: int) -> None:
    """Raises ConflictError before any work: the port is taken."""
    from services.server import listen_where_named

    listen_where_named(port).close()


def _require_folder(name: Path | str | None) -> None:
    """Raises InputError: it is no folder."""
    if name is not None and not Path(name).is_dir():
        raise InputError(str(name), "is no folder, expected the one that holds your own files")


def simulate(config: LoopConfig, paths: DataPaths, options: argparse.Namespace) -> tuple[LoopConfig, Path]:
    """Lets scripted people record sessions through the services; returns what to learn from and how it is marked.

    A training on such sessions that was interrupted goes on first, without new ones, if there is to be one.
    """
    from cli.progress import Progress
    from services.simulated_sessions import planned_sessions, record_simulated_sessions
    from services.startup import StartOptions

    config, folder = replace(config, trained_on="scripted"), paths.simulated_episodes
    recorded = len(list(files.make_folder(folder).glob("*/*.json")))
    count = max(SIMULATED_SESSIONS - recorded, 0) if options.simulate is None else options.simulate
    if count and (options.no_train or not _training_waits(config, folder, paths)):
        sessions = planned_sessions(count, config.seed, first=recorded)
        where = StartOptions(
            options.port or 0,
            models=quarantine_folder(paths.models, "scripted"),
            settings_file=settings_file(options),
        )
        progress = Progress()
        try:
            record_simulated_sessions(config, paths, where, sessions, observer=progress, report=_say)
        finally:
            progress.close()
    return config, folder


def _training_waits(config: LoopConfig, recordings: Path, paths: DataPaths) -> bool:
    """Whether a training on these sessions was interrupted."""
    if not plan_path(paths.run).exists():
        return False
    from training.training_loop import is_interrupted

    return has_recordings(recordings) and is_interrupted(config, recordings, paths)


def find_recordings(config: LoopConfig, paths: DataPaths, options: argparse.Namespace) -> tuple[LoopConfig, Path]:
    """Where to learn from, and the configuration that marks whose sessions they are.

    The person's if there are any; else those of scripted people, recorded now if need be; else the samples.
    """
    if has_recordings(paths.episodes):
        return config, paths.episodes
    where = printable(str(paths.episodes))
    if not _missing_packages():
        _say(f"No recorded sessions in {where}: scripted people show what happens, marked as such.")
        return simulate(config, paths, options)
    _say(f"No recorded sessions in {where}: two samples show what happens, marked as such.")
    return replace(config, trained_on="samples"), SAMPLES


def has_recordings(folder: Path) -> bool:
    """Whether any file in a folder, which is made if missing, may hold sessions."""
    import state_adapter

    return state_adapter.has_recordings(files.make_folder(folder))


def _missing_packages() -> list[str]:
    """Of the extra `serve`."""
    return [name for name in SERVICE_PACKAGES if find_spec(name) is None]


def _has_terminal() -> bool:
    return sys.stdin.isatty()


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


def train(options: argparse.Namespace, config: LoopConfig, paths: DataPaths, recordings: Path) -> int:
    """Learns from the sessions in a folder, and shows what changed."""
    from cli.report import outcome_record, render
    from training.evaluation.clustered_statistics import Estimate
    from training.runs.config_file import require_registered
    from training.telemetry import telemetry

    announce_loading()
    config = with_page_settings(config, paths) if config.trained_on == "person" else config
    require_registered(config, settings_file(options))
    started = datetime.now(UTC)
    events = progress_events(options.progress_fd, config)
    recorder = telemetry(off=options.no_telemetry, url=config.telemetry_url)
    with recorder.run("run.py", trained_on=config.trained_on, seed=config.seed, device=config.device) as run:
        outcome = learn(config, recordings, paths, run, events)
        if outcome.after is not None:
            estimates = {name: value for name, value in vars(outcome.after).items() if isinstance(value, Estimate)}
            sessions = "held_out" if outcome.held_out else "learned_from"
            run.metrics.update({f"{sessions}.{name}": value.mean for name, value in estimates.items()})
    record = outcome_record(outcome, config, started)
    if config.trained_on == "person" and not outcome.nothing_new:
        save_for_page(paths, record)
    if events is not None:
        events.outcome(record)
    with output_after("the run has ended and is saved"):
        print(render(outcome, paths, config))
    return 0


def save_for_page(paths: DataPaths, record: dict[str, Any]) -> None:
    """Saves what a run came to; the run has ended, so that a disk which refuses this takes no results away."""
    from training.runs.outcome_file import save_outcome

    try:
        save_outcome(paths.run, record)
    except InputError as error:
        _say(f"{error}; the page will not show what this run came to")


def learn(
    config: LoopConfig, recordings: Path, paths: DataPaths, run: RunRecord, events: ProgressEvents | None = None
) -> Outcome:
    """Reads the sessions and carries out the plan, with a bar per phase.

    events: told of it too, while services may be recording: a session that has no end yet is left out.
    """
    from cli.progress import NOT_BEGUN, CompositeObserver, Progress
    from cli.reading import read, without_open_sessions
    from training.telemetry import TelemetryObserver
    from training.training_loop import run_loop

    progress = Progress()
    try:
        observer = CompositeObserver([progress, TelemetryObserver(run), *([] if events is None else [events])])
        episodes = read(recordings, observer, run)
        if events is not None:
            episodes = without_open_sessions(episodes, recordings)
        return run_loop(config, episodes, paths, observer)
    except KeyboardInterrupt:
        progress.close()
        how = "all is saved, --train-only goes on from here"
        print(f"interrupted; {how if progress.training_began else NOT_BEGUN}", file=sys.stderr)
        raise
    finally:
        progress.close()


def run_beside_parent() -> None:
    """Leaves the machine to the process that started this one, and ends with it."""
    end_with_parent()
    with suppress(OSError):
        os.nice(NICENESS)


def progress_events(descriptor: int | None, config: LoopConfig) -> ProgressEvents | None:
    """Who is told of progress on a descriptor; None: nobody."""
    from training.runs.progress_events import ProgressEvents

    if descriptor is None:
        return None
    os.set_inheritable(descriptor, False)
    epochs = {"bc": config.bc.epochs, "ppo_from_episodes": config.ppo.epochs, "zero_style": config.zero_style.epochs}
    return ProgressEvents(os.fdopen(descriptor, "w", encoding="utf-8"), epochs)


def training_flags(options: argparse.Namespace) -> tuple[str, ...]:
    """Flags with which a process learns as this one would."""
    flags = ["--no-telemetry"] if options.no_telemetry else []
    if "training_config_path" in options:
        flags += ["--training-config-path", str(options.training_config_path.absolute())]
    for name in ("seed", "device"):
        if name in options:
            flags += [f"--{name}", str(getattr(options, name))]
    return tuple(flags)


def with_page_settings(config: LoopConfig, paths: DataPaths) -> LoopConfig:
    """The configuration with what the person said on the page of what is learned; a damaged file says nothing."""
    try:
        settings = json.loads(files.read_regular_file(paths.settings))
    except (InputError, ValueError, RecursionError):
        return config
    learn_pastes = settings.get("learn_pastes") if isinstance(settings, dict) else None
    return replace(config, learn_pastes=learn_pastes) if isinstance(learn_pastes, bool) else config


def configuration(options: argparse.Namespace) -> LoopConfig:
    """Flags, before the file's settings, before the defaults. Raises InputError."""
    from training.runs import config_file

    file = getattr(options, "training_config_path", None)
    config = config_file.read_config(file)
    config = replace(config, **{name: getattr(options, name) for name in ("seed", "device") if name in options})
    check_device(config.device, "--device" if "device" in options else f"{settings_file(options)}, device")
    return replace(config, serve=replace(config.serve, explore=config.serve.explore and not options.no_explore))


def settings_file(options: argparse.Namespace) -> str:
    """The name of the settings' file, for messages."""
    return str(getattr(options, "training_config_path", "training_config.json"))


def _first_of(options: argparse.Namespace, *names: str) -> str:
    """The first of these flags that was given."""
    return "--" + next(name for name in names if getattr(options, name)).replace("_", "-")


def _check_options(options: argparse.Namespace) -> None:
    serving = options.serve or options.simulate is not None
    if options.train_only and (serving or options.no_train):
        raise InputError("--train-only", "leaves nothing to record; leave out --serve, --simulate and --no-train")
    if options.progress_fd is not None and not options.train_only:
        raise InputError("--progress-fd", "is for a training alone: it needs --train-only")
    if options.serve and options.simulate is not None:
        raise InputError("--serve", "is for people; leave out --simulate")
    if options.no_train and not (serving or _has_terminal()):
        raise InputError("--no-train", "nobody records without a terminal; --serve records until a signal ends it")
    origins = getattr(options, "allow_origin", [])
    if origins and not options.compat_ports:
        raise InputError("--allow-origin", "is for clients of the existing system: it needs --compat-ports")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise InputError("--allow-origin", f"{origin!r} is no origin, expected one such as http://localhost:5173")
    if DistributedContext.from_environment().world_size > 1:
        raise InputError("run.py", "is for one process; torchrun starts train_from_episodes (docs/scaling.md)")
    if (serving or options.no_train) and (missing_packages := _missing_packages()):
        raise InputError(
            _first_of(options, "serve", "simulate", "no_train"), f"needs {', '.join(missing_packages)}: {INSTALL_SERVE}"
        )


if __name__ == "__main__":
    exit_with(main())
