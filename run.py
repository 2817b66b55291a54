#!/usr/bin/env python3
"""The whole workflow: records sessions, learns from them in two phases, shows before and after.

    python run.py [--port N] [--train-only] [--serve] [--simulate N] ...

In a terminal it serves the page until Ctrl+C; elsewhere it learns from what is recorded and ends. Not here: the
flags (`cli.run_options`), the services (`services`), the plan (`training.training_loop`), the look of the table
(`cli.report`).
"""

from __future__ import annotations

from app.startup import announce_loading, append_current_folder, prepare_process

if __name__ == "__main__":
    prepare_process()
    append_current_folder()

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
from app.arguments import check_device
from app.main_wrapper import exit_with, output_after, run_command
from app.parent_watch import end_with_parent
from cli.run_options import RunOptions, read_options
from cli.writer_flags import writer_settings
from config import LoopConfig
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
    return run_command(lambda: _run(read_options(arguments)))


def _run(options: RunOptions) -> int:
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
    if options.records_only:
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


def _serves_nobody(options: RunOptions) -> str:
    """What to say where somebody without a terminal gave a flag of the page; "": they gave none."""
    flag = next(iter(options.page_flags), "") if options.port is None else "--port"
    return flag and f"No terminal: this trains and serves no page; {flag} is used with --serve."


def serve(config: LoopConfig, paths: DataPaths, options: RunOptions) -> None:
    """Records sessions until a signal or the page ends it; all of them are whole on the disk afterwards.

    Raises KeyboardInterrupt if training is not wanted any more.
    """
    from services.serving import serve_until_stopped
    from services.startup import StartOptions

    writer = writer_settings(options.writer, config.serve)
    if writer.model_file is not None and not writer.model_file.is_file():
        raise InputError(str(writer.model_file), "is no file, expected a GGUF file that writes text")
    _require_folder(config.serve.folder if options.folder is None else options.folder)
    end = serve_until_stopped(
        config,
        paths,
        StartOptions(
            options.port,
            writer=writer,
            settings_file=options.settings_file,
            unprotected_tester=options.unprotected_tester,
            compat_ports=options.compat_ports,
            allowed_origins=frozenset(options.allowed_origins),
            trains=not options.records_only,
            training_flags=options.training_flags,
            folder=options.folder,
        ),
        opens_browser=_has_terminal() and not options.serve,
        next_step=f"Ctrl+C ends recording{'' if options.records_only else ' and trains'}",
        can_hurry=not options.serve,
        stop_seconds=SERVE_STOP_SECONDS if options.serve else STOP_SECONDS,
        report=_say,
    )
    if not (options.records_only or end.wants_training):
        raise KeyboardInterrupt("all sessions are saved; --train-only learns from them")


def _require_free_port(port: int) -> None:
    """Raises ConflictError before any work: the port is taken."""
    from services.http.server import listen_where_named

    listen_where_named(port).close()


def _require_folder(name: Path | str | None) -> None:
    """Raises InputError: it is no folder."""
    if name is not None and not Path(name).is_dir():
        raise InputError(str(name), "is no folder, expected the one that holds your own files")


def simulate(config: LoopConfig, paths: DataPaths, options: RunOptions) -> tuple[LoopConfig, Path]:
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
            settings_file=options.settings_file,
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


def find_recordings(config: LoopConfig, paths: DataPaths, options: RunOptions) -> tuple[LoopConfig, Path]:
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


def train(options: RunOptions, config: LoopConfig, paths: DataPaths, recordings: Path) -> int:
    """Learns from the sessions in a folder, and shows what changed."""
    from cli.report import outcome_record, render
    from training.evaluation.clustered_statistics import Estimate
    from training.runs.config_file import require_registered
    from training.telemetry import telemetry

    announce_loading()
    config = with_page_settings(config, paths) if config.trained_on == "person" else config
    require_registered(config, options.settings_file)
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


def with_page_settings(config: LoopConfig, paths: DataPaths) -> LoopConfig:
    """The configuration with what the person said on the page of what is learned; a damaged file says nothing."""
    try:
        settings = json.loads(files.read_regular_file(paths.settings))
    except (InputError, ValueError, RecursionError):
        return config
    learn_pastes = settings.get("learn_pastes") if isinstance(settings, dict) else None
    return replace(config, learn_pastes=learn_pastes) if isinstance(learn_pastes, bool) else config


def configuration(options: RunOptions) -> LoopConfig:
    """Flags, before the file's settings, before the defaults. Raises InputError."""
    from training.runs import config_file

    config = config_file.read_config(options.training_config_path)
    if options.seed is not None:
        config = replace(config, seed=options.seed)
    if options.device is not None:
        config = replace(config, device=options.device)
    check_device(config.device, f"{options.settings_file}, device" if options.device is None else "--device")
    return replace(config, serve=replace(config.serve, explore=config.serve.explore and not options.no_explore))


def _recording_flag(options: RunOptions) -> str:
    """The flag that asks for sessions to be recorded."""
    if options.serve:
        return "--serve"
    return "--no-train" if options.simulate is None else "--simulate"


def _check_options(options: RunOptions) -> None:
    serving = options.serve or options.simulate is not None
    if options.train_only and (serving or options.no_train):
        raise InputError("--train-only", "leaves nothing to record; leave out --serve, --simulate and --no-train")
    recording_flags = options.page_flags + (("--no-explore",) if options.no_explore else ())
    if options.train_only and recording_flags:
        raise InputError(recording_flags[0], "is for recording, which --train-only leaves out; leave out one of them")
    if options.progress_fd is not None and not options.train_only:
        raise InputError("--progress-fd", "is for a training alone: it needs --train-only")
    if options.serve and options.simulate is not None:
        raise InputError("--serve", "is for people; leave out --simulate")
    if options.no_train and not (serving or _has_terminal()):
        raise InputError("--no-train", "nobody records without a terminal; --serve records until a signal ends it")
    if options.allowed_origins and not options.compat_ports:
        raise InputError("--allow-origin", "is for clients of the existing system: it needs --compat-ports")
    for origin in options.allowed_origins:
        if not _ORIGIN.fullmatch(origin):
            raise InputError("--allow-origin", f"{origin!r} is no origin, expected one such as http://localhost:5173")
    if DistributedContext.from_environment().world_size > 1:
        raise InputError("run.py", "is for one process; torchrun starts train_from_episodes (docs/scaling.md)")
    if (serving or options.no_train) and (missing_packages := _missing_packages()):
        raise InputError(_recording_flag(options), f"needs {', '.join(missing_packages)}: {INSTALL_SERVE}")


if __name__ == "__main__":
    exit_with(main())
