"""What each part of a training costs, in one process and in several, and what a million sessions would cost like that.

    python -m benchmarks.scaling RECORDINGS [--processes 2] [--times 3] [--copies 1] [--batch ROWS] [--device cpu]

RECORDINGS: a folder of snapshots. The parts are those of `train_from_episodes` with its defaults, one epoch of each
phase, PPO with all transitions. Rates are by seconds of a core's time (on a GPU of the clock), which a busy machine
changes little. The gain of several processes is by the clock, from barrier to barrier, and means something on as many
idle cores alone; beside it is the share of the core's time that is left to each of them. Every repetition is in fresh
processes, one and several in turn. Not here: what is learned.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.scaling(__doc__))

import argparse
import gc
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from benchmarks.arguments import run_study
from config import TrainConfig
from state_adapter import Episode, read_episodes
from training.bc.cloning_phase import CloningPhase
from training.data import transitions
from training.distributed.process_group import DistributedContext, init_distributed
from training.evaluation.held_out_report import Baselines
from training.losses.returns import returns_to_go
from training.networks.initialisation import initialise_human_policy
from training.networks.predictions import ReferenceLogProbs, line_counts
from training.networks.training_networks import TrainingNetworks
from training.ppo.ppo_phase import PPOPhase
from training.runs.requirements import usable_device
from training.zero_style.zero_style_phase import ZeroStylePhase

T = TypeVar("T")

PARTS = {
    "read": "states", "prepare": "states", "cloning: answers": "rows", "cloning: steps": "rows",
    "ppo: answers": "rows", "ppo: steps": "rows", "self-play: games": "games", "self-play: steps": "rows",
}  # fmt: skip
"""What is timed, and what it is counted in. answers: what an epoch reads off all rows before its steps."""


@dataclass
class Costs:
    """Of one process, by part: seconds of the clock, seconds of a core, and how many were done by all processes.

    peak: MB in memory at most. exchange: seconds of adding up a gradient of so many MB.
    """

    sessions: int = 0
    clock: dict[str, float] = field(default_factory=dict)
    core: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    peak: float = 0.0
    exchange: tuple[float, float] = (0.0, 0.0)

    def timed(self, part: str, distributed: DistributedContext, call: Callable[[], T]) -> T:
        """What the call returns; from when all processes have begun to when all are done."""
        distributed.any_rank(False)
        clock, core = time.perf_counter(), _core_seconds()
        result = call()
        self.core[part] = _core_seconds() - core
        distributed.any_rank(False)
        self.clock[part] = time.perf_counter() - clock
        return result


def costs(folder: Path, copies: int, device: str, batch: int | None = None) -> Costs:
    """Of this process, on the recordings as if there were `copies` of each. Under a launcher, of its share.

    batch: rows of a minibatch, by default those of the configuration.
    """
    torch.set_num_threads(1)
    cost, device = Costs(), DistributedContext.from_environment().device_name(device)
    with init_distributed() as context:
        distributed = context.on_device(device)
        usable_device(device)
        episodes = cost.timed("read", distributed, lambda: [
            replace(episode, id=f"{episode.id}-{k}") for k in range(copies) for episode in read_episodes(folder)[0]
        ])  # fmt: skip
        cost.sessions = len(episodes)
        config = TrainConfig(Path(), Path())
        if batch is not None:
            bc, ppo = replace(config.bc, batch_size=batch), replace(config.ppo, batch_size=batch)
            config = replace(config, bc=bc, ppo=ppo)
        learn(cost, episodes, config, distributed, torch.device(device))
        unit = 1e6 if sys.platform == "darwin" else 1e3
        cost.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return cost


def learn(
    cost: Costs,
    episodes: Sequence[Episode],
    config: TrainConfig,
    distributed: DistributedContext,
    device: torch.device,
) -> None:
    """Times an epoch of each phase."""
    policies = TrainingNetworks.fresh(config.model, config.featurizer, config.seed)
    data = cost.timed(
        "prepare", distributed, lambda: transitions.build_dataset(episodes, policies.featurizer, config.rewards)
    )
    train = set(range(len(episodes)))
    steps = data.select_episodes(train)
    initialise_human_policy(policies.human, data, steps, returns_to_go(steps, config.ppo.gamma))
    policies.to(device)
    cloning = CloningPhase(
        policies, data, train, set(), config.bc, gamma=config.ppo.gamma, seed=0, distributed=distributed
    )
    cost.timed("cloning: answers", distributed, cloning.begin)
    cost.timed("cloning: steps", distributed, lambda: _through(cloning.step))
    gradient = torch.zeros(sum(cloning.optimizer.sizes), device=device)
    cost.timed("exchange", distributed, lambda: [distributed.all_reduce_sum(gradient) for _ in range(20)])
    cost.exchange = cost.clock["exchange"] / 20, gradient.numel() * 4 / 1e6
    behaviour = Baselines.from_steps(steps).behaviour
    policies.initialise_assistant(behaviour.decision_log_prior(), 0)
    everything = replace(config.ppo, target_kl=float("inf"), steps=config.ppo.passes * len(steps))

    def begun() -> PPOPhase:
        phase = PPOPhase(policies, data, train, behaviour, everything, seed=0, distributed=distributed)
        phase.begin()
        return phase

    ppo = cost.timed("ppo: answers", distributed, begun)
    cost.timed("ppo: steps", distributed, lambda: _through(ppo.step))
    games = ZeroStylePhase(policies, episodes, data, sorted(train), config, distributed=distributed)
    cost.timed("self-play: games", distributed, games.begin)
    cost.timed("self-play: steps", distributed, lambda: _through(games.step))
    states, rows = len(data.encoded), len(ppo.update.steps)
    counts = states, states, len(steps), len(steps), rows, _rows(ppo.update.loop.batches)
    cost.counts = dict(
        zip(PARTS, (*counts, int(games.rollout_metrics["games"]), _rows(games.loop.batches)), strict=True)
    )


def _rows(batches: Sequence[Tensor]) -> int:
    return sum(map(len, batches))


def _through(step: Callable[[], bool]) -> None:
    while step():
        pass


def _core_seconds() -> float:
    """Of this process and of those that it has started and seen the end of."""
    return sum(os.times()[:4])


def memory_per_session(folder: Path) -> tuple[float, float, float]:
    """kB a session that stay in memory: its episode, its part of the data set, and of PPO's two references."""
    config = TrainConfig(Path(), Path())
    featurizer = TrainingNetworks.fresh(config.model, config.featurizer, 0).featurizer
    transitions.build_dataset(read_episodes(folder)[0], featurizer)  # fills what is in memory once, whatever the number
    gc.collect()
    tracemalloc.start()
    episodes, _ = read_episodes(folder)
    gc.collect()
    read = tracemalloc.get_traced_memory()[0]
    data = transitions.build_dataset(episodes, featurizer)
    gc.collect()
    prepared = tracemalloc.get_traced_memory()[0] - read
    tracemalloc.stop()
    prepared += sum(value.nbytes for value in vars(data.steps).values() if isinstance(value, Tensor))
    rows = data.select_episodes(range(len(episodes)), is_human=False).state_index
    references = 2 * ReferenceLogProbs(rows, line_counts(data.encoded, rows)).values.nbytes
    count = 1e3 * len(episodes)
    return read / count, prepared / count, references / count


