"""One training run: the phases one after another, saved so that it can be killed and resumed at any moment.

Everything that may be wrong with what the person gave is checked before the first write. Under `torchrun` all
processes go through the same steps, and rank 0 writes (`process_group.py`). Not here: reading episodes, deciding
whether new models replace old ones (`promotion.py`), what a person sees (the observer).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch

from config import TrainConfig
from errors import InputError, NotFoundError
from files import lock
from models import store
from simulation.problem_loader import known_problems
from state_adapter import Episode
from training.bc.cloning_phase import CloningPhase
from training.data import transitions
from training.data.seeds import derived_seed
from training.data.transitions import Dataset
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.evaluation.held_out_report import Baselines, Report, evaluate_on, validation
from training.evaluation.promotion import NOTHING
from training.losses.returns import returns_to_go
from training.networks.initialisation import initialise_human_policy, initialise_retention_head
from training.networks.training_networks import TrainingNetworks, weights_of
from training.ppo.ppo_phase import PPOPhase
from training.runs.deferred_signals import InterruptRequest, defer_signals
from training.runs.determinism import reproducible, require_writable, usable_device
from training.runs.observer import NullObserver, Observer, Row
from training.runs.run_folder import STATE, RunFolder, fingerprint, require_same, strict_json
from training.zero_style.zero_style_phase import ZeroStylePhase

PHASES = ("bc", "ppo_from_episodes", "zero_style")

MIN_SESSIONS = 6
"""Of fewer sessions all are learned from: one of five is missed more than early stopping helps, because the anchors to
the start hold a policy that has seen little."""

SAVE_INTERVAL = 60.0
"""Seconds of work that a kill may cost."""


class Phase(Protocol):
    """Learns in epochs of steps. Its state_dict is all that it needs to go on."""

    name: str
    epoch: int
    """Epochs that have ended."""
    saves_inside: bool
    """Whether its state can be saved within an epoch."""

    @property
    def done(self) -> bool: ...
    @property
    def total_steps(self) -> int: ...  # that are left
    def begin(self) -> None: ...
    def step(self) -> bool: ...
    def finish(self) -> Mapping[str, object]: ...
    def close(self) -> str: ...  # why it ended before its last step; "": it did not
    def state_dict(self) -> dict[str, object]: ...
    def load_state_dict(self, saved: Mapping[str, object]) -> None: ...


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


def train_from_episodes(
    config: TrainConfig, episodes: Sequence[Episode], *, observer: Observer | None = None, publish: bool = True,
    clock: Callable[[], float] = time.monotonic, record: Callable[[Sequence[Episode]], object] | None = None,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> TrainResult:  # fmt: skip
    """Runs (or goes on with) the three phases and replaces the current models, if it is to `publish` and learns.

    record: is given the games of self-play as they are played (again, if the run goes on within an epoch).
    distributed: the processes of this run (`init_distributed`), all of which call this with the same arguments.

    Raises InputError for what a person can mend (then nothing was written, or what was written can be resumed), and
    KeyboardInterrupt once the state is saved.
    """
    if observer is None or not distributed.is_main:
        observer = NullObserver()
    with reproducible():
        with distributed.errors_on_all_ranks():
            require_writable(config.checkpoint_dir)
            require_writable(config.pv_dir)
            device = usable_device(distributed.device_name(config.device))
            run = _Run(config, episodes, device, observer=observer, clock=clock, record=record, distributed=distributed)
        return run.work(publish)


class _Run:
    def __init__(
        self,
        config: TrainConfig,
        episodes: Sequence[Episode],
        device: torch.device,
        *,
        observer: Observer,
        clock: Callable[[], float],
        record: Callable[[Sequence[Episode]], object] | None,
        distributed: DistributedContext,
    ) -> None:
        self.config, self.episodes, self.observer, self.clock = config, episodes, observer, clock
        self.record, self.distributed = record, distributed
        self.games: list[str] = []
        self.folder = RunFolder(config.checkpoint_dir)
        self.found = self._versions()
        self.problems = known_problems() if config.zero_style.epochs else {}
        self.fingerprint = fingerprint(config, episodes, self.problems)
        saved = self._resumable()
        if saved is None:
            self.policies = starting_networks(config)
        else:
            self.policies = TrainingNetworks.restored(saved["policies"], str(self.folder.path / STATE))
        self.data = transitions.build_dataset(episodes, self.policies.featurizer, config.rewards)
        self.held_out = choose_validation(self.data.ids, config.bc.validation_share, config.seed)
        self.train = set(range(len(episodes))) - self.held_out
        if not len(self.data.select_episodes(self.train)):
            raise InputError("episodes", "no episode has a decision to learn from")
        self._say_what_has_no_effect()
        self.policies.to(device)
        self.baselines = Baselines.of(self.data.select_episodes(self.train))
        self.saved = saved
        self.run_id = uuid.uuid4().hex[:12] if saved is None else str(saved["run_id"])
        self.lines: list[str] = [] if saved is None else list(saved["lines"])
        self.checkpoints: list[str] = [] if saved is None else list(saved["checkpoints"])
        self.last_save = clock()

    def _say_what_has_no_effect(self) -> None:
        config = self.config
        if unused := self.policies.ignored_settings(config.model, config.featurizer):
            self.observer.message(f"settings without effect on models that are there already: {', '.join(unused)}")
        if self.problems and not any(episode.problem_id in self.problems for episode in self.episodes):
            what = "games of self-play are compiled but not tested: no problem of these sessions is known"
            self.observer.message(f"{what} (docs/formats.md, Problems)")
        for count, what in (
            (self.data.illegal, "the assistant's decisions that are not legal where they were taken"),
            (self.data.outside, f"decisions at lines outside the {config.featurizer.h_max} that a policy sees"),
        ):
            if count:
                self.observer.message(f"{what}, which teach no policy: {count}")

    def _resumable(self) -> dict[str, Any] | None:
        """The state to go on from, if that is asked for and there is one."""
        if not self.config.resume:
            return None
        saved = self.folder.load()
        if saved is None:
            self.observer.message(f"{self.folder.path}: there is no run to go on with, a new one begins")
            return None
        require_same(saved["fingerprint"], self.fingerprint, self.folder.path)
        return saved

    def _versions(self) -> list[tuple[int, int] | None]:
        """Of the files that the run starts from. They are read before the locks are held, so that what is wrong with
        them is said before anything is written."""
        files = [self.config.pv_dir / name for name in store.FILES] if self.config.init_from_pv else []
        if self.config.resume:
            files.append(self.folder.path / STATE)
        versions = [file.stat() if file.exists() else None for file in files]
        return [version and (version.st_ino, version.st_mtime_ns) for version in versions]

    def work(self, publish: bool) -> TrainResult:
        self._agree()
        with ExitStack() as held:
            self._by_main(lambda: self._hold(held, publish))
            with defer_signals(announce=self.distributed.is_main) as interrupt:
                self._phases(interrupt)
            meta = self._meta()
            generation = self._publish(meta) if publish else None
        return TrainResult(
            self.run_id, self.policies, self.data, frozenset(self.train), frozenset(self.held_out), self.baselines,
            [json.loads(line) for line in self.lines], meta, generation, tuple(self.games),
        )  # fmt: skip

    def _agree(self) -> None:
        """Processes on several machines must have been given the same."""
        at = None if self.saved is None else (self.saved["run_id"], self.saved["phase"], self.lines)
        seen = self.distributed.all_gather((self.run_id, self.fingerprint, at))
        self.run_id = seen[0][0]
        for rank, (_, fingerprint_there, at_there) in enumerate(seen):
            if (fingerprint_there, at_there) != seen[0][1:]:
                what = "has been given other recordings, settings or a run to go on with than process 0"
                raise InputError(f"process {rank}", what)

    def _hold(self, held: ExitStack, publish: bool) -> None:
        """Locks what is written to."""
        held.enter_context(lock(self.config.checkpoint_dir / ".lock"))
        if publish and self.config.pv_dir.resolve() != self.config.checkpoint_dir.resolve():
            held.enter_context(lock(self.config.pv_dir / ".training.lock"))
        if self._versions() != self.found:
            what = "another run has ended here since this one began; start it again"
            raise InputError(str(self.config.checkpoint_dir), what)

    def _by_main(self, write: Callable[[], None]) -> None:
        """What rank 0 does while the others wait."""
        with self.distributed.errors_on_all_ranks():
            if self.distributed.is_main:
                write()

    def _phases(self, interrupt: InterruptRequest) -> None:
        reached = "bc" if self.saved is None else self.saved["phase"]
        for name in PHASES[PHASES.index(reached) :]:
            going_on = self.saved is not None and name == reached
            if name == "bc" and not going_on:
                self._begin()
            elif name == "ppo_from_episodes" and not going_on:
                prior = self.baselines.behaviour.decision_log_prior()
                self.policies.initialise_assistant(prior, derived_seed(self.config.seed, "assistant"))
            self.distributed.broadcast_from_rank0(self.policies.tensors())
            phase = self._phase(name)
            if self.saved is not None and going_on:
                phase.load_state_dict(self.saved["phase_state"])
                self._by_main(partial(self._reconcile, phase))
            elif name == "bc":
                self._save(phase)
                self._by_main(lambda: self.folder.reconcile(self.run_id, [], []))
            self._run_phase(phase, interrupt)
            if isinstance(phase, ZeroStylePhase):
                self.games = phase.games

    def _begin(self) -> None:
        """Lets what is fresh begin at what counting says of the recordings."""
        steps, policies = self.data.select_episodes(self.train), self.policies
        if not policies.loaded:
            initialise_human_policy(policies.human, self.data, steps, returns_to_go(steps, self.config.ppo.gamma))
        elif policies.retention_head_is_new:
            for policy in (policies.human, policies.assistant, policies.initial_assistant):
                initialise_retention_head(policy, self.data, steps)

    def _phase(self, name: str) -> Phase:
        config, policies, data, distributed = self.config, self.policies, self.data, self.distributed
        if name == "bc":
            return CloningPhase(
                policies, data, self.train, self.held_out, config.bc,
                gamma=config.ppo.gamma, seed=config.seed, distributed=distributed,
            )  # fmt: skip
        if name == "ppo_from_episodes":
            behaviour = self.baselines.behaviour
            return PPOPhase(
                policies, data, self.train, behaviour, config.ppo, seed=config.seed, distributed=distributed
            )
        return ZeroStylePhase(
            policies,
            self.episodes,
            data,
            sorted(self.train),
            config,
            problems=self.problems,
            record=self.record,
            distributed=distributed,
        )

    def _run_phase(self, phase: Phase, interrupt: InterruptRequest) -> None:
        self.observer.phase(phase.name, phase.total_steps)
        while not phase.done:
            phase.begin()
            while phase.step():
                self.observer.advance()
                requested, due = self.distributed.any_rank(
                    interrupt.requested, self.clock() - self.last_save > SAVE_INTERVAL
                )
                if phase.saves_inside and (requested or due):
                    self._save(phase)
                if requested:
                    raise KeyboardInterrupt
            self._end_epoch(phase, phase.finish())
            if self.distributed.any_rank(interrupt.requested)[0]:
                raise KeyboardInterrupt
        if why := phase.close():
            self.observer.message(why)

    def _end_epoch(self, phase: Phase, metrics: Mapping[str, object]) -> None:
        """Saves first: when a checkpoint or a line of the log can be seen, the run can go on from there."""
        row = {"phase": phase.name, "epoch": phase.epoch, "run_id": self.run_id, **self._label(), **metrics}
        if phase.name != "bc":
            row |= validation(self._report())
        self.lines.append(strict_json(row))
        name = self._checkpoint_name(phase)
        self.checkpoints.append(name)
        self._save(phase, ends_epoch=True)
        self._by_main(lambda: self._show_epoch(phase, name))
        self.observer.metrics(json.loads(self.lines[-1]))

    def _show_epoch(self, phase: Phase, name: str) -> None:
        self.folder.write_checkpoint(name, self._weights(phase))
        self.folder.append_log(self.lines[-1])

    def _report(self) -> Report | None:
        if not self.held_out:
            return None
        held_out, ppo = sorted(self.held_out), self.config.ppo
        return evaluate_on(self.policies, self.data, held_out, self.baselines, ppo, distributed=self.distributed)

    def _checkpoint_name(self, phase: Phase) -> str:
        if phase.name == "bc":
            return f"human_policy_e{phase.epoch}.pt"
        before = sum(name.startswith("assistant") for name in self.checkpoints)
        return f"assistant_policy_e{before + 1}.pt"

    def _weights(self, phase: Phase) -> dict[str, torch.Tensor]:
        return weights_of(self.policies.human if phase.name == "bc" else self.policies.assistant)

    def _save(self, phase: Phase, *, ends_epoch: bool = False) -> None:
        self._by_main(lambda: self.folder.save({
            "ends_epoch": ends_epoch,
            "run_id": self.run_id, "fingerprint": self.fingerprint, "lines": self.lines,
            "checkpoints": self.checkpoints, "phase": phase.name, "phase_state": phase.state_dict(),
            "policies": self.policies.state_dict(),
        }))  # fmt: skip
        self.last_save = self.clock()

    def _reconcile(self, phase: Phase) -> None:
        """After a kill the last epoch's checkpoint and its line of the log may be missing."""
        self.folder.reconcile(self.run_id, self.lines, self.checkpoints)
        assert self.saved is not None
        if self.saved["ends_epoch"] and not (self.folder.path / self.checkpoints[-1]).exists():
            self.folder.write_checkpoint(self.checkpoints[-1], self._weights(phase))

    def _label(self) -> dict[str, str]:
        return {"run_label": self.config.run_label} if self.config.run_label else {}

    def _meta(self) -> dict[str, object]:
        return {
            "run_id": self.run_id, "trained_on": self.config.trained_on if self.config.learns else NOTHING,
            "sessions": len(self.episodes), "seed": self.config.seed, **self._label(),
        }  # fmt: skip

    def _publish(self, meta: dict[str, object]) -> str | None:
        """The new generation; None: nothing was learned, and there are models already, which stay."""
        policies, generation = self.policies, None
        with self.distributed.errors_on_all_ranks():
            kept = store.generations(self.config.pv_dir) if self.saved is not None else []
            mine = [one for one in kept if one.current and one.meta.get("run_id") == self.run_id]
            if mine:  # a run that had ended already
                generation = mine[0].id
            elif self.distributed.is_main and (self.config.learns or store.load(self.config.pv_dir) is None):
                generation = store.publish(
                    self.config.pv_dir, policies.human, policies.assistant, policies.featurizer, meta
                )
        return self.distributed.all_gather(generation)[0]


