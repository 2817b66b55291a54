"""A training that is killed (SIGKILL) at random moments: no file is torn, it can go on, and the end is the same."""

import json
import random
import time
from dataclasses import replace

import pytest
import torch

from config import BCConfig, FeaturizerConfig, ModelConfig, PPOConfig, TrainConfig, ZeroStyleConfig
from models import store
from state_adapter import read_episodes
from tests.python_processes import CONTEXT
from training.train_from_episodes import train_from_episodes
from training.zero_style import retention


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


def train(config, episodes):
    retention.STEPS = 12
    train_from_episodes(config, episodes)


def start(function, *arguments):
    """A process that has torch loaded already, so that a kill falls into the function and not into imports."""
    process = CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


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
@pytest.mark.usefixtures("_warm")
def test_killed_at_random_moments(tmp_path, sample_sessions, kills):
    chance = random.Random(7)
    episodes = [
        replace(episode, states=episode.states[:15], actions=episode.actions[:15])
        for episode in read_episodes(sample_sessions)[0]
    ]
    start(int).join()  # until all is loaded
    begun = time.monotonic()
    start(train, tiny(tmp_path / "straight", resume=False), episodes).join()
    duration, expected = time.monotonic() - begun, weights(tmp_path / "straight")
    killed = number = 0
    while killed < kills:
        number += 1
        folder = tmp_path / str(number)
        for _ in range(chance.randint(1, 3)):  # some runs are killed more than once
            process = start(train, tiny(folder, resume=True), episodes)
            process.join(chance.uniform(0, duration))
            process.kill()
            process.join()
            killed += process.exitcode < 0
            assert_nothing_is_torn(folder)
        process = start(train, tiny(folder, resume=True), episodes)
        process.join()
        assert process.exitcode == 0
        assert_nothing_is_torn(folder)
        ended = weights(folder)
        assert all(torch.equal(value, ended[key]) for key, value in expected.items())