def measured(arguments: argparse.Namespace, processes: int) -> Costs:
    """What rank 0 of a run of so many processes found."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out.json")
        words = ["-m", "benchmarks.scaling", str(arguments.recordings), "--copies", str(arguments.copies)]
        words += ["--device", arguments.device, "--worker", str(out)]
        if arguments.batch:
            words += ["--batch", str(arguments.batch)]
        running = []
        for rank in range(processes):
            place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)}
            place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
            running.append(subprocess.Popen([sys.executable, *words], env={**os.environ, **place}))
        ends = [process.wait() for process in running]
        if any(ends):
            raise SystemExit("a process has failed")
        return Costs(**json.loads(out.read_text()))


def main(options: argparse.Namespace) -> None:
    """Prints a line for each part, medians of some repetitions, and what a process holds in memory."""
    if options.worker:
        cost = costs(options.recordings, options.copies, options.device, options.batch)
        if DistributedContext.from_environment().is_main:
            options.worker.write_text(json.dumps(asdict(cost)))
        return
    episode, prepared, references = memory_per_session(options.recordings)
    print(f"in memory, kB a session: {episode:.0f} episode, {prepared:.0f} data set, {references:.0f} PPO's references")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    single, several = list[Costs](), list[Costs]()
    for _ in range(options.times):
        single.append(measured(options, 1))
        several.append(measured(options, options.processes))
    show(single, several, options)


def show(single: list[Costs], several: list[Costs], options: argparse.Namespace) -> None:
    """The table. In the last column self-play has a game for each session."""
    first, wanted = single[0], options.sessions
    seconds = "core" if options.device == "cpu" else "clock"
    print(f"{first.sessions} sessions")
    print(f"{'part':18} {'count':>7} unit     a {seconds} second  {options.processes} processes   work of each  "
          f"hours for {wanted:g} sessions")  # fmt: skip
    for part, unit in PARTS.items():
        spent = statistics.median(getattr(cost, seconds)[part] for cost in single)
        pairs = list(zip(single, several, strict=True))
        gain = statistics.median(alone.clock[part] / shared.clock[part] for alone, shared in pairs)
        work = statistics.median(shared.core[part] / max(alone.core[part], 1e-9) for alone, shared in pairs)
        count = first.counts[part]
        sessions = first.counts["self-play: games"] if part.startswith("self-play") else first.sessions
        hours = spent / sessions * wanted / 3600
        print(f"{part:18} {count:7} {unit:8} {count / spent:13.0f} {gain:11.2f}x {work:14.2f} {hours:14.1f}")
    print(f"a process has at most {statistics.median(cost.peak for cost in single):.0f} MB in memory")
    print(f"adding up a gradient of {several[0].exchange[1]:.1f} MB: "
          f"{1e3 * statistics.median(cost.exchange[0] for cost in several):.1f} ms")  # fmt: skip


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
