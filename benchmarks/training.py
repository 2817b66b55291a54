"""What a training costs: against `json.loads` of the same files, in memory, and with ten times the sessions.

    python -m benchmarks.training RECORDINGS [--times 3]

RECORDINGS: a folder of snapshots. One epoch of cloning and one of PPO, loading and saving included, imports not; each
measurement in a process of its own, and a tenth of the sessions beside all of them. Not here: whether it learns.
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.training(__doc__))

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arguments import run_study


@dataclass(frozen=True)
class Cost:
    """json, reading, training: seconds. memory: peak of resident memory, MB."""

    json: float
    reading: float
    training: float
    memory: float

    @property
    def ratio(self) -> float:
        """Of a whole training to `json.loads`."""
        return (self.reading + self.training) / self.json


def parsed(files: list[Path]) -> float:
    """Seconds that `json.loads` of the files takes."""
    start = time.perf_counter()
    for file in files:
        json.loads(file.read_bytes())
    return time.perf_counter() - start


def trained(folder: Path, out: Path) -> tuple[float, float, float]:
    """Seconds of reading and of training, and the process's peak of resident memory in MB."""
    from config import TrainConfig, ZeroStyleConfig
    from state_adapter import read_episodes
    from training.train_from_episodes import train_from_episodes

    start = time.perf_counter()
    episodes, _ = read_episodes(folder)
    read = time.perf_counter()
    config = TrainConfig(checkpoint_dir=out / "run", pv_dir=out / "models", zero_style=ZeroStyleConfig(epochs=0))
    train_from_episodes(config, episodes)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return read - start, time.perf_counter() - read, memory


def measure(files: list[Path]) -> Cost:
    """Of a training on these files."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "recordings"
        folder.mkdir()
        for file in files:
            (folder / file.name).symlink_to(file.resolve())
        # A process of its own each: what one leaves in memory would count for the other.
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            seconds = pool.apply(parsed, (files,))
            return Cost(seconds, *pool.apply(trained, (folder, Path(temporary))))


def main(options: argparse.Namespace) -> None:
    """Prints one line for a tenth of the sessions and one for all, medians of some repetitions."""
    files = sorted(options.recordings.rglob("*.json"))
    totals = []
    print("sessions     json  reading  training  of json  memory")
    for sessions in (files[::10] if len(files) >= 10 else files[:1], files):
        costs = [measure(sessions) for _ in range(options.times)]
        cost = Cost(*(statistics.median(getattr(run, name) for run in costs) for name in Cost.__annotations__))
        totals.append((len(sessions), cost.reading + cost.training))
        print(f"{len(sessions):8} {cost.json:7.2f}s {cost.reading:7.2f}s {cost.training:8.2f}s {cost.ratio:7.2f}x "
              f"{cost.memory:5.0f}MB", flush=True)  # fmt: skip
    (few, short), (many, long) = totals
    print(f"{many / few:.1f} times the sessions: {long / short:.1f} times the time")


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
