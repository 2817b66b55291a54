"""A training that is killed (SIGKILL) at random moments: no file is torn, it can go on, and the end is the same."""

import json
import multiprocessing
import random
import time

import pytest
import torch

from config import BCConfig, FeaturizerConfig, ModelConfig, PPOConfig, TrainConfig, ZeroStyleConfig
from models import store
from state_adapter import read_episodes
from training.train_from_episodes import train_from_episodes


def tiny(folder, *, resume):
    return TrainConfig(
        checkpoint_dir=folder / "artifacts",
        pv_dir=folder / "models",
        resume=resume,
        featurizer=FeaturizerConfig(d_in=24, char_dim=8),
        model=ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16),
        bc=BCConfig(epochs=1),
        ppo=PPOConfig(epochs=1),
        zero_style=ZeroStyleConfig(epochs=1, roots=2, horizon=2, simulations=2, passes=1),
    )


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have torch loaded already, so that a kill falls into the training and not into imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.train_from_episodes", "state_adapter"])
    return context


def weights(folder):
    models = store.load(folder / "models")
    return {f"{who}.{k}": v for who in ("human", "assistant") for k, v in getattr(models, who).state_dict().items()}


def assert_nothing_is_torn(folder):
    """Whatever stands under its own name is whole: checkpoints, the current models, the log, the resume state."""
    for place in ("artifacts", "models", "models/generations/0*"):
        for path in folder.glob(f"{place}/*.pt"):
            assert torch.load(path, weights_only=True), path
    for path in folder.glob("artifacts/train.jsonl"):
        text = path.read_text()
        assert text.endswith("\n") or not text, "a torn line"
        assert all(json.loads(line)["epoch"] >= 1 for line in text.splitlines())
    if (folder / "models").exists():
        store.load(folder / "models")  # all three or none


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_at_random_moments(tmp_path, processes, sample_sessions, kills):
    chance = random.Random(7)
    episodes, _ = read_episodes(sample_sessions)
    process = processes.Process(target=train_from_episodes, args=(tiny(tmp_path / "warm", resume=False), episodes))
    process.start()
    process.join()
    begun = time.monotonic()
    process = processes.Process(target=train_from_episodes, args=(tiny(tmp_path / "straight", resume=False), episodes))
    process.start()
    process.join()
    duration, expected = time.monotonic() - begun, weights(tmp_path / "straight")
    killed = number = 0
    while killed < kills:
        number += 1
        folder = tmp_path / str(number)
        for _ in range(chance.randint(1, 3)):  # some runs are killed more than once
            process = processes.Process(target=train_from_episodes, args=(tiny(folder, resume=True), episodes))
            process.start()
            process.join(chance.uniform(0, duration))
            process.kill()
            process.join()
            killed += process.exitcode < 0
            assert_nothing_is_torn(folder)
        process = processes.Process(target=train_from_episodes, args=(tiny(folder, resume=True), episodes))
        process.start()
        process.join()
        assert process.exitcode == 0
        assert_nothing_is_torn(folder)
        ended = weights(folder)
        assert all(torch.equal(value, ended[key]) for key, value in expected.items())
