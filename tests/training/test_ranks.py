"""Several processes of one run: they learn what one process learns, end together, and leave one set of files."""

import json
import os
import pickle
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from config import FeaturizerConfig
from featurizers import Featurizer
from training import dataset
from training.run import train

PROGRAM = """
import os, pickle, signal, sys
from pathlib import Path
import torch
from cli.process import ended
from training.policies import weights_of
from training.ranks import Ranks, joined
from training.run import train

config, episodes, out, (number, rank, call) = pickle.loads(Path(sys.argv[1]).read_bytes())
plain, calls = Ranks.any, 0

def any_(self, *flags):
    global calls
    calls += 1
    if self.rank == rank and calls == call:
        os.kill(os.getpid(), number)
    return plain(self, *flags)

Ranks.any = any_

def run():
    with joined(config.device) as ranks:
        result = train(config, episodes, ranks=ranks)
        torch.save({name: weights_of(getattr(result.policies, name)) for name in ("human", "assistant", "featurizer")},
                   out / f"weights-{ranks.rank}.pt")
    return 0

sys.exit(ended(run))
"""


def launched(words, root, world=2, environment=None):
    """Starts the processes of one run as `torchrun` does; returns (exit code, stdout, stderr) of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    for rank in range(world):
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
        place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(root)}
        processes.append(subprocess.Popen(
            [sys.executable, *map(str, words)], cwd=root, env={**os.environ, **place, **(environment or {})},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ))  # fmt: skip
    said = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *one) for process, one in zip(processes, said, strict=True)]


@pytest.fixture
def run_of(root, tmp_path):
    """Trains in several processes; returns what `launched` does, and weights by rank.

    strike: the signal, the rank that gets it, and after how many steps.
    """

    def run(config, episodes, *, world=2, strike=(0, 0, 0)):
        for old in tmp_path.glob("weights-*.pt"):
            old.unlink()
        task = tmp_path / "task.pickle"
        task.write_bytes(pickle.dumps((config, episodes, tmp_path, strike)))
        ends = launched(["-c", PROGRAM, task], root, world)
        found = sorted(tmp_path.glob("weights-*.pt"))
        return ends, [torch.load(path, weights_only=True) for path in found]

    return run


def weights_of_one(config, episodes):
    """What one process ends with."""
    there = replace(config, checkpoint_dir=config.checkpoint_dir / "one", pv_dir=config.pv_dir / "one")
    policies = train(there, episodes).policies
    return {name: getattr(policies, name).state_dict() for name in ("human", "assistant", "featurizer")}


def assert_same(one, other):
    for name, weights in one.items():
        assert all(torch.equal(value, other[name][key]) for key, value in weights.items()), name


def assert_close(one, other):
    """Up to the order of sums. A bias of attention's keys moves all scores of a query alike, so its gradient is nothing
    but rounding, which Adam makes as large as any."""
    for name, weights in one.items():
        for key, value in weights.items():
            difference = (value - other[name][key]).abs()
            if key.endswith("in_proj_bias"):
                difference = torch.stack(difference.chunk(3))[[0, 2]]
            assert difference.max() < 2e-5, (name, key, difference.max())


def steps_of(episodes):
    """Rows of both agents."""
    return dataset.build(episodes, Featurizer(FeaturizerConfig())).steps


def without_dropout(config):
    """Dropout is what every process draws for itself. No self-play, whose games have seeds of their own."""
    return replace(
        config, model=replace(config.model, dropout=0.0), bc=replace(config.bc, batch_size=5),
        ppo=replace(config.ppo, batch_size=5, steps=11), zero_style=replace(config.zero_style, epochs=0),
    )


def test_two_processes_learn_what_one_does(small, sessions, session_of, run_of):
    """Minibatches of five rows, three for one process and two for the other, and of the last row, for one alone."""
    config, sessions = without_dropout(small), [*sessions[:5], session_of(9, rounds=3)]
    config = replace(config, bc=replace(config.bc, validation_share=0.0))
    assert len(steps_of(sessions)) % 5 == config.ppo.steps % 5 == 1
    ends, (first, second) = run_of(config, sessions)
    assert [code for code, *_ in ends] == [0, 0], ends
    assert_same(first, second)
    assert_close(first, weights_of_one(config, sessions))
    rows = [json.loads(line) for line in (config.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    one = [json.loads(line) for line in (config.checkpoint_dir / "one" / "train.jsonl").read_text().splitlines()]
    for row, expected in zip(rows, one, strict=True):
        numbers = {key: value for key, value in expected.items() if isinstance(value, float)}
        assert {key: row[key] for key in numbers} == pytest.approx(numbers, abs=1e-3), row["phase"]
