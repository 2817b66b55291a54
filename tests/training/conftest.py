"""Small sessions and small networks, so that whole trainings run in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

import actions
from actions import Decision
from config import BCConfig, FeaturizerConfig, ModelConfig, PPOConfig, TrainConfig, ZeroStyleConfig
from state import Cursor, Env, State, never
from state_adapter import Episode, Move
from training.completer import completion, human_turn
from training.rollouts import compiles

GOAL = ("def f(xs):", "    total = 0", "    for x in xs:", "        total = total + x", "    return total")


def session(number: int, *, rounds: int = 5, likes: float = 0.8, cut_off: bool = False) -> Episode:
    """A person who writes `GOAL` while an assistant decides at random; the person keeps a share `likes` of its edits."""
    rng = Random(number)
    human = never(2).copy()
    human[0] = (0, 0, len(GOAL[0]), 1, 0, 0)
    state = State((GOAL[0], ""), 0, human, never(2), Cursor(True, 1, 0, 0), Env(False, 0, 2), last_known_line=1)
    states: list[State] = [replace(state, history=())]
    moves: list[Move | None] = [None]
    for _ in range(rounds):
        table = actions.legal([state], 160)[0]
        decision = Decision(rng.choice([d for d in range(7) if table[d].any()]))
        line = -1 if decision is Decision.NO_OP else int(rng.choice(np.flatnonzero(table[decision]).tolist()))
        text = "" if line < 0 else completion(state, decision, line, GOAL, rng)
        after = actions.apply(state, decision, line, text, by="A", t=state.t + 1)
        wrote = after.lines != state.lines
        if wrote and rng.random() > likes:
            answer = Decision.EDIT_EXISTING_LINES
        else:
            answer = Decision(rng.choice((0, 1, 2)))
        reply = human_turn(state, after, answer, after.last_known_line, goal=GOAL, rng=rng)
        for made, move in (
            (after, Move("A", decision, line, True)),
            (reply, Move("H", answer, -1 if answer is Decision.NO_OP else reply.cursor.line % len(after), True)),
        ):
            solved = made.lines[: len(GOAL)] == GOAL
            states.append(replace(made, env=Env(compiles(made.text), 2 * solved, 2), history=()))
            moves.append(move)
        state = states[-1]
    return Episode(f"session-{number}", "made up", None, tuple(states), tuple(moves), cut_off)


@pytest.fixture(scope="session")
def sessions() -> list[Episode]:
    return [session(number) for number in range(6)]


def _small_training(folder: Path) -> TrainConfig:
    model = ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, n_global_tokens=2, hidden=16, radius=8)
    return TrainConfig(
        checkpoint_dir=folder / "artifacts", pv_dir=folder / "models", model=model,
        featurizer=FeaturizerConfig(d_in=24, char_dim=8), bc=BCConfig(epochs=2, batch_size=8),
        ppo=PPOConfig(epochs=2, batch_size=8), zero_style=ZeroStyleConfig(epochs=2, roots=4, horizon=4),
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_training():
    """Settings of a training that takes a second or two, by the folder it writes to."""
    return _small_training


@pytest.fixture
def small(tmp_path: Path) -> TrainConfig:
    return _small_training(tmp_path)
