"""Every head learns what there is to learn, through the product's own cloning phase, and knows it on fresh states.

Learning and measuring never share a state: both are drawn by the rules of `tasks`, with other seeds. Each check says
what a constant answer would have reached, so that its number means something. Not here: the assistant's learning from
rewards (`reinforcement.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actions import Decision
from config import BCConfig
from inference import decide
from models import Models
from state_adapter import Action, Episode
from training.bc.cloning_phase import CloningPhase
from training.data import transitions
from training.data.transitions import Dataset
from training.networks.predictions import PolicyPredictions, Predictor
from training.networks.training_networks import TrainingNetworks
from verify.check import THRESHOLDS, Check, CheckSettings, Result
from verify.network import fresh_policies
from verify.tasks import Labelled, labelled

WARM_UP = 20
"""Steps until the learning rate is at its height."""


@dataclass(frozen=True)
class Pace:
    """How one fit goes: steps, states in a step, and the height of the learning rate by backbone.

    The transformer's layers are normalised last and bear less. Rules are found in many small steps, exact numbers in
    larger ones.
    """

    steps: int
    batch_size: int
    transformer: float
    recurrent: float

    def rate(self, backbone: str, step: int) -> float:
        """Up in `WARM_UP` steps, then down to 0 along a cosine."""
        height = self.transformer if backbone == "lg_transformer" else self.recurrent
        return height * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * min(step / self.steps, 1.0)))


CLONING = Pace(steps=240, batch_size=8, transformer=8e-4, recurrent=2e-3)
VALUE = Pace(steps=176, batch_size=12, transformer=2e-3, recurrent=4e-3)
GOAL = Pace(steps=232, batch_size=32, transformer=2e-3, recurrent=4e-3)


def bc_overfit(settings: CheckSettings, pace: Pace = CLONING) -> Result:
    """The human policy learns decision and line; accuracy on fresh states of what argmax takes.

    The decision follows from a word on the cursor's line, the line from who edited what when, so that neither can be
    had without text, attribution, cursor and lines that know of each other. line_acc counts states with a line.
    """
    train, fresh = _draws(settings, "bc", pace)
    data = _recorded(train, fresh_policies(settings, settings.backbones[0], "bc"))
    config = BCConfig(start_anchor=0.0, value_weight=0.0, goal_weight=0.0)  # nothing holds it to where it began
    action, line = {}, {}
    for backbone in settings.backbones:
        # The default backbone at its default size; the others shallow, which they learn as well in half the time.
        size = settings if backbone == "lg_transformer" else settings.shallow()
        policies = _cloned(size, backbone, data, config, pace)
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


def value_regression(settings: CheckSettings, pace: Pace = VALUE) -> Result:
    """The value head learns the return of an episode; root of the mean squared error on fresh states."""
    train, fresh = _draws(settings, "value", pace)
    config = BCConfig(value_weight=4.0, goal_weight=0.0)
    answers = _regression(settings.narrow(), train, fresh, config, pace)
    rmse = {name: math.sqrt(_mean_square(predictions.value, fresh.value)) for name, predictions in answers.items()}
    worst, constant, seen = max(rmse.values()), float(fresh.value.std()), _seen(train, fresh)
    return {
        "passed": worst <= THRESHOLDS["value_rmse_le"] and constant > 4 * THRESHOLDS["value_rmse_le"] and not seen,
        "value_rmse": worst,
        "value_rmse_by_backbone": rmse,
        "constant_rmse": constant,
        "measured_on": len(fresh.states),
        "of_these_trained_on": seen,
    }


def goal_regression(settings: CheckSettings, pace: Pace = GOAL) -> Result:
    """The goal head learns eight numbers; mean squared error on fresh states."""
    train, fresh = _draws(settings, "goal", pace)
    config = BCConfig(value_weight=0.0, goal_weight=8.0)
    error = {
        name: _mean_square(predictions.goal, fresh.goal)
        for name, predictions in _regression(settings, train, fresh, config, pace).items()
    }
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
    settings: CheckSettings, train: Labelled, fresh: Labelled, config: BCConfig, pace: Pace
) -> dict[str, PolicyPredictions]:
    """What each backbone's network says of the fresh states, once it has learned the targets of the others.

    The networks are shallow: the targets are sums over lines.
    """
    settings = settings.shallow()
    fresh_policy = fresh_policies(settings, settings.backbones[0], "regression")
    data, measured = (_with_targets(_recorded(task, fresh_policy), task) for task in (train, fresh))
    answers = {}
    for backbone in settings.backbones:
        policies = _cloned(settings, backbone, data, config, pace)
        answers[backbone] = Predictor(policies.human, policies.featurizer, legal_only=False).predict(
            measured.encoded, measured.steps
        )
    return answers


def _mean_square(predicted: Tensor, right: NDArray[np.float32]) -> float:
    return float((predicted - torch.from_numpy(right)).square().mean())


def _draws(settings: CheckSettings, name: str, pace: Pace) -> tuple[Labelled, Labelled]:
    """States to learn from, each in one step only, and fresh ones to measure on."""
    return (
        labelled(pace.steps * pace.batch_size, settings.seed_of(name, "train")),
        labelled(settings.held_out, settings.seed_of(name, "fresh")),
    )


def _seen(train: Labelled, fresh: Labelled) -> int:
    """How many of the states measured on were trained on."""
    trained_on = {(state.lines, state.human.tobytes(), state.assistant.tobytes()) for state in train.states}
    return sum((state.lines, state.human.tobytes(), state.assistant.tobytes()) in trained_on for state in fresh.states)


def _recorded(task: Labelled, policies: TrainingNetworks) -> Dataset:
    """The human's decisions on the task's states, one after the other, as the product's data set."""
    decided = zip(task.decision.tolist(), task.line.tolist(), strict=True)
    moves = (None, *(Action("H", Decision(decision), line, recorded=True) for decision, line in decided))
    episode = Episode("fitting", "verify", None, (*task.states, task.states[-1]), moves)
    return transitions.build_dataset([episode], policies.featurizer)


def _with_targets(data: Dataset, task: Labelled) -> Dataset:
    """The same as decisions of the assistant, each worth the task's value, with the task's goal."""
    steps, nobody = data.steps, torch.zeros(len(data.steps), dtype=torch.bool)
    steps = replace(steps, is_human=nobody, next_human=torch.full_like(steps.next_human, -1))
    return replace(data, steps=replace(steps, reward=torch.from_numpy(task.value), goal=torch.from_numpy(task.goal)))


def _cloned(settings: CheckSettings, backbone: str, data: Dataset, config: BCConfig, pace: Pace) -> TrainingNetworks:
    """Fresh networks after one epoch of the cloning phase on `data`."""
    policies = fresh_policies(settings, backbone, "fitting")
    config = replace(config, epochs=1, batch_size=pace.batch_size, weight_decay=0.0)
    seed = settings.seed_of("order")
    with torch.random.fork_rng(devices=[]):  # the phase seeds the global generator
        # Nothing follows from one drawn state for the next: a return is the reward, nothing is discounted.
        cloning = CloningPhase(policies, data, {0}, set(), config, gamma=0.0, seed=seed)
        cloning.begin()
        more, step = True, 0
        while more:
            cloning.optimizer.learning_rate = pace.rate(backbone, step)
            more, step = cloning.step(), step + 1
    return policies


CHECKS = (
    Check("bc_overfit", bc_overfit, ("action_acc", "line_acc")),
    Check("value_regression", value_regression, ("value_rmse",)),
    Check("goal_regression", goal_regression, ("goal_mse",)),
)
