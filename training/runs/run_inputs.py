"""What a training run starts from, read and checked before anything is written. Not here: learning, writing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from config import ServeConfig, TrainConfig
from config_bounds import check_settings
from errors import InputError
from judge import Problem
from models import store
from models.reviewer import Reviewer
from simulation.problem_loader import load_readable_problems
from state_adapter import Episode
from training.data import transitions
from training.data.held_out import choose_validation
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import DistributedContext
from training.networks.starting_networks import starting_networks
from training.networks.training_networks import TrainingNetworks
from training.runs.damaged_files import damaged_if_unusable
from training.runs.fingerprint import fingerprint, require_same
from training.runs.memory_estimate import require_memory
from training.runs.observer import Observer
from training.runs.requirements import require_writable, usable_device
from training.runs.run_folder import RunFolder, SavedRun
from training.runs.starts import start_name


@dataclass(frozen=True)
class RunInputs:
    """All that a run is given.

    run_id: of this run, or of the one that it goes on with (`saved`; None: it begins anew). train, validation: indices
    of the episodes that phases learn from, and that only say when to stop. versions: `file_versions`. start: what the
    training begins with (`starts.start_name`).
    """

    config: TrainConfig
    episodes: Sequence[Episode]
    problems: Mapping[str, Problem]
    fingerprint: dict[str, str]
    run_id: str
    saved: SavedRun | None
    networks: TrainingNetworks
    dataset: Dataset
    train: frozenset[int]
    validation: frozenset[int]
    versions: list[FileVersion | None]
    start: str

    @property
    def train_steps(self) -> TransitionTable:
        """The transitions that phases learn from."""
        return self.dataset.select_episodes(self.train)

    @property
    def label(self) -> dict[str, str]:
        """The run's label for the log and the models, if it has one."""
        return {"run_label": self.config.run_label} if self.config.run_label else {}


FileVersion = tuple[int, int]
"""Inode and time of the last change (ns) of a file."""


def read_inputs(
    config: TrainConfig,
    episodes: Sequence[Episode],
    distributed: DistributedContext,
    observer: Observer,
    *,
    problems_path: Path,
    publish: bool = True,
    reviewer: Reviewer | None = None,
) -> RunInputs:
    """Collective. Reads and checks what a run starts from; moves the networks to the run's device.

    problems_path: of the problems to play (`DataPaths.problems`). publish: whether the run writes to `pv_dir`.
    reviewer: as of `train_from_episodes`.

    Raises InputError: settings out of bounds or too large for the memory, folders that cannot be written, no such
    device, nothing to learn from, models or a saved run that are missing, damaged or of another kind, processes that
    were given different things.
    """
    with distributed.errors_on_all_ranks():
        require_writable(config.checkpoint_dir)
        if publish:
            require_writable(config.pv_dir)
        device = usable_device(distributed.device_name(config.device))
        check_settings(config, "settings")
        require_memory(config, episodes, device)
        inputs = _read(config, episodes, observer, problems_path, reviewer)
        _report_ignored(inputs, observer)
        inputs.networks.to(torch.device(device))
    return _require_same_inputs(inputs, distributed)


def file_versions(config: TrainConfig) -> list[FileVersion | None]:
    """Versions of the files that a run starts from, None for those that are missing.

    They are read before the folders are locked, so that what is wrong with them is said before anything is written;
    under the lock these versions tell whether another run has replaced them meanwhile.
    """
    files = [config.pv_dir / name for name in store.FILES] if config.init_from_pv else []
    if config.resume:
        files.append(RunFolder(config.checkpoint_dir).state_path)
    return [_file_version(path) for path in files]


