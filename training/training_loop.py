"""The two-phase plan that `run.py` carries out on a person's sessions.

    1. pre-train   behaviour cloning and PPO on the recorded sessions that are not held out
    2. self-play   zero-style episodes: games from recorded states, written in the recordings' format as they are
                   played; fine-tuning on them and on recorded decisions, epoch by epoch
       compare     with the current models, on the held-out sessions; replace them if they are not worse

Every run begins at the same start (`runs/starts.py`) and learns from all sessions that are not held out; where nothing
has changed since a run that has ended, nothing is learned. It can be killed at any moment; the next call with the same
sessions and configuration goes on. Not here: how a phase learns, what is measured (`evaluation`), the rule for
replacing (`evaluation/promotion.py`), what is shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import files
from config import LoopConfig, TrainConfig
from data_paths import DataPaths, quarantine_folder
from errors import InputError
from inference import untrained_models
from judge import Problem
from models import Models, store
from models.provenance import NOT_A_PERSON, NOTHING
from models.reviewer import Reviewer, encode_coefficients
from simulation.problem_loader import load_readable_problems
from state_adapter import Episode, read_episodes, write_snapshot
from training.data.held_out import choose_held_out, choose_validation
from training.data.reviewed_texts import ReviewedTexts
from training.evaluation.comparison_table import comparison_rows
from training.evaluation.held_out_report import Baselines, Report, evaluate
from training.evaluation.promotion import PromotionDecision, Scores, decide_promotion
from training.runs.damaged_files import DamagedFileError, set_aside
from training.runs.fingerprint import canonical_order, loop_fingerprint
from training.runs.observer import Observer
from training.runs.run_files import STATE, models_lock, plan_path, run_lock, training_folder
from training.runs.run_plan import RunPlan, read_plan, read_plan_or_set_aside, remove_plan, write_plan
from training.runs.starts import FRESH_START, find_start, start_named
from training.runs.training_manifest import (
    NOT_CURRENT,
    ManifestEntry,
    append_entry,
    entry_of,
    finished_run,
    read_manifest,
)
from training.train_from_episodes import TrainResult, train_from_episodes


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    learned_from, validation_sessions: sessions that phases learned from, and that only said when to stop. before,
    after: measured on the held-out sessions; without any, on the sessions learned from. models: the folder that the new
    models are in. nothing_new: nothing was learned, because nothing has changed since the run that made `generation`.
    """

    learned_from: int
    validation_sessions: int
    held_out: int
    games: int
    before: Report | None
    after: Report | None
    promotion: PromotionDecision
    models: Path
    generation: str
    nothing_new: bool = False
    run_id: str = ""


@dataclass(frozen=True)
class LoopInputs:
    """What a run is given. folder: where its models serve, one of their own if they do not learn from a person.
    entries: the manifest. fingerprint: of all that decides what is learned."""

    config: LoopConfig
    episodes: Sequence[Episode]
    paths: DataPaths
    observer: Observer
    problems: Mapping[str, Problem]
    folder: Path
    entries: Sequence[ManifestEntry]
    fingerprint: str

    @property
    def plan_path(self) -> Path:
        """See `run_files.plan_path`."""
        return plan_path(self.paths.run)

    def finished_run(self) -> ManifestEntry | None:
        """See `training_manifest.finished_run`."""
        current = next((generation.id for generation in store.generations(self.folder) if generation.current), None)
        return finished_run(self.entries, self.fingerprint, self.folder, current)


@dataclass(frozen=True)
class Comparison:
    """Measured before and after, on the same sessions. old: what was measured before; None: there were no models."""

    old: Models | None
    before: Report
    after: Report


def run_loop(config: LoopConfig, episodes: Sequence[Episode], paths: DataPaths, observer: Observer) -> Outcome:
    """Carries out the plan, or goes on with it. Raises InputError, and KeyboardInterrupt once all is saved."""
    with files.lock(run_lock(paths.run)):
        inputs = _read_inputs(config, episodes, paths, observer)
        plan = _interrupted_plan(inputs)
        if plan is not None:
            observer.message("Going on with the run that was interrupted.")
        elif (finished := inputs.finished_run()) and _has_models(inputs.folder):
            return _nothing_new(inputs, finished)
        else:
            plan = _begin_plan(inputs)
        return _carry_out(inputs, plan)


