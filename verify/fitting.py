"""Every head learns what there is to learn, through the product's own cloning phase, and knows it on fresh states.

Learning and measuring never share a state: both are drawn by the rules of `tasks`, with other seeds. Each check says
what a constant answer would have reached, so that its number means something. Not here: the assistant's learning from
rewards (`reinforcement.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from actions import Decision
from config import BCConfig
from inference import decide
from models import Models
from state_adapter import Episode, Move
from training import dataset
from training.answers import answer
from training.behaviour_cloning import Cloning
from training.dataset import Dataset
from training.policies import Policies
from verify.check import THRESHOLDS, Check, Result, Settings
from verify.network import fresh_policies
from verify.tasks import Labelled, labelled

BATCH_SIZE, WARM_UP = 8, 20
"""Many small steps learn a simple rule sooner than few large ones; steps until the learning rate is at its height."""

RATES = {"lg_transformer": 7e-4, "lstm": 2e-3, "bigru": 2e-3}
"""Height of the learning rate; the transformer's layers are normalised last and bear less."""


def bc_overfit(settings: Settings, steps: int = 320) -> Result:
    """The human policy learns decision and line; accuracy of the most probable pair on fresh states.

    The decision follows from a word on the cursor's line, the line from who edited what when, so that neither can be
    had without text, attribution, cursor and lines that know of each other. line_acc counts states with a line.
    """
    train, fresh = _draws(settings, "bc", steps)
    data = _recorded(train, fresh_policies(settings, settings.backbones[0], "bc"))
    config = BCConfig(line_weight=0.25, value_weight=0.0, goal_weight=0.0)
    action, line = {}, {}
    for backbone in settings.backbones:
        policies = _cloned(settings, backbone, data, config, "bc")
        models = Models(policies.human, policies.assistant, policies.featurizer, {}, "verify")
        records = decide(fresh.states, models, agent="human")
        action[backbone] = float(np.mean([r.decision for r in records] == fresh.decision))
        lines = np.array([r.line for r in records])
        line[backbone] = float(np.mean((lines == fresh.line)[fresh.decision > 0]))
    action_acc, line_acc, seen = min(action.values()), min(line.values()), _seen(train, fresh)
    good = action_acc >= THRESHOLDS["bc_action_acc_ge"] and line_acc >= THRESHOLDS["bc_line_acc_ge"]
    return {
        "passed": good and not seen,
        "action_acc": action_acc,
        "line_acc": line_acc,
        "action_acc_by_backbone": action,
        "line_acc_by_backbone": line,
        "most_frequent_decision_acc": float(np.bincount(fresh.decision).max() / len(fresh.decision)),
        "measured_on": len(fresh.states),
        "of_these_trained_on": seen,
    }


def value_regression(settings: Settings, steps: int = 256) -> Result:
    """The value head learns the return of an episode; root of the mean squared error on fresh states."""
    train, fresh = _draws(settings, "value", steps)
    config = BCConfig(value_weight=4.0, goal_weight=0.0)
    error = _regression(settings, train, fresh, config, lambda models, data: _value_errors(models, data, fresh))
    rmse = {backbone: math.sqrt(mse) for backbone, mse in error.items()}
    worst, constant, seen = max(rmse.values()), float(fresh.value.std()), _seen(train, fresh)
    return {
        "passed": worst <= THRESHOLDS["value_rmse_le"] and constant > 4 * THRESHOLDS["value_rmse_le"] and not seen,
        "value_rmse": worst,
        "value_rmse_by_backbone": rmse,
        "constant_rmse": constant,
        "measured_on": len(fresh.states),
        "of_these_trained_on": seen,
    }


def goal_regression(settings: Settings, steps: int = 448) -> Result:
    """The goal head learns eight numbers; mean squared error on fresh states."""
    train, fresh = _draws(settings, "goal", steps)
    config = BCConfig(value_weight=0.0, goal_weight=8.0)
    error = _regression(settings, train, fresh, config, lambda models, data: _goal_errors(models, data, fresh))
    worst, constant, seen = max(error.values()), float(fresh.goal.var(axis=0).min()), _seen(train, fresh)
    return {
        "passed": worst <= THRESHOLDS["goal_mse_le"] and constant > 16 * THRESHOLDS["goal_mse_le"] and not seen,
        "goal_mse": worst,
        "goal_mse_by_backbone": error,
        "constant_mse": constant,
        "measured_on": len(fresh.states),
        "of_these_trained_on": seen,
    }


