"""Does thinking and self-play improve the assistant? Scripted people, roots from sessions that nothing learned from.

    python -m benchmarks.improvement run --out results.jsonl [--jobs 2] [--seeds 5] [--repeats 16] [--people NAME ...]
    python -m benchmarks.improvement table results.jsonl

For every person and seed: record sessions with an assistant that acts at random, train on most of them with the
settings of `run.py` (cloning, PPO), then self-play. Before and after it, play games from states of the other sessions
with the scripted person, who is not the learned one that self-play trains with. Not here: speed, recorded people.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.improvement(__doc__))

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from actions import Action, Decision
from benchmarks.arguments import append_results, rows_in, run_study
from benchmarks.plain_rules import most_frequent_help, most_retained_help
from benchmarks.statistics import Interval, interval
from config import LoopConfig, TrainConfig
from errors import InputError
from judge import SMALL_PROBLEM_LIMITS, Judge
from rewards import reward
from simulation.assistants import RandomAssistant, SilentAssistant
from simulation.network_agents import NetworkAssistant
from simulation.person import Person
from simulation.person_loader import load_person
from simulation.rollout import Assistant
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state import State
from state_adapter import Episode
from training.search.action_selection import most_probable_pair
from training.search.goal_free_model import GoalFreeModel
from training.search.numerics import softmax
from training.search.qtransforms import qvalue_bounds, rescale_qvalues, sigma
from training.train_from_episodes import TrainResult, train_from_episodes
from training.zero_style.self_play import Root, rollout_from_roots, roots_of
from training.zero_style.zero_style_phase import ZeroStylePhase

SESSIONS, HELD_OUT = 12, 4
"""Recorded of each person, and how many of them are left for the roots."""

ROOTS, PLIES = 64, 6
"""Roots that are played from, at most; plies of a game, and games from each root unless it is told how many."""

EVERYBODY = ("likes_code", "likes_comments", "hates_comments", "hates_assistant", "changes_mind")
"""Who is measured by default."""

POLICIES = {
    "silent": "(a) NO-OP always",
    "most_frequent": "(r) the most frequent recorded help, always",
    "most_retained": "(r) the help kept most often, if above break-even",
    "before": "(b) BC + PPO",
    "before_greedy": "(b) its most probable decision",
    "at_once": "(b) by p(kept), without a tree",
    "search": "(c) BC + PPO with search",
    "after": "(d) after self-play",
    "after_greedy": "(d) its most probable decision",
}


def measure(person: str, seed: int, loop: LoopConfig, repeats: int) -> dict[str, Any]:
    """Mean return of a game under each of the `POLICIES`, one person, one seed."""
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        sessions = simulate([person_by_name(person)], SESSIONS, RandomAssistant(), judge=judge, seed=seed)
    order = np.random.default_rng(seed).permutation(len(sessions)).tolist()
    held_out, recorded = ([sessions[i] for i in part] for part in (order[:HELD_OUT], order[HELD_OUT:]))
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            checkpoint_dir=Path(folder) / "run", pv_dir=Path(folder) / "models", seed=seed, model=loop.model,
            featurizer=loop.featurizer, bc=loop.bc,
            ppo=loop.ppo, zero_style=loop.zero_style, trained_on="scripted",
        )  # fmt: skip
        result = train_from_episodes(
            replace(config, zero_style=replace(loop.zero_style, epochs=0)), recorded, publish=False
        )
    play = partial(_play, roots=_roots(held_out, seed), person=person, seed=seed, repeats=repeats)
    phase = ZeroStylePhase(result.policies, recorded, result.data, sorted(result.train), config)
    returns = {
        "silent": play(SilentAssistant()),
        "most_frequent": play(most_frequent_help(recorded)),
        "most_retained": play(most_retained_help(recorded)),
        **_of_policy("before", result, play),
    }
    searching = replace(phase.assistant(), explore=False)
    returns |= {"at_once": play(AtOnce(searching.model)), "search": play(searching)}
    rows = list(_learn(phase))
    returns |= _of_policy("after", result, play)
    roots = len(play.keywords["roots"])
    return {"person": person, "seed": seed, "roots": roots, "repeats": repeats, **returns, "epochs": rows}


@dataclass(frozen=True)
class AtOnce:
    """What a search would do without any simulation: one look at what each candidate is expected to bring."""

    model: GoalFreeModel

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `Assistant`: argmax by softmax(log p + sigma(reward)), as in a tree, with p(kept)'s expected rewards."""
        evaluation = self.model.evaluator.evaluate(states)
        assert evaluation.kept_probs is not None
        rewards = self.model.expected_rewards(states, evaluation.kept_probs)
        q = rescale_qvalues(rewards, *qvalue_bounds(rewards, evaluation.log_probs))
        scores = evaluation.log_probs + sigma(q, np.zeros_like(rewards, dtype=np.int64), self.model.config)
        selected = most_probable_pair(softmax(scores), evaluation.pairs)
        moves = evaluation.pairs[np.arange(len(states)), selected]
        return [Action("A", Decision(decision), line, model="at once") for decision, line in moves.tolist()]