def is_interrupted(config: LoopConfig, recordings: Path, paths: DataPaths) -> bool:
    """Whether a run that learns from these sessions was interrupted and goes on if it is started again.

    Raises InputError if its plan cannot be read.
    """
    try:
        plan = read_plan(plan_path(paths.run))
    except DamagedFileError:
        return False
    if plan is None:
        return False
    episodes = _with_learnable_pastes(config, read_episodes(recordings)[0])
    problems = load_readable_problems(lambda line: None, paths.problems)
    return plan.fingerprint == loop_fingerprint(config, episodes, problems)


def _read_inputs(config: LoopConfig, episodes: Sequence[Episode], paths: DataPaths, observer: Observer) -> LoopInputs:
    problems = load_readable_problems(lambda line: None, paths.problems)  # the run itself tells, if it plays
    folder = paths.models
    if config.trained_on in NOT_A_PERSON:
        folder = quarantine_folder(folder, config.trained_on)
    entries = read_manifest(paths.manifest, observer.message)
    episodes = _with_learnable_pastes(config, episodes)
    fingerprint = loop_fingerprint(config, episodes, problems)
    return LoopInputs(config, canonical_order(episodes), paths, observer, problems, folder, entries, fingerprint)


def _with_learnable_pastes(config: LoopConfig, episodes: Sequence[Episode]) -> list[Episode]:
    """The sessions, their large pastes taken for typing where the settings say so."""
    return [episode.without_pastes() for episode in episodes] if config.learn_pastes else list(episodes)


def _has_models(folder: Path) -> bool:
    return all((folder / name).exists() for name in store.FILES)


def _nothing_new(inputs: LoopInputs, finished: ManifestEntry) -> Outcome:
    """What is said of a run whose sessions, settings, problems and code are those of one that has ended."""
    reason = f"nothing is new since the run that made generation {finished.generation}, so nothing was learned"
    decision = PromotionDecision(False, reason)
    return Outcome(0, 0, 0, 0, None, None, decision, inputs.folder, finished.generation, nothing_new=True)


def _interrupted_plan(inputs: LoopInputs) -> RunPlan | None:
    """The plan of a run that was interrupted, if it was given the same as this one."""
    plan = read_plan_or_set_aside(inputs.plan_path, inputs.observer.message)
    if plan is None or plan.fingerprint == inputs.fingerprint:
        return plan
    inputs.observer.message("The interrupted run had other sessions, settings or code: it is not gone on with.")
    return None


def _begin_plan(inputs: LoopInputs) -> RunPlan:
    """Chooses what the run begins with and holds out, and writes it down."""
    config, current = inputs.config, store.load(inputs.folder)
    start = FRESH_START
    if config.init_from_pv:
        start = find_start(inputs.paths.models, config.model.backbone, inputs.observer).name
    generation = None if current is None else current.generation
    plan = RunPlan(
        id=uuid.uuid4().hex[:12],
        fingerprint=inputs.fingerprint,
        start=start,
        compared_with=generation,
        games_before=sum(len(entry.games) for entry in inputs.entries),
        held_out=tuple(sorted(_held_out(inputs, generation))),
        trained_on=config.trained_on,
    )
    state = _train_config(inputs, plan).checkpoint_dir / STATE
    with files.translate_os_errors(state):
        state.unlink(missing_ok=True)
    write_plan(inputs.plan_path, plan)
    return plan


def _held_out(inputs: LoopInputs, current: str | None) -> frozenset[str]:
    entry = entry_of(inputs.entries, inputs.folder, current)
    learned = frozenset(() if entry is None else entry.sessions)
    learned_sessions = {episode.session for episode in inputs.episodes if episode.id in learned}
    sessions = [episode.session for episode in inputs.episodes]
    chosen = choose_held_out(sessions, inputs.config.held_out_share, learned_sessions)
    held_out = frozenset(episode.id for episode in inputs.episodes if episode.session in chosen)
    if overlap := held_out & learned:
        inputs.observer.message(f"The current models learned from {len(overlap)} of the {len(held_out)} held out.")
    return held_out


