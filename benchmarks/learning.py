"""Does it learn? Leave one session out, for every person and several recordings of each; with history and without.

    python -m benchmarks.learning record RECORDINGS [--seeds 10]
    python -m benchmarks.learning run RECORDINGS --out results.jsonl [--jobs 2]
    python -m benchmarks.learning table results.jsonl
    python -m benchmarks.learning signal RECORDINGS

RECORDINGS holds `<seed>/<person>/<episode>/<episode>.json`: five sessions of each scripted person, who work beside an
assistant that acts at random, or recordings of your own. A fold trains on a person's other sessions with the
settings of `run.py` and is measured on the one left out. Not here: speed, self-play.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.learning(__doc__))

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from actions import EXPLAIN, Decision
from benchmarks.arguments import append_missing_results, people_folders, rows_in, run_study
from benchmarks.statistics import Interval, interval
from config import FeaturizerConfig, LoopConfig, ModelConfig, TrainConfig
from errors import InputError
from featurizers import Featurizer
from judge import SMALL_PROBLEM_LIMITS, Judge
from simulation.assistants import RandomAssistant
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state_adapter import Episode, read_episodes, write_snapshot
from training.data import transitions
from training.data.transitions import TransitionTable
from training.networks.initialisation import class_prior
from training.networks.predictions import PolicyPredictions, Predictor
from training.train_from_episodes import TrainResult, train_from_episodes

BINS = 5
"""Bins of p(kept) with the same number of decisions each."""

DRAWN = (2.0, 8.0)
"""Decisions that the base rate counts for in a decision's counted share."""


@dataclass(frozen=True)
class Fold:
    """One training: on a person's sessions but one."""

    seed: str
    person: str
    held_out: int
    history: bool


def measure(fold: Fold, episodes: Sequence[Episode], loop: LoopConfig) -> dict[str, Any]:
    """Trains on all episodes but one and measures both policies on that one."""
    training_episodes = [episode for i, episode in enumerate(episodes) if i != fold.held_out]
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            checkpoint_dir=Path(folder) / "run", pv_dir=Path(folder) / "models", seed=fold.held_out,
            model=ModelConfig(history=fold.history), featurizer=loop.featurizer, bc=loop.bc, ppo=loop.ppo,
            zero_style=replace(loop.zero_style, epochs=0),
        )  # fmt: skip
        result = train_from_episodes(config, training_episodes, publish=False)
    data = transitions.build_dataset([episodes[fold.held_out]], result.policies.featurizer, config.rewards)
    human, assistant = data.select_episodes([0], is_human=True), data.select_episodes([0], is_human=False)
    human_answers = Predictor(result.policies.human, result.policies.featurizer, legal_only=False).predict(
        data.encoded, human
    )
    assistant_answers = Predictor(result.policies.assistant, result.policies.featurizer, legal_only=True).predict(
        data.encoded, assistant
    )
    return {
        **asdict(fold),
        **_human(human_answers, human, result),
        **_assistant(assistant_answers, assistant, result),
    }


def _human(answers: PolicyPredictions, steps: TransitionTable, result: TrainResult) -> dict[str, float]:
    """Mean negative log-likelihood (nats), accuracy of the human's decisions; the prior counts the others."""
    all_steps = result.data.steps
    prior = class_prior(all_steps)
    return {
        "nll": float(-answers.decision(steps).mean()),
        "prior_nll": float(-prior[steps.decision].mean()),
        "accuracy": float((answers.decisions.argmax(1) == steps.decision).float().mean()),
        "prior_accuracy": float((prior.argmax() == steps.decision).float().mean()),
    }


def _assistant(answers: PolicyPredictions, steps: TransitionTable, result: TrainResult) -> dict[str, Any]:
    """Log-odds of kinds of decisions against the recorded behaviour's, p(kept) beside what was kept."""
    behaviour = _behaviour_decisions(steps, result)
    trained = result.data.select_episodes(range(len(result.data.ids)), is_human=False)
    return {
        "explain": _log_odds(answers.decisions, behaviour, EXPLAIN),
        "no_op": _log_odds(answers.decisions, behaviour, (Decision.NO_OP,)),
        "kept": steps.retained[steps.has_retention].tolist(),
        "p_kept": answers.retention_logit[steps.has_retention].sigmoid().tolist(),
        "base_rate": float(trained.retained[trained.has_retention].mean()),
    }


