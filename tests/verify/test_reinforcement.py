"""PPO: each check passes on small networks, and fails when rewards, signs, or behaviour probabilities are lost."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from training.data.transitions import TransitionTable
from training.ppo import ppo_update
from training.ppo.ppo_phase import PPOPhase
from training.ppo.ppo_update import PPOUpdate
from verify import reinforcement
from verify.reinforcement import DECISIONS, LINES, Games, better_arm_probability, ppo_off_policy, ppo_toy

GAMES = Games(rounds=4, decisions=256, transformer=5e-3, recurrent=6e-3)
FEW_GAMES = dataclasses.replace(GAMES, rounds=3)
"""Enough to rise above 0.3."""
GLIMPSE = dataclasses.replace(GAMES, rounds=1, decisions=32)
SURROGATE, GAE, HOLD, LEARN = (
    ppo_update.clipped_surrogate,
    ppo_update.gae,
    PPOUpdate._collect_old_policy,
    reinforcement._learn,
)
RECORDED = TransitionTable.behaviour_log_probs


@pytest.fixture
def wider(small):
    """The checks halve the size once more."""
    return dataclasses.replace(small, model=dataclasses.replace(small.model, d_model=64, hidden=64))


def test_checks_pass(wider):
    toy, off_policy = ppo_toy(wider, GAMES), ppo_off_policy(wider)
    assert toy["passed"], toy
    assert off_policy["passed"], off_policy


def test_no_learning_is_found(wider, monkeypatch):
    monkeypatch.setattr(PPOPhase, "step", lambda phase: False)
    toy, off_policy = ppo_toy(wider, GLIMPSE), ppo_off_policy(wider)
    assert toy["pre_reward"] == toy["post_reward"]
    assert not toy["passed"]
    assert not off_policy["passed"]


def test_a_policy_that_was_good_before_is_no_proof(wider, monkeypatch):
    """What the check asks for is the rise: a number that was high before says nothing about PPO."""
    monkeypatch.setattr(reinforcement, "_expected_reward", lambda policies, task: 0.9)
    assert not ppo_toy(wider, GLIMPSE)["passed"]


def away_from_reward(log_ratio, advantage, clip):
    return SURROGATE(log_ratio, -advantage, clip)


def blind_to_reward(rewards, *others, **more):
    return GAE(torch.zeros_like(rewards), *others, **more)


def rewards_of_the_neighbour(rewards, *others, **more):
    return GAE(rewards.roll(1), *others, **more)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("clipped_surrogate", away_from_reward),
        pytest.param("gae", blind_to_reward, marks=pytest.mark.slow),
        ("gae", rewards_of_the_neighbour),
    ],
)
def test_wrong_credit_is_found(wider, monkeypatch, name, broken):
    monkeypatch.setattr(ppo_update, name, broken)
    toy = ppo_toy(wider, FEW_GAMES)
    assert not toy["passed"]
    assert toy["post_reward"] < 0.3


def learned_probability(settings, arms):
    """Of the better arm; with the lines of `LINES` it takes twice as many epochs."""
    epochs = 8 if arms is DECISIONS else 12
    return better_arm_probability(settings.shallow().narrow(), "lg_transformer", arms, epochs, size=40)[1]


def test_weights_that_are_all_one_are_found(wider, monkeypatch):
    """Old log-probabilities taken from the policy that is trained: the ratio is 1, the behaviour is forgotten."""
    assert learned_probability(wider, DECISIONS) > 0.9

    def hold(update):
        held = HOLD(update)
        return dataclasses.replace(held, weight=torch.ones_like(held.weight))

    monkeypatch.setattr(PPOUpdate, "_collect_old_policy", hold)
    assert learned_probability(wider, DECISIONS) < 0.7


def test_a_wrong_recorded_probability_is_found(wider, monkeypatch):
    def learn(policies, states, moves, rewards, **more):
        thirds = [dataclasses.replace(m, probability=1 / 3, decision_probability=1 / 3) for m in moves]
        LEARN(policies, states, thirds, rewards, **more)

    monkeypatch.setattr(reinforcement, "_learn", learn)
    assert learned_probability(wider, DECISIONS) < 0.9


def test_a_line_ratio_that_is_left_out_is_found(wider, monkeypatch):
    """There only the line tells the liked arm from the better one."""

    def recorded(steps, behaviour):
        decision, line = RECORDED(steps, behaviour)
        return decision, torch.where(steps.decision == 4, math.log(0.5), line)

    monkeypatch.setattr(TransitionTable, "behaviour_log_probs", recorded)
    assert learned_probability(wider, LINES) < 0.7
