"""`train_from_episodes`: recorded sessions to policies, as asked for on the command line. Not here: training.

Under `torchrun` every process comes through here; rank 0 alone shows and records something.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.arguments import check_device
from app.main_wrapper import output_after
from app.startup import announce_loading
from cli.built_in import BACKBONES, TEXT_EMBEDDERS
from cli.progress import NOT_BEGUN, CompositeObserver, Progress
from cli.reading import read
from cli.setting_flags import DEFAULTS, SETTING_FLAGS, override
from cli.tables import pluralise
from config import LoopConfig, TrainConfig
from config_bounds import check_settings
from data_paths import SAMPLES, DataPaths
from errors import InputError, printable
from state_adapter import Episode
from training.distributed.process_group import DistributedContext, init_distributed
from training.runs import config_file
from training.runs.observer import Observer
from training.telemetry import TelemetryObserver, telemetry

if TYPE_CHECKING:
    from training.train_from_episodes import TrainResult

_WITHOUT_EFFECT = {
    "held_out_share": "nothing is held out for a comparison",
    "init_from_pv": "--init-from-pv says it here",
    "serve": "nothing is served; of it, learning asks for review_threshold and review_exploration alone",
}
"""Settings of `run.py` that mean nothing to this command, and why."""


@dataclass(frozen=True)
class _Training:
    """A training that has ended, and its configuration."""

    config: TrainConfig
    result: TrainResult


def train_from_episodes(options: argparse.Namespace) -> int:
    """Reads, trains, and says where everything is; returns the exit code."""
    with init_distributed() as distributed:
        with distributed.errors_on_all_ranks():
            settings = read_settings(options, report=distributed.is_main)
            file = str(getattr(options, "training_config_path", "arguments"))
            where = "--device" if "device" in options else f"{file}, device"
            device = check_device(distributed.device_name(settings.device), where)
            if distributed.is_main:
                announce_loading()
            config_file.require_registered(settings, file, typed=vars(options))
        training = _train(options, settings, distributed.on_device(device))
    if distributed.is_main:
        _append_manifest(training.config, training.result)
        with output_after("the run has ended and is saved"):
            print(_summary(training.config, training.result))
    return 0


def read_settings(options: argparse.Namespace, *, report: bool = False) -> LoopConfig:
    """Flags, before the settings file, before `DEFAULTS`. Raises InputError.

    report: whether settings of the file that have no effect are named on stderr.
    """
    settings = DEFAULTS
    if "training_config_path" in options:
        file = options.training_config_path
        value = config_file.read_settings(file)
        settings = config_file.parse_config(value, str(file), DEFAULTS)
        named = [name for name in _WITHOUT_EFFECT if isinstance(value, Mapping) and name in value]
        if report and named:
            reasons = ", ".join(f"{name} ({_WITHOUT_EFFECT[name]})" for name in named)
            print(f"{printable(str(file))}: without effect on this command: {reasons}", file=sys.stderr)
    settings = override(settings, options)
    if "trained_on" in options:
        settings = replace(settings, trained_on=options.trained_on)
    check_settings(settings, "arguments")
    return settings


def mark_kind_of_sessions(options: argparse.Namespace, settings: LoopConfig, episodes: Sequence[Episode]) -> LoopConfig:
    """Settings that say whose sessions these are: as the person says, else as the places of their files say.

    Raises InputError: they lie in folders of several kinds.
    """
    if _says_whose_sessions(options, settings):
        return settings
    kinds = sorted({_kind_of_session(Path(source)) for source in {episode.source for episode in episodes}})
    if len(kinds) > 1:
        reason = f"holds sessions of several kinds ({', '.join(kinds)}), expected one kind, or --trained-on"
        raise InputError(str(options.episodes_dir), reason)
    return replace(settings, trained_on=kinds[0])


def train_config(options: argparse.Namespace, settings: LoopConfig) -> TrainConfig:
    """The configuration of this run."""
    return TrainConfig(
        checkpoint_dir=options.checkpoint_dir,
        pv_dir=_models_folder(options.pv_dir, settings.trained_on),
        device=settings.device,
        seed=settings.seed,
        init_from_pv=options.init_from_pv,
        resume=options.resume,
        run_label=options.run_label,
        trained_on=settings.trained_on,
        featurizer=settings.featurizer,
        model=settings.model,
        rewards=settings.rewards,
        bc=settings.bc,
        ppo=settings.ppo,
        zero_style=settings.zero_style,
        learn_pastes=settings.learn_pastes,
    )


def _train(options: argparse.Namespace, settings: LoopConfig, distributed: DistributedContext) -> _Training:
    progress = Progress()
    recorder = telemetry(off=not distributed.is_main, url=settings.telemetry_url)
    recorded = _recorded_settings(options, settings)
    with recorder.run(
        "train_from_episodes", processes=distributed.world_size, strict=options.strict, **recorded
    ) as run:
        try:
            progress_observers = _shown_by_main_process(options, progress) if distributed.is_main else []
            observer = CompositeObserver([*progress_observers, TelemetryObserver(run)])
            with distributed.errors_on_all_ranks():
                episodes = read(options.episodes_dir, observer, run, strict=options.strict)
                config = train_config(options, mark_kind_of_sessions(options, settings, episodes))
            from models.reviewer import Reviewer
            from training.train_from_episodes import train_from_episodes

            reviewer = Reviewer.load(config.pv_dir, settings.serve, config.rewards)
            result = train_from_episodes(
                config, episodes, observer=observer, distributed=distributed, reviewer=reviewer
            )
            return _Training(config, result)
        except KeyboardInterrupt:
            progress.close()
            if distributed.is_main:
                how = "the same command with --resume goes on from what is saved"
                print(f"interrupted; {how if progress.training_began else NOT_BEGUN}", file=sys.stderr)
            raise
        finally:
            progress.close()


def _shown_by_main_process(options: argparse.Namespace, progress: Progress) -> list[Observer]:
    if not options.tb_dir:
        return [progress]
    from cli.tensorboard import TensorBoard

    return [progress, TensorBoard(options.tb_dir, options.run_label)]


def _says_whose_sessions(options: argparse.Namespace, settings: LoopConfig) -> bool:
    return "trained_on" in options or settings.trained_on != "person"


def _kind_of_session(source: Path) -> Any:
    """`samples` or `scripted` for files below folders of such sessions, also through links; `person` for others.

    Folders of simulated sessions and of self-play are known by their place in a data root, whichever that is.
    """
    file = source.resolve()
    if file.is_relative_to(SAMPLES):
        return "samples"
    paths, places = DataPaths.default(), {folder.parts[-2:] for folder in file.parents}
    is_simulated = any(
        file.is_relative_to(folder.resolve()) or folder.parts[-2:] in places
        for folder in (paths.simulated_episodes, paths.self_play_episodes)
    )
    return "scripted" if is_simulated else "person"


def _models_folder(pv_dir: Path, trained_on: str) -> Path:
    """`pv_dir`, unless it serves a person by default and these models did not learn from one."""
    if trained_on == "person" or pv_dir.resolve() != DataPaths.default().models.resolve():
        return pv_dir
    from data_paths import quarantine_folder

    return quarantine_folder(pv_dir, trained_on)


def _append_manifest(config: TrainConfig, result: TrainResult) -> None:
    """Records what a person's models learned from, so that `run.py` never compares them on it."""
    from training.runs import training_manifest

    paths = DataPaths.default()
    if result.generation is None or config.pv_dir.resolve() != paths.models.resolve():
        return
    if result.generation not in {entry.generation for entry in training_manifest.read_manifest(paths.manifest)}:
        entry = training_manifest.ManifestEntry(
            result.generation, config.pv_dir.name, result.data.ids, (), result.games
        )
        training_manifest.append_entry(paths.manifest, entry)