def _behaviour_decisions(steps: TransitionTable, result: TrainResult) -> Tensor:
    """Log-probabilities `(N, 7)` of the behaviour fitted to the sessions trained on."""
    weights = steps.choices.decisions * result.baselines.behaviour.decision_weights
    return (weights / weights.sum(1, keepdim=True)).log()


def _log_odds(policy: Tensor, behaviour: Tensor, kinds: Sequence[Decision]) -> float | None:
    """Mean of logit p(policy) - logit p(behaviour) over the states in which such decisions and others are legal."""
    columns = list(kinds)
    logits = []
    for log_probs in (policy, behaviour):
        other_columns = [i for i in range(7) if i not in columns]
        logits.append(log_probs[:, columns].logsumexp(1) - log_probs[:, other_columns].logsumexp(1))
    difference = logits[0] - logits[1]
    usable = difference.isfinite()
    return float(difference[usable].mean()) if usable.any() else None


def folds_of(recordings: Path) -> list[tuple[Fold, Path]]:
    """Every fold, with the folder that the person's sessions of that seed lie in."""
    return [
        (Fold(folder.parent.name, folder.name, held_out, history), folder)
        for history in (True, False)
        for folder in people_folders(recordings)
        for held_out in range(sum(1 for p in folder.iterdir() if p.is_dir()))
    ]


def record(recordings: Path, seeds: int, sessions: int, people: Sequence[str]) -> None:
    """Writes down sessions of scripted people; the same seeds give the same files.

    Raises InputError for a name that none of them has.
    """
    for name in people:
        if name not in PEOPLE:
            raise InputError(name, f"expected one of {', '.join(PEOPLE)}")
    for seed in tqdm(range(1, seeds + 1), desc="seeds"):
        with Judge(SMALL_PROBLEM_LIMITS) as judge:
            for name in people:
                for episode in simulate([PEOPLE[name]], sessions, RandomAssistant(), judge=judge, seed=seed):
                    write_snapshot(episode, recordings / str(seed) / name)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown; intervals are over seeds."""
    return "\n\n".join((_human_table(rows), _taste_table(rows), _kept_table(rows)))


def _per_seed(rows: Sequence[dict[str, Any]], person: str, history: bool, value: str) -> dict[str, float]:
    """Mean of a value over a person's folds, per seed."""
    by_seed: dict[str, list[float]] = {}
    for row in rows:
        if row["person"] == person and row["history"] == history and row[value] is not None:
            by_seed.setdefault(row["seed"], []).append(row[value])
    return {seed: math.fsum(values) / len(values) for seed, values in by_seed.items()}


def _paired(a: dict[str, float], b: dict[str, float]) -> Interval:
    return interval([a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())])


