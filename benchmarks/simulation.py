"""What playing costs: judging a text, a ply of simulated sessions, an epoch of self-play with the default settings.

    python -m benchmarks.simulation [--repeats 5]

One thread; sessions of the repository's scripted people. Not here: the search alone, what games teach.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.simulation(__doc__))

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import torch

from benchmarks.arguments import run_study
from config import TrainConfig
from judge import SMALL_PROBLEM_LIMITS, Judge
from simulation.assistants import RandomAssistant
from simulation.builtin_problems import PROBLEMS
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle
from simulation.rollout import RolloutSpec, run_rollouts
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state import State, unedited
from training.data import transitions
from training.networks.training_networks import TrainingNetworks
from training.zero_style.zero_style_phase import ZeroStylePhase

GAMES, PLIES = 32, 6


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Of a call that does something new each time."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def judging(repeats: int) -> tuple[float, float]:
    """ms for a text that is judged for the first time, and for one that was judged before."""
    problem, fresh = PROBLEMS[0], count()
    text = "\n".join(problem.solution)
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        judge.verdict(text, problem)  # the process starts
        new = median_ms(lambda: judge.verdict(f"{text}\n# {next(fresh)}", problem), 20 * repeats)
        again = median_ms(lambda: judge.verdict(text, problem), 20 * repeats)
    return new, again


def ply(lines: int, repeats: int) -> float:
    """ms of a ply of one of 32 games on files of so many lines, half of which are complete; nothing is judged."""
    goal_lines = tuple(f"    value_{i} = compute({i}, other[{i * 7 % 5}])" for i in range(lines))
    half, fresh = lines // 2, count()
    root = State(goal_lines[:half], 1, unedited(half), unedited(half), last_known_line=half - 1)

    def games() -> None:
        goal, seed = Goal(goal_lines), next(fresh)
        specs = [RolloutSpec(root, goal, PEOPLE["likes_code"], f"{seed}/{i}") for i in range(GAMES)]
        run_rollouts(specs, RandomAssistant(), NoisyOracle(), horizon=PLIES // 2)

    return median_ms(games, repeats) / (GAMES * PLIES)


def epochs(repeats: int) -> tuple[float, float, float]:
    """Of an epoch of self-play: seconds, CPU seconds of this process, and of the judge's processes."""
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        sessions = simulate([PEOPLE["likes_code"]], 12, RandomAssistant(), judge=judge, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(checkpoint_dir=Path(folder) / "run", pv_dir=Path(folder) / "models")
        policies = TrainingNetworks.fresh(config.model, config.featurizer, 0)
        data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
        phase = ZeroStylePhase(policies, sessions, data, range(len(sessions)), config)
        children = _children()
        wall, cpu = [], []
        for _ in range(repeats):
            start, used = time.perf_counter(), time.process_time()
            phase.begin()
            while phase.step():
                pass
            phase.finish()
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(cpu), (_children() - children) / repeats


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(options: argparse.Namespace) -> None:
    """Measures and prints the table."""
    repeats = options.repeats
    torch.set_num_threads(1)
    new, again = judging(repeats)
    wall, cpu, children = epochs(repeats)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print("| what | median |\n|---|---|")
    print(f"| a text judged (fork, compile, {len(PROBLEMS[0].cases)} cases) | {new:.1f} ms |")
    print(f"| a text judged before | {1e3 * again:.0f} µs |")
    for lines in (30, 300):
        print(f"| a ply without judging, {GAMES} games, goals of {lines} lines | {ply(lines, repeats):.2f} ms |")
    print(f"| an epoch of self-play | {wall:.1f} s, {cpu:.1f} s of CPU, {children:.1f} s in the judge's processes |")
    print(f"| memory | {memory:.2f} GiB at most |")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