def starting_networks(config: TrainConfig) -> TrainingNetworks:
    """Fresh networks, or the current ones. Raises InputError if those are missing, damaged or of another kind."""
    if not config.init_from_pv:
        return TrainingNetworks.fresh(config.model, config.featurizer, config.seed)
    models = store.load(config.pv_dir, "cpu")
    if models is None:
        raise NotFoundError(str(config.pv_dir), "--init-from-pv: there are no current models to start from")
    for policy in (models.human, models.assistant):
        if policy.config.backbone != config.model.backbone:
            what = f"the current backbone is {policy.config.backbone}, asked for is {config.model.backbone}"
            raise InputError(str(config.pv_dir), what)
    return TrainingNetworks.from_models(models.human, models.assistant, models.featurizer, config.featurizer)


def choose_validation(ids: Sequence[str], share: float, seed: int) -> set[int]:
    """Indices of the sessions that no phase learns from: about `share` of them, at least one.

    None of fewer than `MIN_SESSIONS`. Those whose hash is lowest, so that most stay held out when others are added.
    """
    if len(ids) < MIN_SESSIONS or share <= 0:
        return set()
    order = sorted(range(len(ids)), key=lambda i: (derived_seed(seed, "held out", ids[i]), i))
    return set(order[: max(round(len(ids) * share), 1)])
