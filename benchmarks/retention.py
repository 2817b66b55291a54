"""What `run.py` leaves behind: p(kept), the person's decisions and returns, beside counting, on unseen sessions.

    python -m benchmarks.retention run RECORDINGS --out results.jsonl [--jobs 2] [--learned 5] [--games 2]
    python -m benchmarks.retention table results.jsonl

RECORDINGS holds `<seed>/<person>/<episode>/<episode>.json`, more sessions of each than are learned from. For every
person and seed: train on `--learned` sessions with the settings of `run.py` (cloning, PPO), then self-play. Before and
after it: Brier score of p(kept) on the other sessions, beside the base rate of those learned from; the negative
log-likelihood of the person's decisions beside the class prior's; and, if the person is one of this repository, the
mean return of games with them from states of the other sessions, beside plain rules. Not here: speed.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.retention(__doc__))

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.arguments import append_missing_results, people_folders, rows_in, run_study
from benchmarks.plain_rules import most_frequent_help, most_retained_help
from benchmarks.statistics import Interval, interval
from config import LoopConfig, TrainConfig
from errors import InputError
from rewards import reward
from simulation.assistants import SilentAssistant
from simulation.network_agents import NetworkAssistant
from simulation.rollout import Assistant
from simulation.scripted_people import PEOPLE
from state_adapter import Episode
from training.data import transitions
from training.data.transitions import Dataset, TransitionTable
from training.networks.initialisation import class_prior
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.train_from_episodes import train_from_episodes
from training.zero_style.self_play import rollout_from_roots, roots_of
from training.zero_style.zero_style_phase import ZeroStylePhase

ROOTS, PLIES = 24, 6
"""States that are played from, at most; plies of a game."""

INFORMATIVE_BASE_RATES = (0.1, 0.9)
"""Outside of them there is hardly anything that p(kept) could tell apart."""


@dataclass(frozen=True)
class Study:
    """One training: a person's recordings of one seed, and how much of them is learned from and played."""

    seed: str
    person: str
    learned: int
    games: int


@dataclass(frozen=True)
class UnseenSessions:
    """Sessions that nothing learned from, as episodes and as the assistant's steps where p(kept) can be judged."""

    episodes: Sequence[Episode]
    data: Dataset
    steps: TransitionTable

    @classmethod
    def of(cls, episodes: Sequence[Episode], policies: TrainingNetworks, config: TrainConfig) -> UnseenSessions:
        data = transitions.build_dataset(episodes, policies.featurizer, config.rewards)
        return cls(episodes, data, _judged_steps(data))

    def brier(self, probability: Tensor | float) -> float:
        """Mean squared error of a probability of keeping, one for each step or the same for all."""
        return float((self.steps.retained - probability).square().mean())

    def brier_of(self, policies: TrainingNetworks) -> float:
        """Brier score of the assistant's p(kept)."""
        predictions = Predictor(policies.assistant, policies.featurizer).predict(self.data.encoded, self.steps)
        return self.brier(predictions.retention_logit.sigmoid())

    def human_nll(self, policies: TrainingNetworks, train_steps: TransitionTable) -> dict[str, float]:
        """Mean negative log-likelihood of the person's decisions, in nats, and that of the counts in `train_steps`."""
        steps = self.data.select_episodes(range(len(self.data.ids)), is_human=True)
        predictor = Predictor(policies.human, policies.featurizer, legal_only=False)
        nll = -predictor.predict(self.data.encoded, steps).decision(steps)
        return {"human_nll": float(nll.mean()), "prior_nll": float(-class_prior(train_steps)[steps.decision].mean())}


def _judged_steps(data: Dataset) -> TransitionTable:
    """The assistant's legal steps whose share retained is known."""
    steps = data.select_episodes(range(len(data.ids)), is_human=False)
    return steps.select(steps.has_retention)


