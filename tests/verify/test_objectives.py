"""Each check passes, and fails when a sign or a weight is turned round somewhere in what it checks."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import line_tracking
import rewards
from training.bc import cloning_phase
from training.evaluation import held_out_report, promotion
from training.losses import auxiliary_losses
from training.ppo import ppo_update
from training.zero_style import zero_style_losses, zero_style_phase
from verify import objectives, report
from verify.check import Check
from verify.objectives import CHECKS


@pytest.fixture
def wider(small):
    """The checks halve the size once more."""
    return dataclasses.replace(small, model=dataclasses.replace(small.model, d_model=64, hidden=64))


RETENTION = {"epochs": 4, "size": 128}
"""A third of the epochs, on two thirds of the decisions."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_checks_pass(wider, check):
    result = check.run(wider, **(RETENTION if check.name == "retention_regression" else {}))
    assert result["passed"], result


def negated_term(function):
    return lambda *arguments, **options: -function(*arguments, **options)


def test_inverted_targets_of_retention_are_noticed(wider, monkeypatch):
    targets = cloning_phase.anchored_retention_targets
    monkeypatch.setattr(cloning_phase, "anchored_retention_targets", lambda share, *more: 1 - targets(share, *more))
    assert not objectives.retention_regression(wider, **RETENTION)["passed"]


def test_an_inverted_share_in_the_loss_is_noticed(wider, monkeypatch):
    loss = auxiliary_losses.retention_cross_entropy
    monkeypatch.setattr(auxiliary_losses, "retention_cross_entropy", lambda logit, share: loss(logit, 1 - share))
    assert not objectives.retention_regression(wider, **RETENTION)["passed"]


def test_an_inverted_share_in_the_recording_is_noticed(small, monkeypatch):
    share = line_tracking.surviving_share
    monkeypatch.setattr(line_tracking, "surviving_share", lambda edits, stands: 1 - share(edits, stands))
    assert not objectives.rewards(small)["passed"]


def test_a_penalty_paid_as_a_reward_is_noticed(small, monkeypatch):
    parts = rewards._retention_parts
    monkeypatch.setattr(
        rewards, "_retention_parts", lambda *arguments: {name: abs(part) for name, part in parts(*arguments).items()}
    )
    assert not objectives.rewards(small)["passed"]


def test_a_negated_self_play_loss_is_noticed(wider, monkeypatch):
    monkeypatch.setattr(zero_style_losses, "policy_cross_entropy", negated_term(zero_style_losses.policy_cross_entropy))
    assert not objectives.self_play(wider)["passed"]


def test_a_flipped_advantage_is_noticed(wider, monkeypatch):
    weights = ppo_update.advantage_weights
    monkeypatch.setattr(ppo_update, "advantage_weights", lambda advantage, *more: weights(-advantage, *more))
    assert not objectives.policy_regression(wider)["passed"]


def test_a_negated_discount_is_noticed(wider, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(zero_style_phase, "DISCOUNT", -zero_style_phase.DISCOUNT)
        assert not report.run(Check("self_play", objectives.self_play), wider)["passed"]
    run_search = objectives.run_search

    def negated(roots, model, config, randomness):
        return run_search(roots, model, dataclasses.replace(config, discount=-config.discount), randomness)

    monkeypatch.setattr(objectives, "run_search", negated)
    assert not objectives.search_backup(wider)["passed"]


def test_dropped_importance_weights_are_noticed(wider, monkeypatch):
    weights_of = held_out_report.importance_weights

    def dropped(steps, *more):
        weights = weights_of(steps, *more)
        return dataclasses.replace(weights, clipped=torch.ones_like(weights.clipped))

    monkeypatch.setattr(held_out_report, "importance_weights", dropped)
    assert not objectives.off_policy_evaluation(wider)["passed"]


def test_a_reversed_sign_in_promotion_is_noticed(small, monkeypatch):
    gain = promotion.paired_gain
    monkeypatch.setattr(promotion, "paired_gain", lambda new, old, sign=1: gain(new, old))
    assert not objectives.promotion(small)["passed"]


def test_a_promotion_that_leaves_out_retention_is_noticed(small, monkeypatch):
    worse = promotion._what_is_worse

    def without_retention(new, old):
        return worse(dataclasses.replace(new, kept_brier=()), dataclasses.replace(old, kept_brier=()))

    monkeypatch.setattr(promotion, "_what_is_worse", without_retention)
    assert objectives.promotion(small)["wrong"] == ["p(kept) is worse"]