def _summary(config: TrainConfig, result: TrainResult) -> str:
    if result.meta["trained_on"] == "nothing":
        models = "as they were" if result.generation is None else f"untrained, generation {result.generation}"
        first = "nothing was learned: no epochs were asked for"
    else:
        models = f"generation {result.generation}"
        validation = f", {len(result.held_out)} for validation" if result.held_out else ""
        first = f"{pluralise(len(result.train), 'session')} learned from{validation}"
    kind = "current models" if config.trained_on == "person" else f"{config.trained_on} models"
    folder = printable(str(config.pv_dir))
    return "\n".join(
        [first, f"log and checkpoints  {printable(str(config.checkpoint_dir))}", f"{kind:21}{folder} ({models})"]
    )


def _recorded_settings(options: argparse.Namespace, settings: LoopConfig) -> dict[str, Any]:
    """What telemetry records: nothing that names a file, a person, or a person's own module.

    trained_on: None until the sessions have been read, unless the person says whose they are.
    """
    values = {flag.option: flag.value(settings) for flag in SETTING_FLAGS}
    for name, built_in in (("backbone", BACKBONES), ("text_embedder", TEXT_EMBEDDERS)):
        if values[name] not in built_in:
            values[name] = "registered"
    trained_on = settings.trained_on if _says_whose_sessions(options, settings) else None
    return {**values, "init_from_pv": options.init_from_pv, "resume": options.resume, "trained_on": trained_on}