def measure(study: Study, episodes: Sequence[Episode], loop: LoopConfig) -> dict[str, Any]:
    """p(kept) and returns after PPO and after self-play."""
    began = time.process_time()
    order = np.random.default_rng(_number(study.seed)).permutation(len(episodes)).tolist()
    recorded, unseen = ([episodes[i] for i in part] for part in (order[: study.learned], order[study.learned :]))
    with tempfile.TemporaryDirectory() as folder:
        config = _train_config(study, loop, Path(folder))
        before_self_play = replace(config, zero_style=replace(loop.zero_style, epochs=0))
        result = train_from_episodes(before_self_play, recorded, publish=False)
        policies, base_rate = result.policies, float(_judged_steps(result.data).retained.mean())
        sessions = UnseenSessions.of(unseen, policies, config)
        returns = partial(_returns, policies, unseen, study)
        row = {"base_brier": sessions.brier(base_rate), "ppo_brier": sessions.brier_of(policies), **returns("ppo")}
        row |= {**sessions.human_nll(policies, result.data.steps), **_rule_returns(recorded, unseen, study)}
        metrics = _learn(ZeroStylePhase(policies, recorded, result.data, sorted(result.train), config))
        row |= {"kl_kept": metrics["kl_kept"], "self_play_brier": sessions.brier_of(policies), **returns("self_play")}
    seconds = time.process_time() - began
    return {**vars(study), "base_rate": base_rate, "judged": len(sessions.steps), **row, "seconds": seconds}


def _train_config(study: Study, loop: LoopConfig, folder: Path) -> TrainConfig:
    return TrainConfig(
        checkpoint_dir=folder / "run", pv_dir=folder / "models", seed=_number(study.seed), model=loop.model,
        featurizer=loop.featurizer, bc=loop.bc, ppo=loop.ppo, zero_style=loop.zero_style, trained_on="scripted",
    )  # fmt: skip


def _number(seed: str) -> int:
    """A folder's name as a seed."""
    return int(seed) if seed.isdigit() else sum(seed.encode())


def _learn(phase: ZeroStylePhase) -> dict[str, Any]:
    """Self-play from its first epoch to its last, whose metrics are returned."""
    metrics: dict[str, Any] = {}
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        metrics = phase.finish()
    return metrics


def _returns(policies: TrainingNetworks, unseen: Sequence[Episode], study: Study, name: str) -> dict[str, float]:
    """Mean return of games with the scripted person of this name, of drawn and of most probable decisions."""
    if study.person not in PEOPLE or not study.games:
        return {}
    policies.assistant.eval()
    assistants: dict[str, Assistant] = {
        f"{name}_{'most_probable' if greedy else 'drawn'}_return": NetworkAssistant(
            policies.assistant, policies.featurizer, greedy=greedy
        )
        for greedy in (False, True)
    }
    return {key: _mean_return(assistant, unseen, study) for key, assistant in assistants.items()}


def _rule_returns(recorded: Sequence[Episode], unseen: Sequence[Episode], study: Study) -> dict[str, float]:
    """Mean return of games of the plain rules."""
    if study.person not in PEOPLE or not study.games:
        return {}
    rules: dict[str, Assistant] = {
        "silent_return": SilentAssistant(),
        "most_frequent_return": most_frequent_help(recorded),
        "most_retained_return": most_retained_help(recorded),
    }
    return {key: _mean_return(assistant, unseen, study) for key, assistant in rules.items()}


def _mean_return(assistant: Assistant, unseen: Sequence[Episode], study: Study) -> float:
    roots, seed = roots_of(unseen), _number(study.seed)
    chosen = [roots[i] for i in np.random.default_rng(seed).permutation(len(roots))[:ROOTS]]
    games: list[Episode] = []
    for game in range(study.games):
        person = PEOPLE[study.person]
        games += rollout_from_roots(chosen, assistant, person, plies=PLIES, seed=1000 * seed + game)
    return float(np.mean([sum(reward(step).total for step in game.transitions("A")) for game in games]))


