"""Heads that learn: each check passes on small networks, and fails when text, pairing or learning is broken."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from featurizers import EncodedStates
from models.policy import FileHead
from training.bc.cloning_phase import CloningPhase
from training.data import transitions
from training.losses.optimizer import Optimizer
from verify import fitting, tasks
from verify.check import CheckSettings
from verify.fitting import Pace, bc_overfit, goal_regression, value_regression

CLONING = Pace(steps=120, batch_size=12, transformer=5e-3, recurrent=5e-3)
LINES = Pace(steps=80, batch_size=8, transformer=5e-3, recurrent=5e-3)
"""Decisions are not cloned yet; their lines are."""
CLONING_OF_ANY_SEED = Pace(steps=400, batch_size=8, transformer=2e-3, recurrent=5e-3)
VALUE = Pace(steps=120, batch_size=12, transformer=6e-3, recurrent=6e-3)
GOAL = Pace(steps=320, batch_size=32, transformer=6e-3, recurrent=1e-2)
GLIMPSE = Pace(steps=1, batch_size=64, transformer=1e-3, recurrent=1e-3)
BATCH, FORWARD, BUILD = EncodedStates.batch, FileHead.forward, transitions.build_dataset
SEED_OF, WITH_TARGETS = CheckSettings.seed_of, fitting._with_targets


@pytest.fixture
def wider(small):
    """The regressions halve the size once more."""
    return dataclasses.replace(small, model=dataclasses.replace(small.model, d_model=64, hidden=64))


@pytest.fixture
def shallow(wider):
    """Cloning asks for more width than depth."""
    return dataclasses.replace(wider, model=dataclasses.replace(wider.model, n_layers=1))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_cloning_passes_whatever_the_seed(shallow, seed):
    result = bc_overfit(dataclasses.replace(shallow, seed=seed), CLONING_OF_ANY_SEED if seed else CLONING)
    assert result["passed"], result


@pytest.mark.parametrize(
    ("check", "pace"), [(value_regression, VALUE), pytest.param(goal_regression, GOAL, marks=pytest.mark.slow)]
)
def test_regressions_pass(wider, check, pace):
    result = check(wider, pace)
    assert result["passed"], result


def test_no_learning_is_found(small, monkeypatch):
    monkeypatch.setattr(CloningPhase, "step", lambda phase: False)
    action_acc, line_acc = (bc_overfit(small, GLIMPSE)[key] for key in ("action_acc", "line_acc"))
    assert action_acc < 0.5
    assert line_acc < 0.5
    assert value_regression(small, GLIMPSE)["value_rmse"] > 0.3
    assert goal_regression(small, GLIMPSE)["goal_mse"] > 0.03


def test_learning_upwards_is_found(small, monkeypatch):
    step = Optimizer.step
    monkeypatch.setattr(Optimizer, "step", lambda optimizer, loss, where: step(optimizer, -loss, where))
    pace = dataclasses.replace(VALUE, steps=20)
    assert not value_regression(small, pace)["passed"]
    assert not goal_regression(small, pace)["passed"]


def without_text(encoded, *given, **more):
    batch = BATCH(encoded, *given, **more)
    return dataclasses.replace(batch, text_values=torch.zeros_like(batch.text_values))


def without_scalars(encoded, *given, **more):
    batch = BATCH(encoded, *given, **more)
    return dataclasses.replace(batch, scalars=torch.zeros_like(batch.scalars))


@pytest.mark.parametrize(
    ("broken", "key"), [(without_text, "action_acc"), pytest.param(without_scalars, "line_acc", marks=pytest.mark.slow)]
)
def test_a_network_without_part_of_its_input_is_found(shallow, monkeypatch, broken, key):
    monkeypatch.setattr(EncodedStates, "batch", broken)
    result = bc_overfit(shallow, CLONING)
    assert not result["passed"]
    assert result[key] < 0.7


def test_lines_counted_from_one_are_found(shallow, monkeypatch):
    def build(episodes, featurizer):
        data = BUILD(episodes, featurizer)
        lines = torch.from_numpy(data.encoded.lengths())[data.steps.state_index]
        moved = torch.where(data.steps.decision > 0, (data.steps.line + 1) % lines, 0)
        return dataclasses.replace(data, steps=dataclasses.replace(data.steps, line=moved))

    monkeypatch.setattr(transitions, "build_dataset", build)
    result = bc_overfit(shallow, LINES)
    assert not result["passed"]
    assert result["line_acc"] < 0.5


@pytest.mark.parametrize("check", [bc_overfit, value_regression, goal_regression])
def test_measuring_on_what_was_trained_on_is_found(small, monkeypatch, check):
    monkeypatch.setattr(CheckSettings, "seed_of", lambda settings, *what: SEED_OF(settings, what[0]))
    result = check(dataclasses.replace(small, held_out=64), GLIMPSE)
    assert result["of_these_trained_on"] == 64
    assert not result["passed"]


def no_better_than_a_constant(settings):
    value = value_regression(settings, dataclasses.replace(VALUE, steps=30))
    goal = goal_regression(settings, dataclasses.replace(VALUE, steps=50, batch_size=24))
    return value["value_rmse"] > 0.8 * value["constant_rmse"] and goal["goal_mse"] > 0.8 * goal["constant_mse"]


def test_a_short_run_is_better_than_a_constant(wider):
    """So that the next two tests say something."""
    assert not no_better_than_a_constant(wider)


def test_targets_of_other_states_are_found(wider, monkeypatch):
    def with_targets(data, task):
        return WITH_TARGETS(data, dataclasses.replace(task, value=task.value[::-1].copy(), goal=task.goal[::-1].copy()))

    monkeypatch.setattr(fitting, "_with_targets", with_targets)
    assert no_better_than_a_constant(wider)


def test_heads_that_read_nothing_are_found(wider, monkeypatch):
    monkeypatch.setattr(FileHead, "forward", lambda head, summary: FORWARD(head, 0.0 * summary))
    assert no_better_than_a_constant(wider)


def test_targets_that_are_all_the_same_are_found(small, monkeypatch):
    """A constant is learned by any head: the error is small, and the check does not take it for an answer."""
    monkeypatch.setattr(tasks, "value_of", lambda state: 0.0)
    monkeypatch.setattr(tasks, "goal_of", lambda state: torch.zeros(8).numpy())
    pace = dataclasses.replace(VALUE, steps=40)
    value, goal = value_regression(small, pace), goal_regression(small, pace)
    assert value["value_rmse"] < 0.05
    assert goal["goal_mse"] < 1e-3
    assert not value["passed"]
    assert not goal["passed"]
