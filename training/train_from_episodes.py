"""One training run: read what it starts from, go through the phases, write what it leaves behind.

Everything that may be wrong with what the person gave is checked before the first write (`runs/run_inputs.py`). The
run is saved so that it can be killed and resumed at any moment (`runs/checkpoint_writer.py`, `runs/publication.py`).
Under `torchrun` all processes go through the same steps, and rank 0 writes. Not here: reading episodes, deciding
whether new models replace old ones (`evaluation/promotion.py`), what a person sees (the observer).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config import TrainConfig
from data_paths import DataPaths
from models.reviewer import Reviewer
from state_adapter import Episode
from training.bc.cloning_phase import CloningPhase
from training.data.seeds import derived_seed
from training.data.transitions import Dataset
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.evaluation.held_out_report import Baselines, evaluate_dataset, validation_metrics
from training.losses.returns import returns_to_go
from training.networks.initialisation import initialise_human_policy, initialise_retention_head
from training.networks.training_networks import TrainingNetworks
from training.ppo.ppo_phase import PPOPhase
from training.runs.checkpoint_writer import CheckpointWriter
from training.runs.deferred_signals import InterruptRequest, defer_signals
from training.runs.determinism import reproducible
from training.runs.observer import NullObserver, Observer, Row
from training.runs.phase import PHASES, Phase
from training.runs.publication import locked_folders, model_meta, publish_models
from training.runs.run_inputs import RunInputs, read_inputs
from training.zero_style.zero_style_phase import ZeroStylePhase

GameRecorder = Callable[[Sequence[Episode]], object]
"""Is given games of self-play as they are played."""


@dataclass(frozen=True)
class TrainResult:
    """What a run ends with. train, held_out: indices of episodes in `data`. rows: the lines of `train.jsonl`."""

    run_id: str
    policies: TrainingNetworks
    data: Dataset
    train: frozenset[int]
    held_out: frozenset[int]
    baselines: Baselines
    rows: list[Row]
    meta: dict[str, object]
    generation: str | None
    """Of the current models, if the run has replaced them."""
    games: tuple[str, ...] = ()
    """Ids of the games of self-play that it learned from."""


@dataclass(frozen=True)
class TrainingRun:
    """What the phases of one run share."""

    inputs: RunInputs
    baselines: Baselines
    writer: CheckpointWriter
    observer: Observer
    interrupt: InterruptRequest
    distributed: DistributedContext
    record: GameRecorder | None


def train_from_episodes(
    config: TrainConfig, episodes: Sequence[Episode], *, observer: Observer | None = None, publish: bool = True,
    clock: Callable[[], float] = time.monotonic, record: GameRecorder | None = None,
    distributed: DistributedContext = SINGLE_PROCESS, reviewer: Reviewer | None = None,
    problems_path: Path | None = None,
) -> TrainResult:  # fmt: skip
    """Runs (or goes on with) the three phases and replaces the current models, if it is to `publish` and learns.

    record: is given the games of self-play as they are played (again, if the run goes on within an epoch).
    distributed: the processes of this run (`init_distributed`), all of which call this with the same arguments.
    reviewer: the one that will serve, for which the policy learns; None: the one beside the models of `pv_dir`.
    problems_path: of the problems that self-play may play (docs/formats.md); None: those of the person's data root.

    Raises InputError for what a person can mend (then nothing was written, or what was written can be resumed), and
    KeyboardInterrupt once the state is saved.
    """
    if observer is None or not distributed.is_main:
        observer = NullObserver()
    with reproducible():
        inputs = read_inputs(
            config, episodes, distributed, observer,
            problems_path=problems_path or DataPaths.default().problems, publish=publish, reviewer=reviewer,
        )  # fmt: skip
        baselines = Baselines.from_steps(inputs.train_steps)
        writer = CheckpointWriter(inputs, distributed, clock)
        with locked_folders(inputs, distributed, publish=publish):
            with defer_signals(announce=distributed.is_main) as interrupt:
                games = _run_phases(TrainingRun(inputs, baselines, writer, observer, interrupt, distributed, record))
            generation = publish_models(inputs, distributed) if publish else None
    return TrainResult(
        inputs.run_id, inputs.networks, inputs.dataset, inputs.train, inputs.validation, baselines,
        writer.rows, model_meta(inputs), generation, tuple(games),
    )  # fmt: skip


def _run_phases(run: TrainingRun) -> list[str]:
    """Runs the phases that are left; returns the ids of the games that self-play learned from."""
    saved = run.inputs.saved
    first = PHASES[0] if saved is None else saved.phase
    games: list[str] = []
    for name in PHASES[PHASES.index(first) :]:
        phase = _ready_phase(run, name)
        _run_phase(run, phase)
        if isinstance(phase, ZeroStylePhase):
            games = phase.games
    return games


def _ready_phase(run: TrainingRun, name: str) -> Phase:
    """The phase at its beginning, or where the saved run was."""
    saved = run.inputs.saved
    resumes = saved is not None and saved.phase == name
    if not resumes:
        _initialise_networks(run, name)
    run.distributed.broadcast_from_rank0(run.inputs.networks.tensors())
    phase = _make_phase(run, name)
    if resumes:
        run.writer.resume(phase)
    elif name == PHASES[0]:
        run.writer.start(phase)
    return phase


def _initialise_networks(run: TrainingRun, name: str) -> None:
    """Lets what is fresh begin at what counting says of the recordings."""
    inputs, networks = run.inputs, run.inputs.networks
    if name == "ppo_from_episodes":
        decision_log_prior = run.baselines.behaviour.decision_log_prior()
        networks.initialise_assistant(decision_log_prior, derived_seed(inputs.config.seed, "assistant"))
    elif name == "bc" and not networks.loaded:
        returns = returns_to_go(inputs.train_steps, inputs.config.ppo.gamma)
        initialise_human_policy(networks.human, inputs.dataset, inputs.train_steps, returns)
    elif name == "bc" and networks.retention_head_is_new:
        for policy in (networks.human, networks.assistant, networks.initial_assistant):
            initialise_retention_head(policy, inputs.dataset, inputs.train_steps)


def _make_phase(run: TrainingRun, name: str) -> Phase:
    inputs, config = run.inputs, run.inputs.config
    if name == "bc":
        return CloningPhase(
            inputs.networks, inputs.dataset, set(inputs.train), set(inputs.validation), config.bc,
            gamma=config.ppo.gamma, seed=config.seed, distributed=run.distributed,
        )  # fmt: skip
    if name == "ppo_from_episodes":
        return PPOPhase(
            inputs.networks, inputs.dataset, set(inputs.train), run.baselines.behaviour, config.ppo,
            seed=config.seed, distributed=run.distributed,
        )  # fmt: skip
    return ZeroStylePhase(
        inputs.networks, inputs.episodes, inputs.dataset, sorted(inputs.train), config,
        problems=inputs.problems, record=run.record, distributed=run.distributed,
    )  # fmt: skip


def _run_phase(run: TrainingRun, phase: Phase) -> None:
    """Learns, epoch by epoch. Raises KeyboardInterrupt at a signal, once the state is saved."""
    run.observer.phase(phase.name, phase.total_steps)
    while not phase.done:
        phase.begin()
        while phase.step():
            run.observer.advance()
            _save_if_due(run, phase)
        _end_epoch(run, phase)
    if reason := phase.close():
        run.observer.message(reason)


def _save_if_due(run: TrainingRun, phase: Phase) -> None:
    interrupted, due = run.distributed.any_rank(run.interrupt.requested, run.writer.due)
    if phase.saves_inside and (interrupted or due):
        run.writer.save(phase)
    if interrupted:
        raise KeyboardInterrupt


def _end_epoch(run: TrainingRun, phase: Phase) -> None:
    metrics = dict(phase.finish())
    if phase.name != "bc":
        metrics |= _validation_metrics(run)
    run.observer.metrics(run.writer.end_epoch(phase, metrics))
    if run.distributed.any_rank(run.interrupt.requested)[0]:
        raise KeyboardInterrupt


def _validation_metrics(run: TrainingRun) -> Mapping[str, object]:
    """What the networks do on the sessions that no phase learns from."""
    inputs = run.inputs
    if not inputs.validation:
        return validation_metrics(None)
    sessions, ppo = sorted(inputs.validation), inputs.config.ppo
    return validation_metrics(
        evaluate_dataset(inputs.networks, inputs.dataset, sessions, run.baselines, ppo, distributed=run.distributed)
    )