def studies_in(recordings: Path, learned: int, games: int, people: Sequence[str]) -> Iterator[tuple[Study, Path]]:
    """Every study of a folder of recordings, with the folder of its sessions; no `people`: of everybody.

    Raises InputError if there are no more sessions of somebody than are learned from.
    """
    for folder in people_folders(recordings):
        if people and folder.name not in people:
            continue
        if sum(1 for path in folder.iterdir() if path.is_dir()) <= learned:
            raise InputError(str(folder), f"expected more than {learned} sessions: those not learned from are judged")
        yield Study(folder.parent.name, folder.name, learned, games), folder


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown; intervals are over seeds, differences are paired."""
    return "\n\n".join((_brier_table(rows), _nll_table(rows), _return_table(rows)))


def _brier_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| p(kept) on unseen sessions | base rate | its Brier score | after PPO | after self-play "
        "| self-play minus PPO | self-play minus base rate | as promised |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for person in _people(rows):
        base_rate = _over_seeds(rows, person, "base_rate").mean
        columns = [_over_seeds(rows, person, name).mean for name in ("base_brier", "ppo_brier", "self_play_brier")]
        change = _over_seeds(rows, person, "self_play_brier", "ppo_brier")
        gain = _over_seeds(rows, person, "self_play_brier", "base_brier")
        cells = [f"{base_rate:.2f}", *(f"{value:.4f}" for value in columns), _four_digits(change), _four_digits(gain)]
        lines.append(f"| {person} | {' | '.join(cells)} | {_verdict(base_rate, change, gain)} |")
    return "\n".join(lines)


def _verdict(base_rate: float, change: Interval, gain: Interval) -> str:
    """Whether self-play has not made p(kept) worse, and it is better than the base rate where that can be."""
    is_not_worse = change.mean - change.half <= 0
    lowest, highest = INFORMATIVE_BASE_RATES
    is_better = gain.mean < 0 or not lowest <= base_rate <= highest
    return "yes" if is_not_worse and is_better else "no"


def _four_digits(value: Interval) -> str:
    return f"{value.mean:+.4f} ± {value.half:.4f}"


def _nll_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = ["| the person's decisions, nats | class prior | human policy | difference |", "|---|---|---|---|"]
    measured = [row for row in rows if "human_nll" in row]
    for person in _people(measured):
        prior, policy = (_over_seeds(measured, person, name).mean for name in ("prior_nll", "human_nll"))
        lines.append(
            f"| {person} | {prior:.3f} | {policy:.3f} | {_over_seeds(measured, person, 'human_nll', 'prior_nll')} |"
        )
    return "\n".join(lines)


RETURNS = {
    "silent_return": "silence",
    "most_frequent_return": "the most frequent recorded help",
    "most_retained_return": "the help kept most often by count",
    "ppo_drawn_return": "after PPO, drawn",
    "ppo_most_probable_return": "after PPO, most probable",
    "self_play_drawn_return": "after self-play, drawn",
    "self_play_most_probable_return": "after self-play, most probable",
}

SHIPPED = "self_play_most_probable_return"
"""What `infer_action` decides with the models that `run.py` leaves behind."""


def _return_table(rows: Sequence[dict[str, Any]]) -> str:
    played = [row for row in rows if SHIPPED in row]
    if not played:
        return "No person of the recordings is one that games can be played with."
    people = _people(played)
    lines = [f"| mean return of a game | {' | '.join(people)} |", "|---" * (1 + len(people)) + "|"]
    for name, title in RETURNS.items():
        lines.append(f"| {title} | {' | '.join(f'{_over_seeds(played, p, name).mean:+.2f}' for p in people)} |")
    for name, title in RETURNS.items():
        if name != SHIPPED:
            cells = [str(_over_seeds(played, person, SHIPPED, name)) for person in people]
            lines.append(f"| {RETURNS[SHIPPED]} minus {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _people(rows: Sequence[dict[str, Any]]) -> list[str]:
    return sorted({row["person"] for row in rows})


def _over_seeds(rows: Sequence[dict[str, Any]], person: str, name: str, minus: str | None = None) -> Interval:
    return interval([row[name] - (row[minus] if minus else 0.0) for row in rows if row["person"] == person])


def main(options: argparse.Namespace) -> None:
    if options.command == "run":
        studies = list(studies_in(options.recordings, options.learned, options.games, options.people))
        append_missing_results(measure, studies, options.out, options.jobs)
    else:
        sys.stdout.write(table(rows_in(options.results)) + "\n")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