def _carry_out(inputs: LoopInputs, plan: RunPlan) -> Outcome:
    """All steps in order; those that an interrupted run has ended already end at once."""
    held_out = [episode for episode in inputs.episodes if episode.id in plan.held_out]
    learning = [episode for episode in inputs.episodes if episode.id not in plan.held_out]
    texts = _texts_to_learn_from(inputs, learning)
    reviewer = _reviewer_that_will_serve(inputs, texts)
    result = _train(inputs, plan, learning, reviewer)
    with files.lock(models_lock(inputs.folder)):
        learned_from = [learning[index] for index in sorted(result.train)]
        comparison = _compare(inputs, plan, result, held_out or learned_from, reviewer)
        decision = _decide(inputs, comparison, compared=bool(held_out))
        result.meta["measured"] = _measured(comparison, held_out)
        fitted = encode_coefficients(reviewer.coefficients, len(texts)) if len(texts) else None
        folder, generation = _publish(inputs, plan, result, decision, fitted)
    _record(inputs, plan, result, folder, generation)
    remove_plan(inputs.plan_path)
    return Outcome(
        _session_count(learned_from), _session_count([learning[index] for index in result.held_out]),
        _session_count(held_out), len(result.games),
        comparison.before, comparison.after, decision, folder, generation, run_id=result.run_id,
    )  # fmt: skip


def _session_count(episodes: Sequence[Episode]) -> int:
    """Sessions that these are recordings of."""
    return len({episode.session for episode in episodes})


def _texts_to_learn_from(inputs: LoopInputs, learning: Sequence[Episode]) -> ReviewedTexts:
    """Those of the sessions that phases learn from."""
    config = inputs.config
    validation = choose_validation([episode.session for episode in learning], config.bc.validation_share, config.seed)
    return ReviewedTexts.of([episode for index, episode in enumerate(learning) if index not in validation])


def _reviewer_that_will_serve(inputs: LoopInputs, texts: ReviewedTexts) -> Reviewer:
    """Fitted to the texts that are learned from, before the policy learns for it; without any it stays as it is."""
    serve, weights = inputs.config.serve, inputs.config.rewards
    if len(texts):
        return Reviewer.with_settings(texts.fit(), serve, weights)
    return Reviewer.load(inputs.folder, serve, weights)


def _train(inputs: LoopInputs, plan: RunPlan, learning: Sequence[Episode], reviewer: Reviewer) -> TrainResult:
    """Cloning, PPO and self-play in one run, or what is left of it; its models are not published yet.

    A run that is refused before its first state is saved leaves no plan to go on with.
    """
    config = _train_config(inputs, plan)
    try:
        return _begin_or_resume(inputs, config, learning, reviewer)
    except InputError:
        if not (config.checkpoint_dir / STATE).exists():
            with suppress(InputError):
                remove_plan(inputs.plan_path)
        raise


def _begin_or_resume(
    inputs: LoopInputs, config: TrainConfig, learning: Sequence[Episode], reviewer: Reviewer
) -> TrainResult:
    def record(games: Sequence[Episode]) -> None:
        for game in games:
            write_snapshot(game, inputs.paths.self_play_episodes)

    def train(config: TrainConfig) -> TrainResult:
        return train_from_episodes(
            config, learning, observer=inputs.observer, record=record, publish=False, reviewer=reviewer,
            problems_path=inputs.paths.problems,
        )  # fmt: skip

    state = config.checkpoint_dir / STATE
    if state.exists():
        try:
            return train(replace(config, resume=True))
        except DamagedFileError as error:
            set_aside(state, error.reason, inputs.observer.message)
    return train(config)


def _train_config(inputs: LoopInputs, plan: RunPlan) -> TrainConfig:
    config, start = inputs.config, start_named(plan.start, inputs.paths.models)
    return TrainConfig(
        checkpoint_dir=training_folder(inputs.paths.run), pv_dir=start.folder or inputs.folder, device=config.device,
        seed=config.seed, init_from_pv=start.folder is not None, trained_on=config.trained_on,
        games_before=plan.games_before, featurizer=config.featurizer, model=config.model, rewards=config.rewards,
        bc=config.bc, ppo=config.ppo, zero_style=config.zero_style,
    )  # fmt: skip


