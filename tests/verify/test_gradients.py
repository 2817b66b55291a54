"""Gradients: the check passes, and fails when a part is cut off, dead, frozen, or moves though it is frozen."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

import training.losses.auxiliary_losses
from featurizers import Featurizer, featurizer
from models import Policy
from models.policy import FileHead, LineHead
from training.ppo.ppo_phase import PPOPhase
from verify.gradients import gradients

INIT, FEATURES, FINISH = Policy.__init__, Featurizer.forward, PPOPhase.finish


def test_check_passes(each_backbone):
    result = gradients(each_backbone)
    assert result["passed"], result
    assert result["tensors"] > 50


@pytest.mark.parametrize(
    ("kind", "head"), [(FileHead, "value"), (FileHead, "goal"), (LineHead, "human"), (LineHead, "kept")]
)
def test_a_detached_head_is_found(small, monkeypatch, kind, head):
    forward = kind.forward
    monkeypatch.setattr(kind, "forward", lambda module, x: forward(module, x.detach()))
    assert any(head in name for name in gradients(small)["without_gradient"])


def test_detached_features_are_found(each_backbone, monkeypatch):
    def detached(module, batch):
        lines = FEATURES(module, batch)
        return dataclasses.replace(lines, x=lines.x.detach())

    monkeypatch.setattr(Featurizer, "forward", detached)
    assert any("proj" in name for name in gradients(each_backbone)["without_gradient"])


def test_a_detached_text_embedding_is_found(small, monkeypatch):
    build = featurizer.build_embedder

    def detached(config):
        embedder = build(config)
        forward = embedder.forward
        embedder.forward = lambda *given: forward(*given).detach()
        return embedder

    monkeypatch.setattr(featurizer, "build_embedder", detached)
    assert any("text_embedder" in name for name in gradients(small)["without_gradient"])


@pytest.mark.parametrize("frozen", ["train_text_embedder", "train_featurizer_projector"])
def test_a_part_frozen_from_the_start_is_found(small, frozen):
    config = dataclasses.replace(small.featurizer, **{frozen: False})
    assert gradients(dataclasses.replace(small, featurizer=config))["without_gradient"]


def test_a_dead_parameter_is_found(small, monkeypatch):
    def init(policy, config):
        INIT(policy, config)
        policy.unused = nn.Parameter(torch.zeros(3))

    monkeypatch.setattr(Policy, "__init__", init)
    assert any("unused" in name for name in gradients(small)["without_gradient"])


def test_a_history_that_is_not_read_is_found(small, monkeypatch):
    def ignorant(module, batch):
        lines = FEATURES(module, batch)
        return dataclasses.replace(lines, history=None)

    monkeypatch.setattr(Featurizer, "forward", ignorant)
    assert any("history" in name for name in gradients(small)["without_gradient"])


def test_a_loss_that_is_left_out_is_found(small, monkeypatch):
    monkeypatch.setattr(training.losses.auxiliary_losses, "retention_cross_entropy", lambda logit, share: 0.0 * logit)
    assert any("cloning: policy.kept_head" in name for name in gradients(small)["without_gradient"])


@pytest.mark.parametrize("moving", ["featurizer", "human"])
def test_a_frozen_part_that_moves_is_found(small, monkeypatch, moving):
    def finish(phase):
        with torch.no_grad():
            next(getattr(phase.update.policies, moving).parameters()).add_(1e-6)
        return FINISH(phase)

    monkeypatch.setattr(PPOPhase, "finish", finish)
    result = gradients(small)
    assert any(moving in name for name in result["moved_though_frozen"])
    assert not result["passed"]
