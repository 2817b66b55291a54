"""Small sessions and small networks, so that whole trainings run in seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config import BCConfig, FeaturizerConfig, ModelConfig, PPOConfig, TrainConfig, ZeroStyleConfig
from simulation.assistants import RandomAssistant
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle
from simulation.rollout import RolloutSpec, run_rollouts
from simulation.scripted_people import ScriptedPerson, acceptance_rates
from state import Cursor, Env, State, unedited
from training.data.transitions import build_dataset
from training.networks.training_networks import TrainingNetworks

LINES = ("def f(xs):", "    total = 0", "    for x in xs:", "        total = total + x", "    return total")


def session(number, *, rounds=5, likes=0.8, cut_off=False):
    """A person who writes `LINES` while an assistant decides at random; right code of its is kept with `likes`."""
    human = unedited(2).copy()
    human[0] = (0, 0, len(LINES[0]), 1, 0, 0)
    state = State((LINES[0], ""), 0, human, unedited(2), Cursor(True, 1, 0, 0), last_known_line=1)
    keeps = acceptance_rates(fill=likes, line=likes, lines=likes, edit=likes, comments=likes, mistakes=0.5 * likes)
    person = ScriptedPerson("made up", keeps)
    game = RolloutSpec(state, Goal(LINES), person, f"session {number}")
    (played,) = run_rollouts([game], RandomAssistant(), NoisyOracle(), horizon=rounds)
    states = tuple(replace(one, env=_judged(one)) for one in played.states)
    return replace(played, id=f"session-{number}", source="made up", states=states, cut_off=cut_off)


def _judged(state):
    try:
        compile(state.text, "<state>", "exec")
    except SyntaxError:
        return Env(False, 0, 2)
    return Env(True, 2 * (state.lines[: len(LINES)] == LINES), 2)


@pytest.fixture(scope="session", autouse=True)
def _games_have_one_judge(one_judge):
    """See `one_judge`."""


@pytest.fixture(scope="session")
def session_of():
    """Makes a session: its number, its `rounds`, how much help the person `likes`, whether it is `cut_off`."""
    return session


@pytest.fixture(scope="session")
def sessions():
    return [session(number) for number in range(6)]


def _small_training(folder):
    model = ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, n_global_tokens=2, hidden=16, radius=8)
    return TrainConfig(
        checkpoint_dir=folder / "artifacts", pv_dir=folder / "models", model=model,
        featurizer=FeaturizerConfig(d_in=24, char_dim=8), bc=BCConfig(epochs=2, batch_size=8),
        ppo=PPOConfig(epochs=2, batch_size=8), zero_style=ZeroStyleConfig(epochs=2, roots=4, horizon=4, simulations=4),
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_training():
    """Settings of a training that takes a second or two, by the folder it writes to."""
    return _small_training


@pytest.fixture
def small(tmp_path):
    return _small_training(tmp_path)


@pytest.fixture
def fresh(small, sessions):
    """Networks that have not learned yet, and the sessions as tensors."""
    networks = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    return networks, build_dataset(sessions, networks.featurizer)