def _compare(
    inputs: LoopInputs, plan: RunPlan, result: TrainResult, sessions: Sequence[Episode], reviewer: Reviewer
) -> Comparison:
    """Measures the current models, and the new ones, with the same reviewer."""
    config, old = inputs.config, _current_models(inputs, plan)
    baselines = Baselines.from_steps(result.data.steps)
    before = old
    if before is None or before.meta.get("trained_on") == NOTHING:
        before = untrained_models(config.device, seed=config.seed, model=config.model, featurizer=config.featurizer)
    inputs.observer.phase("evaluation", 2)
    reports = []
    for models in (before, result.policies):
        reports.append(evaluate(models, sessions, baselines, weights=config.rewards, ppo=config.ppo, reviewer=reviewer))
        inputs.observer.advance()
    return Comparison(old, *reports)


def _measured(comparison: Comparison, held_out: Sequence[Episode]) -> dict[str, object]:
    """What is remembered of a comparison with the new models."""
    rows = comparison_rows(comparison.before, comparison.after)
    return {
        "on": "held_out" if held_out else "learned_from",
        "sessions": len(comparison.after.sessions),
        "table": [row.as_dict() for row in rows],
    }


def _current_models(inputs: LoopInputs, plan: RunPlan) -> Models | None:
    """The models to compare with: those that are current, or were before this very run published its own."""
    current = store.load(inputs.folder, inputs.config.device)
    if current is not None and current.meta.get("plan") == plan.id:
        return _replaced_models(inputs, current.meta.get("replaced"))
    if current is not None and current.generation != plan.compared_with:
        inputs.observer.message("Other models have become current meanwhile: the new ones are compared with those.")
    return current


def _replaced_models(inputs: LoopInputs, replaced: str | None) -> Models | None:
    whole = [generation.id for generation in store.generations(inputs.folder) if not generation.damaged]
    if replaced is None or replaced not in whole:
        return None
    return store.load_generation(inputs.folder, replaced, inputs.config.device)


def _decide(inputs: LoopInputs, comparison: Comparison, *, compared: bool) -> PromotionDecision:
    old, config = comparison.old, inputs.config
    new_scores, old_scores = (_scores(report if compared else None) for report in (comparison.after, comparison.before))
    return decide_promotion(
        new_scores, None if old is None else old_scores,
        trained_on=config.trained_on if config.learns else NOTHING,
        old_trained_on=None if old is None else old.meta.get("trained_on"),
    )  # fmt: skip


def _scores(report: Report | None) -> Scores:
    return Scores() if report is None else Scores(report.session_nll, report.session_return, report.session_kept_brier)


def _publish(
    inputs: LoopInputs, plan: RunPlan, result: TrainResult, decision: PromotionDecision, reviewer: bytes | None
) -> tuple[Path, str]:
    """Makes the new models current with their reviewer, or puts them aside; returns their folder and generation."""
    folder = inputs.folder if decision.replace else inputs.paths.run / NOT_CURRENT
    for generation in store.generations(folder):
        if generation.current and generation.meta.get("plan") == plan.id:  # interrupted between this and its end
            return folder, generation.id
    replaced = store.archive_current(folder)
    meta = {
        **result.meta, "start": plan.start, "verdict": decision.reason, "plan": plan.id, "replaced": replaced,
    }  # fmt: skip
    return folder, store.publish(folder, result.policies, meta, reviewer=reviewer)


def _record(inputs: LoopInputs, plan: RunPlan, result: TrainResult, folder: Path, generation: str) -> None:
    """Adds the run to the manifest, unless that was done before an interruption."""
    recorded = entry_of(inputs.entries, folder, generation)
    if recorded is None or recorded.fingerprint != plan.fingerprint:
        entry = ManifestEntry(generation, folder.name, result.data.ids, plan.held_out, result.games, plan.fingerprint)
        append_entry(inputs.paths.manifest, entry)
