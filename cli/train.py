"""`train_from_episodes`: recorded sessions to policies, as asked for on the command line. Not here: training.

Under `torchrun` every process comes through here; rank 0 alone shows and records something.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.arguments import check_device
from cli.progress import CompositeObserver, Progress
from cli.tables import pluralise
from config import LoopConfig, TrainConfig
from data_paths import DataPaths
from state_adapter import Episode, read_episodes
from training.distributed.process_group import DistributedContext, init_distributed
from training.runs import training_manifest
from training.runs.observer import Observer
from training.telemetry import RunRecord, TelemetryObserver, telemetry

if TYPE_CHECKING:
    from training.train_from_episodes import TrainResult


def train_from_episodes(options: argparse.Namespace) -> int:
    """Reads, trains, and says where everything is; returns the exit code."""
    with init_distributed() as distributed:
        with distributed.errors_on_all_ranks():
            device = check_device(distributed.device_name(options.device))
        with distributed.process_group(device):
            result = _train(options, distributed)
    if distributed.is_main:
        _note(options.pv_dir, result)
        _tell(options, result)
    return 0


def _train(options: argparse.Namespace, distributed: DistributedContext) -> TrainResult:
    progress = Progress()
    observers: list[Observer] = []
    if distributed.is_main:
        observers.append(progress)
        if options.tb_dir:
            from cli.tensorboard import TensorBoard

            observers.append(TensorBoard(options.tb_dir, options.run_label))
    settings = {name: getattr(options, name) for name in _RECORDED}
    with telemetry(off=not distributed.is_main).run(
        "train_from_episodes", processes=distributed.world_size, **settings
    ) as run:
        try:
            observer = CompositeObserver([*observers, TelemetryObserver(run)])
            with distributed.errors_on_all_ranks():
                config = configuration(options)
                episodes = read(options.episodes_dir, observer, run, strict=options.strict)
            from training.train_from_episodes import train_from_episodes

            return train_from_episodes(config, episodes, observer=observer, distributed=distributed)
        except KeyboardInterrupt:
            progress.close()
            if distributed.is_main:
                print("interrupted; the same command with --resume goes on from what is saved", file=sys.stderr)
            raise
        finally:
            progress.close()


def _note(pv_dir: Path, result: TrainResult) -> None:
    """Writes down what a person's models learnt from, so that `run.py` never compares them on it."""

    paths = DataPaths.default()
    noted = {entry.generation for entry in training_manifest.read_manifest(paths.manifest)}
    if result.generation is not None and pv_dir.resolve() == paths.models.resolve() and result.generation not in noted:
        training_manifest.append_entry(
            paths.manifest,
            training_manifest.ManifestEntry(result.generation, pv_dir.name, result.data.ids, (), result.games),
        )


def _tell(options: argparse.Namespace, result: TrainResult) -> None:
    if result.meta["trained_on"] == "nothing":
        models = "as they were" if result.generation is None else f"untrained, generation {result.generation}"
        print("nothing was learnt: no epochs were asked for")
    else:
        models = f"generation {result.generation}"
        print(f"{pluralise(len(result.train), 'session')} learnt from, {len(result.held_out)} held out")
    print(f"log and checkpoints  {options.checkpoint_dir}")
    print(f"current models       {options.pv_dir} ({models})")


_RECORDED = (
    "h_max",
    "w_max",
    "device",
    "backbone",
    "text_embedder",
    "bc_epochs",
    "ppo_epochs",
    "zero_style_epochs",
    "ppo_steps",
    "zero_roots",
    "zero_horizon",
    "init_from_pv",
    "seed",
    "resume",
    "strict",
)
"""Arguments that telemetry records: none that names a file or a person."""


def configuration(options: argparse.Namespace) -> TrainConfig:
    """The arguments as the configuration of a run; what has no argument comes from the configuration file, if any."""
    from training.runs.config_file import read_config

    path = getattr(options, "training_config_path", None)
    base = LoopConfig() if path is None else read_config(path)
    featurizer = replace(
        base.featurizer,
        h_max=options.h_max,
        w_max=options.w_max,
        text_embedder=options.text_embedder,
        train_text_embedder=options.train_text_embedder,
        train_featurizer_projector=options.train_featurizer_projector,
    )
    return TrainConfig(
        checkpoint_dir=options.checkpoint_dir,
        pv_dir=options.pv_dir,
        device=options.device,
        seed=options.seed,
        init_from_pv=options.init_from_pv,
        resume=options.resume,
        run_label=options.run_label,
        featurizer=featurizer,
        model=replace(base.model, backbone=options.backbone),
        rewards=base.rewards,
        bc=replace(base.bc, epochs=options.bc_epochs),
        ppo=replace(base.ppo, epochs=options.ppo_epochs, steps=options.ppo_steps),
        zero_style=replace(
            base.zero_style, epochs=options.zero_style_epochs, roots=options.zero_roots, horizon=options.zero_horizon
        ),
    )


def read(path: Path, observer: Observer, run: RunRecord, *, strict: bool = False) -> list[Episode]:
    """The sessions at `path`, with a line for each file that was skipped, and one for all that was repaired."""
    begun = False

    def progress(done: int, files: int) -> None:
        nonlocal begun
        if not begun:
            observer.phase("loading", files)
        begun = True
        observer.advance()

    episodes, summary = read_episodes(path, strict=strict, progress=progress)
    for where, reason in summary.skipped:
        observer.message(f"skipped {where}: {reason}")
    if summary.repaired:
        repaired = ", ".join(f"{what} ({times})" for what, times in sorted(summary.repaired.items()))
        observer.message(f"repaired: {repaired}")
    run.counts.update(sessions=len(episodes), states=sum(len(one.states) for one in episodes))
    return episodes