def _regression(
    settings: Settings, train: Labelled, fresh: Labelled, config: BCConfig, error: Callable[[Policies, Dataset], float]
) -> dict[str, float]:
    """Mean squared error on fresh states, by backbone."""
    policies = fresh_policies(settings, settings.backbones[0], "regression")
    data, measured = (_with_targets(_recorded(some, policies), some) for some in (train, fresh))
    learned = {name: _cloned(settings, name, data, config, "regression") for name in settings.backbones}
    return {name: error(policies, measured) for name, policies in learned.items()}


def _value_errors(policies: Policies, data: Dataset, fresh: Labelled) -> float:
    answers = answer(policies.human, policies.featurizer, data.encoded, data.steps, bound=False)
    return float((answers.value - torch.from_numpy(fresh.value)).square().mean())


def _goal_errors(policies: Policies, data: Dataset, fresh: Labelled) -> float:
    answers = answer(policies.human, policies.featurizer, data.encoded, data.steps, bound=False)
    return float((answers.goal - torch.from_numpy(fresh.goal)).square().mean())


def _draws(settings: Settings, name: str, steps: int) -> tuple[Labelled, Labelled]:
    """States to learn from, each in one step only, and fresh ones to measure on."""
    return (
        labelled(steps * BATCH_SIZE, settings.seed_of(name, "train")),
        labelled(settings.held_out, settings.seed_of(name, "fresh")),
    )


def _seen(train: Labelled, fresh: Labelled) -> int:
    """How many of the states measured on were trained on."""
    known = {(state.lines, state.human.tobytes(), state.assistant.tobytes()) for state in train.states}
    return sum((state.lines, state.human.tobytes(), state.assistant.tobytes()) in known for state in fresh.states)


def _recorded(task: Labelled, policies: Policies) -> Dataset:
    """Episodes of one human decision each, as the product's data set."""
    episodes = []
    for i, state in enumerate(task.states):
        move = Move("H", Decision(int(task.decision[i])), int(task.line[i]), recorded=True)
        episodes.append(Episode(str(i), "verify", None, (state, replace(state, t=state.t + 1)), (None, move)))
    return dataset.build(episodes, policies.featurizer)


def _with_targets(data: Dataset, task: Labelled) -> Dataset:
    """The same states as episodes of one assistant's decision, worth the task's value, with the task's goal."""
    steps, nobody = data.steps, torch.zeros(len(data.steps), dtype=torch.bool)
    steps = replace(steps, by_human=nobody, next_human=torch.full_like(steps.next_human, -1))
    return replace(
        data, steps=replace(steps, reward=torch.from_numpy(task.value), goal=torch.from_numpy(task.goal))
    )


def _cloned(settings: Settings, backbone: str, data: Dataset, config: BCConfig, purpose: str) -> Policies:
    """Fresh networks after one epoch of the cloning phase on `data`; the learning rate warms up and falls to 0."""
    policies = fresh_policies(settings, backbone, purpose)
    config = replace(config, epochs=1, batch_size=BATCH_SIZE, weight_decay=0.0)
    with torch.random.fork_rng(devices=[]):  # the phase seeds the global generator
        seed = settings.seed_of(purpose, "order")
        cloning = Cloning(policies, data, set(range(len(data.ids))), set(), config, gamma=1.0, seed=seed)
        cloning.begin()
        more, step = True, 0
        while more:
            cloning.optimiser.learning_rate = RATES[backbone] * _schedule(step, cloning.total_steps)
            more, step = cloning.step(), step + 1
    return policies


def _schedule(step: int, total: int) -> float:
    """Up to 1 in `WARM_UP` steps, then down to 0 along a cosine."""
    return min(1.0, (step + 1) / WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * min(step / total, 1.0)))


CHECKS = (
    Check("bc_overfit", bc_overfit, ("action_acc", "line_acc")),
    Check("value_regression", value_regression, ("value_rmse",)),
    Check("goal_regression", goal_regression, ("goal_mse",)),
)