def _roots(episodes: Sequence[Episode], seed: int) -> list[Root]:
    roots = roots_of(episodes)
    chosen = np.random.default_rng(seed).permutation(len(roots))[:ROOTS]
    return [roots[i] for i in sorted(chosen.tolist())]


def _of_policy(name: str, result: TrainResult, play: Callable[[Assistant], float]) -> dict[str, float]:
    policies = result.policies
    policies.assistant.eval()
    return {
        f"{name}{'_greedy' * greedy}": play(NetworkAssistant(policies.assistant, policies.featurizer, greedy=greedy))
        for greedy in (False, True)
    }


def _play(assistant: Assistant, *, roots: list[Root], person: str, seed: int, repeats: int) -> float:
    """Mean sum of a game's rewards."""
    games = []
    for repeat in range(repeats):
        games += rollout_from_roots(roots, assistant, person_by_name(person), plies=PLIES, seed=1000 * seed + repeat)
    totals = [sum(reward(transition).total for transition in game.transitions("A")) for game in games]
    return float(np.mean(totals))


def _learn(phase: ZeroStylePhase) -> Iterator[dict[str, Any]]:
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        yield dict(phase.finish())


def person_by_name(name: str) -> Person:
    """A scripted person by name, or one from outside, as `load_person` finds them."""
    if ":" not in name and name not in PEOPLE:
        raise InputError(name, f"expected one of {', '.join(PEOPLE)}, or module:attribute")
    return PEOPLE[name] if name in PEOPLE else load_person(name)


def _work(task: tuple[str, int], repeats: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    return measure(*task, LoopConfig(), repeats)


def run(people: Sequence[str], seeds: int, out: Path, jobs: int, repeats: int) -> None:
    """Appends one line per person and seed to `out`; those that stand there already are left out.

    Raises:
        InputError: those had another number of games from each root.
    """
    rows = rows_in(out) if out.exists() else []
    for other in {row.get("repeats") for row in rows} - {repeats}:
        raise InputError(str(out), f"goes on with --repeats {other}, not {repeats}")
    done = {(row["person"], row["seed"]) for row in rows}
    tasks = [(person, seed) for seed in range(seeds) for person in people if (person, seed) not in done]
    append_results(partial(_work, repeats=repeats), tasks, out, jobs)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown; intervals are over seeds, differences are paired."""
    people = list(dict.fromkeys(row["person"] for row in rows))
    lines = [f"| mean return of a game | {' | '.join(people)} |", "|---" * (1 + len(people)) + "|"]
    for name, title in POLICIES.items():
        cells = [f"{_over_seeds(rows, person, name).mean:+.2f}" for person in people]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for better, worse in (
        ("search", "before"), ("search", "before_greedy"), ("search", "at_once"), ("after", "before"),
        ("after_greedy", "before_greedy"), ("after", "search"), ("after_greedy", "search"), ("after_greedy", "silent"),
        ("after_greedy", "most_frequent"), ("after_greedy", "most_retained"),
    ):  # fmt: skip
        cells = [str(_over_seeds(rows, person, better, worse)) for person in people]
        lines.append(f"| {POLICIES[better]} minus {POLICIES[worse]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _over_seeds(rows: Sequence[dict[str, Any]], person: str, name: str, minus: str | None = None) -> Interval:
    values = [row[name] - (row[minus] if minus else 0.0) for row in rows if row["person"] == person]
    return interval(values)


def main(options: argparse.Namespace) -> None:
    if options.command == "run":
        people = options.people or EVERYBODY
        for name in people:
            person_by_name(name)
        run(people, options.seeds, options.out, options.jobs, options.repeats)
    else:
        sys.stdout.write(table(rows_in(options.results)) + "\n")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
