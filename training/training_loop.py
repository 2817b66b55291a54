"""The two-phase plan that `run.py` carries out on a person's sessions.

    1. pre-train   behaviour cloning and PPO on the recorded sessions that are not held out
    2. self-play   zero-style episodes: games from recorded states, written in the recordings' format as they are
                   played; fine-tuning on them and on recorded decisions, epoch by epoch
       compare     with the current models, on the held-out sessions; replace them if they are not worse

It can be killed at any moment; the next call with the same sessions and configuration goes on. Not here: how a phase
learns, what is measured (`evaluation`), the rule for replacing (`evaluation/promotion.py`), what is shown.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import files
from config import LoopConfig, TrainConfig
from data_paths import DataPaths
from inference import untrained_models
from models import Models, store
from models.provenance import NOT_A_PERSON, NOTHING
from simulation.problem_loader import load_problems
from state_adapter import Episode, write_snapshot
from training.data.held_out import choose_held_out
from training.evaluation.held_out_report import Baselines, Report, evaluate
from training.evaluation.promotion import (
    PromotionDecision,
    Scores,
    decide_promotion,
    quarantine_folder,
)
from training.networks.training_networks import TrainingNetworks
from training.runs import training_manifest
from training.runs.fingerprint import fingerprint
from training.runs.observer import Observer
from training.train_from_episodes import TrainResult, train_from_episodes


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    learnt_from, stopped_by: sessions that phases learned from, and that only said when to stop. before, after: on the
    held-out sessions; None: none could be held out. models: the folder that the new models are in.
    """

    learned_from: int
    validation_sessions: int
    held_out: int
    games: int
    before: Report | None
    after: Report | None
    verdict: PromotionDecision
    models: Path
    generation: str


def run_loop(config: LoopConfig, episodes: Sequence[Episode], paths: DataPaths, observer: Observer) -> Outcome:
    """Carries out the plan, or goes on with it. Raises InputError, and KeyboardInterrupt once all is saved."""
    with files.lock(paths.run / ".lock"):
        return _Loop(config, episodes, paths, observer).carry_out()