def _file_version(path: Path) -> FileVersion | None:
    if not path.exists():
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _read(
    config: TrainConfig, episodes: Sequence[Episode], observer: Observer, problems_path: Path, reviewer: Reviewer | None
) -> RunInputs:
    versions = file_versions(config)
    if config.learn_pastes:
        episodes = [episode.without_pastes() for episode in episodes]
    problems = load_readable_problems(observer.message, problems_path) if config.zero_style.epochs else {}
    reviewer = reviewer or Reviewer.load(config.pv_dir, ServeConfig(), config.rewards)
    run_fingerprint = fingerprint(config, episodes, problems, reviewer)
    saved = _saved_run(config, run_fingerprint, observer)
    networks = starting_networks(config) if saved is None else _saved_networks(config, saved)
    dataset = transitions.build_dataset(episodes, networks.featurizer, config.rewards, reviewer=reviewer)
    validation = frozenset(choose_validation([e.session for e in episodes], config.bc.validation_share, config.seed))
    train = frozenset(range(len(episodes))) - validation
    if not len(dataset.select_episodes(train)):
        raise InputError("episodes", "no episode has a decision to learn from")
    run_id = uuid.uuid4().hex[:12] if saved is None else saved.run_id
    return RunInputs(
        config=config,
        episodes=episodes,
        problems=problems,
        fingerprint=run_fingerprint,
        run_id=run_id,
        saved=saved,
        networks=networks,
        dataset=dataset,
        train=train,
        validation=validation,
        versions=versions,
        start=start_name(config),
    )


def _saved_run(config: TrainConfig, run_fingerprint: dict[str, str], observer: Observer) -> SavedRun | None:
    """The state to go on from, if that is asked for and there is one."""
    if not config.resume:
        return None
    folder = RunFolder(config.checkpoint_dir)
    saved = folder.load()
    if saved is None:
        observer.message(f"{folder.path}: there is no run to go on with, a new one begins")
        return None
    require_same(saved.fingerprint, run_fingerprint, folder.path)
    return saved


def _saved_networks(config: TrainConfig, saved: SavedRun) -> TrainingNetworks:
    where = str(RunFolder(config.checkpoint_dir).state_path)
    with damaged_if_unusable(where):
        return TrainingNetworks.restored(saved.policies, where)


def _report_ignored(inputs: RunInputs, observer: Observer) -> None:
    """Says which settings have no effect, and which decisions teach no policy."""
    config, dataset = inputs.config, inputs.dataset
    if unused := inputs.networks.ignored_settings(config.model, config.featurizer):
        observer.message(f"settings without effect on models that are there already: {', '.join(unused)}")
    if inputs.problems and not any(episode.problem_id in inputs.problems for episode in inputs.episodes):
        untested = "games of self-play are compiled but not tested: no problem of these sessions is known"
        observer.message(f"{untested} (docs/formats.md, Problems)")
    window = config.featurizer.h_max
    for count, decisions in (
        (dataset.illegal, "the assistant's decisions that are not legal where they were taken, which teach no policy"),
        (dataset.outside, f"decisions at lines outside the {window} that a policy sees, which teach no policy"),
        (dataset.without_line, "decisions whose line was not recorded, which teach a policy no line"),
        (dataset.dropped, "the assistant's decisions that were not carried out, which teach no policy"),
        (dataset.pasted, "the person's turns with a large paste, which teach nothing of what the person does"),
    ):
        if count:
            observer.message(f"{decisions}: {count}")


def _require_same_inputs(inputs: RunInputs, distributed: DistributedContext) -> RunInputs:
    """Collective. The inputs under rank 0's run id.

    Raises InputError if processes (on several machines) have been given different ones.
    """
    saved = inputs.saved
    progress = None if saved is None else (saved.run_id, saved.phase, saved.lines)
    gathered = distributed.all_gather((inputs.run_id, inputs.fingerprint, progress))
    for rank, (_, other_fingerprint, other_progress) in enumerate(gathered):
        if (other_fingerprint, other_progress) != gathered[0][1:]:
            reason = "has been given other recordings, settings or a run to go on with than process 0"
            raise InputError(f"process {rank}", reason)
    return replace(inputs, run_id=gathered[0][0])