def _human_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| person | class prior | with history | difference | without history | difference | history's part |",
        "|---|---|---|---|---|---|---|",
    ]
    for person in sorted({row["person"] for row in rows}):
        with_, without = (_per_seed(rows, person, history, "nll") for history in (True, False))
        prior = _per_seed(rows, person, True, "prior_nll")
        cells = [
            f"{interval(list(prior.values())).mean:.3f}", f"{interval(list(with_.values())).mean:.3f}",
            str(_paired(with_, prior)), f"{interval(list(without.values())).mean:.3f}", str(_paired(without, prior)),
            str(_paired(with_, without)),
        ]  # fmt: skip
        lines.append(f"| {person} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _taste_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["| log-odds against the behaviour | with history | without history |", "|---|---|---|"]
    for less, more, value, name in (
        ("hates_comments", "likes_comments", "explain", "explain decisions"),
        ("likes_code", "hates_assistant", "no_op", "NO-OP"),
    ):
        for person in (less, more):
            cells = [str(interval(list(_per_seed(rows, person, history, value).values()))) for history in (True, False)]
            lines.append(f"| {name}, {person} | {' | '.join(cells)} |")
        cells = [
            str(_paired(_per_seed(rows, more, history, value), _per_seed(rows, less, history, value)))
            for history in (True, False)
        ]
        lines.append(f"| **{name}, {more} minus {less}** | {' | '.join(cells)} |")
    return "\n".join(lines)


def _kept_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["| p(kept) on held-out sessions | base rate's Brier | Brier | difference | ECE |", "|---|---|---|---|---|"]
    people = sorted({row["person"] for row in rows})
    for history in (True, False):
        for name, chosen in [*((person, [person]) for person in people), ("everybody", people)]:
            person_rows = [row for row in rows if row["history"] == history and row["person"] in chosen]
            if not person_rows:
                continue
            gains, base_scores, scores = [], [], []
            for seed in sorted({row["seed"] for row in person_rows}):
                fold = [row for row in person_rows if row["seed"] == seed]
                base_scores.append(_brier(fold, constant=True))
                scores.append(_brier(fold, constant=False))
                gains.append(scores[-1] - base_scores[-1])
            label = f"{name}, {'with' if history else 'without'} history"
            means = f"{interval(base_scores).mean:.3f} | {interval(scores).mean:.3f}"
            lines.append(f"| {label} | {means} | {interval(gains)} | {_ece(person_rows):.3f} |")
    return "\n".join(lines)


def _brier(rows: Sequence[dict[str, Any]], *, constant: bool) -> float:
    """Mean squared error of p(kept), or of the base rate of the sessions trained on."""
    errors = [
        (share - (row["base_rate"] if constant else p)) ** 2
        for row in rows
        for share, p in zip(row["kept"], row["p_kept"], strict=True)
    ]
    return math.fsum(errors) / len(errors)


def _ece(rows: Sequence[dict[str, Any]]) -> float:
    """Expected calibration error: mean distance of predicted and kept share over bins of equal size."""
    pairs = sorted((p, share) for row in rows for p, share in zip(row["p_kept"], row["kept"], strict=True))
    size = math.ceil(len(pairs) / BINS)
    bins = [pairs[i : i + size] for i in range(0, len(pairs), size)]
    return math.fsum(abs(math.fsum(p - share for p, share in pairs_of_bin)) for pairs_of_bin in bins) / len(pairs)


def signal(recordings: Path) -> str:
    """What counting says of the shares kept, as Markdown: is there anything that p(kept) could learn from decisions?

    Brier scores minus the base rate's: of each decision's share in the other sessions, drawn towards the base rate by
    some decisions, and of each decision's share in all sessions, the one left out among them, which nobody can know.
    """
    scores_by_person: dict[str, list[list[float]]] = {}
    for folder in people_folders(recordings):
        episodes, _ = read_episodes(folder)
        steps = transitions.build_dataset(episodes, Featurizer(FeaturizerConfig())).select_episodes(
            range(len(episodes)), is_human=False
        )
        scores_by_person.setdefault(folder.name, []).append(_counting(steps.select(steps.has_retention)))
    lines = [
        f"| share kept by decision | base rate's Brier | {' | '.join(f'by {n:g}' for n in DRAWN)} | in hindsight |",
        "|---" * (3 + len(DRAWN)) + "|",
    ]
    for person, rows in scores_by_person.items():
        base, *other_rows = zip(*rows, strict=True)
        gains = [interval([a - b for a, b in zip(other, base, strict=True)]) for other in other_rows]
        lines.append(f"| {person} | {interval(base).mean:.3f} | {' | '.join(map(str, gains))} |")
    return "\n".join(lines)


def _counting(steps: TransitionTable) -> list[float]:
    """Brier scores, one session left out after the other: of the base rate, of each of `DRAWN`, in hindsight."""
    errors: list[list[Tensor]] = []
    for episode in sorted(set(steps.episode.tolist())):
        other_steps, held_out = steps.select(steps.episode != episode), steps.select(steps.episode == episode)
        base = other_steps.retained.mean()
        shares = [base.expand(7), *(_shares(other_steps, base, n) for n in DRAWN), _shares(steps, base, 1e-6)]
        errors.append([(share[held_out.decision] - held_out.retained).square() for share in shares])
    return [float(torch.cat(column).mean()) for column in zip(*errors, strict=True)]


def _shares(steps: TransitionTable, base: Tensor, drawn: float) -> Tensor:
    """Share kept of each decision `(7,)`, drawn towards the base rate by so many decisions."""
    retained = torch.bincount(steps.decision, steps.retained, minlength=7)
    return (retained + drawn * base) / (torch.bincount(steps.decision, minlength=7) + drawn)


def main(options: argparse.Namespace) -> None:
    if options.command == "record":
        record(options.recordings, options.seeds, options.sessions, options.people or list(PEOPLE))
    elif options.command == "signal":
        sys.stdout.write(signal(options.recordings) + "\n")
    elif options.command == "run":
        append_missing_results(measure, folds_of(options.recordings), options.out, options.jobs)
    else:
        sys.stdout.write(table(rows_in(options.results)) + "\n")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