class _Loop:
    def __init__(self, config: LoopConfig, episodes: Sequence[Episode], paths: DataPaths, observer: Observer) -> None:
        self.config, self.paths, self.observer = config, paths, observer
        self.problems = load_problems()
        self.trained = training_manifest.read_manifest(paths.manifest, observer.message)
        learned = {name for entry in self.trained for name in entry.sessions}
        held_out = choose_held_out([one.id for one in episodes], config.held_out_share, learned)
        if held_out & learned:
            observer.message("Earlier models learned from every session here, so from those that are held out now too.")
        self.learning = [one for one in episodes if one.id not in held_out]
        self.held_out = [one for one in episodes if one.id in held_out]
        self.current = store.load(paths.models, config.device)
        self.noted = False
        self.staged = paths.run / "models"
        self.plan = paths.run / "plan.json"
        self.plan_id, self.resume = self._note_plan(episodes)

    def carry_out(self) -> Outcome:
        """All steps in order; those that an interrupted run has ended already end at once."""
        result = self._train()
        baselines = Baselines.from_steps(result.data.select_episodes(range(len(self.learning))))
        with files.lock(self.paths.models / ".training.lock"):
            self._look_again()
            before, after = self._measure(baselines, self._in_use(), result.policies)
            verdict, folder, generation = self._promote(result, before, after)
        self._note_trained(folder, generation, result.games)
        with files.translate_os_errors(self.plan):
            self.plan.unlink(missing_ok=True)
        return Outcome(
            len(result.train), len(result.held_out), len(self.held_out), len(result.games),
            before, after, verdict, folder, generation,
        )  # fmt: skip

    def _note_plan(self, episodes: Sequence[Episode]) -> tuple[str, bool]:
        """Writes down what this run is; returns its id, and whether it goes on with one that was interrupted."""
        settings = {k: v for k, v in asdict(self.config).items() if k not in ("device", "telemetry_url")}
        found_now = fingerprint(self._settings(), episodes, self.problems)
        given = {name: found_now[name] for name in ("recordings", "problems")}

        def text() -> str:
            models = None if self.current is None else self.current.generation or "imported"
            about = {"settings": settings, **given, "models": models, "number": len(self.trained)}
            return json.dumps(about, indent=1)

        with files.translate_os_errors(self.plan):
            found = self.plan.read_text() if self.plan.exists() else None
        now = self.current, self.trained
        if found is not None:
            self._as_it_began(found)
        if found == (plan := text()):
            self.noted = len(self.trained) < len(now[1])
            self.observer.message("Going on with the run that was interrupted.")
            return _digest(plan), True
        self.current, self.trained = now
        plan = text()
        if found is not None:
            self.observer.message("The interrupted run had other sessions or settings: a new one begins.")
        with files.translate_os_errors(self.paths.run):
            shutil.rmtree(self.staged, ignore_errors=True)
            for state in self.paths.run.glob("*/resume.pt"):
                state.unlink()
        files.atomic_write(self.plan, plan)
        return _digest(plan), False

    def _as_it_began(self, plan: str) -> None:
        """Looks at models and manifest as they were when a plan began: its last step may have been ended already."""
        try:
            about = json.loads(plan)
            begun_from, self.trained = about["models"], self.trained[: about["number"]]
        except (ValueError, KeyError, TypeError):  # not one of ours
            return
        if self.current is not None and self.current.meta.get("plan") == _digest(plan):
            kept = [one.id for one in store.generations(self.paths.models) if not one.damaged]
            if begun_from is None:
                self.current = None
            elif begun_from in kept:
                self.current = store.load_generation(self.paths.models, begun_from, self.config.device)

    def _train(self) -> TrainResult:
        """Cloning, PPO and self-play in one run; its models go to a folder of their own, not into use."""
        begins_from = self._goes_on_from()
        if begins_from is not None:
            store.publish(
                self.staged, begins_from.human, begins_from.assistant, begins_from.featurizer, begins_from.meta
            )
        settings = replace(self._settings(), init_from_pv=begins_from is not None)
        resume = self.resume and (settings.checkpoint_dir / "resume.pt").exists()
        return train_from_episodes(
            replace(settings, resume=resume), self.learning, observer=self.observer, record=self._record
        )

    def _settings(self) -> TrainConfig:
        config = self.config
        return TrainConfig(
            checkpoint_dir=self.paths.run / "training", pv_dir=self.staged, device=config.device, seed=config.seed,
            trained_on=config.trained_on, games_before=sum(len(entry.games) for entry in self.trained),
            featurizer=config.featurizer, model=config.model, rewards=config.rewards, bc=config.bc, ppo=config.ppo,
            zero_style=config.zero_style,
        )  # fmt: skip

    def _record(self, games: Sequence[Episode]) -> None:
        """Writes games down as they are played."""
        for game in games:
            write_snapshot(game, self.paths.self_play_episodes)

    def _look_again(self) -> None:
        """Sees whether others have replaced the current models meanwhile; then the new ones are compared with those."""
        now = store.load(self.paths.models, self.config.device)
        of_this_plan = now is not None and now.meta.get("plan") == self.plan_id
        if now is not None and not of_this_plan and (self.current is None or now.generation != self.current.generation):
            self.observer.message(
                "The current models have been replaced meanwhile: the new ones are what is compared with."
            )
            self.current = now

    def _goes_on_from(self) -> Models | None:
        """The current models, if they learned from the same kind of sessions and have the same backbone."""
        current, config = self.current, self.config
        if current is None or not config.init_from_pv:
            return None
        if (current.meta.get("trained_on") in NOT_A_PERSON) != (config.trained_on in NOT_A_PERSON):
            return None
        if current.assistant.config.backbone != config.model.backbone:
            self.observer.message(
                f"The current models have another backbone than {config.model.backbone}: a new start."
            )
            return None
        return current

    def _in_use(self) -> Models:
        """The current models; without any, or if they learned from nothing, the quiet assistant of untrained ones."""
        config = self.config
        if self.current is not None and self.current.meta.get("trained_on") != NOTHING:
            return self.current
        return untrained_models(config.device, seed=config.seed, model=config.model, featurizer=config.featurizer)

    def _note_trained(self, folder: Path, generation: str, games: Sequence[str]) -> None:
        if self.noted:
            return
        sessions, held_out = (tuple(one.id for one in some) for some in (self.learning, self.held_out))
        training_manifest.append_entry(
            self.paths.manifest,
            training_manifest.ManifestEntry(generation, folder.name, sessions, held_out, tuple(games)),
        )

    def _measure(
        self, baselines: Baselines, before: Models, after: TrainingNetworks
    ) -> tuple[Report | None, Report | None]:
        if not self.held_out:
            return None, None
        self.observer.phase("evaluation", 2)
        reports = []
        for models in (before, after):
            reports.append(evaluate(models, self.held_out, baselines, weights=self.config.rewards, ppo=self.config.ppo))
            self.observer.advance()
        return reports[0], reports[1]

    def _promote(
        self, result: TrainResult, before: Report | None, after: Report | None
    ) -> tuple[PromotionDecision, Path, str]:
        """Makes the new models current, or says why not and where they are instead."""
        kind = self.config.trained_on if self.config.learns else NOTHING
        old = None if self.current is None else _scores(before)
        old_kind = None if self.current is None else self.current.meta.get("trained_on")
        verdict = decide_promotion(_scores(after), old, trained_on=kind, old_trained_on=old_kind)
        policies = result.policies
        folder = self.paths.models
        if not verdict.replace:
            protected = kind in NOT_A_PERSON and old_kind not in NOT_A_PERSON and kind != NOTHING
            folder = quarantine_folder(folder, kind) if protected else self.paths.run / "not-in-use"
        about = {"trained_on": kind, "sessions": len(self.learning), "verdict": verdict.reason, "plan": self.plan_id}
        there = [one for one in store.generations(folder) if one.current and one.meta.get("plan") == self.plan_id]
        if there:  # the run was interrupted between this and its end
            return verdict, folder, there[0].id
        meta = {**result.meta, **about}
        generation = store.publish(folder, policies.human, policies.assistant, policies.featurizer, meta)
        return verdict, folder, generation


def _scores(report: Report | None) -> Scores:
    return Scores((), ()) if report is None else Scores(report.session_nll, report.session_return)


def _digest(plan: str) -> str:
    return hashlib.blake2b(plan.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
