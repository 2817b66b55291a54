"""Saved and imported networks: each check passes, and fails when something is lost, exchanged, computed otherwise."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from featurizers import Featurizer
from models import Policy, checkpoint, store
from training.networks.training_networks import TrainingNetworks
from verify.check import Check
from verify.persistence import imported_models, saved_and_loaded
from verify.report import run

LOAD, ENCODE, PUBLISH = Policy.load_state_dict, Featurizer.encode, store.publish


def test_checks_pass(each_backbone):
    for check in (imported_models, saved_and_loaded):
        assert check(each_backbone)["passed"], check.__name__


@pytest.mark.parametrize("setting", [{"global_tokens": "carried"}, {"pooling": "mean"}, {"history": True}])
def test_import_without_its_settings_is_found(small, monkeypatch, setting):
    monkeypatch.setattr(checkpoint, "IMPORTED_MODEL", {**checkpoint.IMPORTED_MODEL, **setting})
    assert not run(Check("imported", imported_models), small)["passed"]


def scalars_exchanged(encoded):
    columns = [0, 1, *range(9, 16), *range(2, 9), 16, 17, 18, 19]
    return dataclasses.replace(encoded, scalars=encoded.scalars[:, columns].copy())


def line_ends_cut(states):
    return [dataclasses.replace(s, lines=tuple(line.rstrip("\n") for line in s.lines)) for s in states]


@pytest.mark.parametrize(
    ("what", "encode"),
    [
        ("scalars in another order", lambda *given: scalars_exchanged(ENCODE(*given))),
        ("texts without line ends", lambda module, states, *more: ENCODE(module, line_ends_cut(states), *more)),
    ],
)
def test_imported_features_that_differ_are_found(small, monkeypatch, what, encode):
    monkeypatch.setattr(Featurizer, "encode", encode)
    result = imported_models(small)
    assert not result["passed"], what
    assert result["largest_error"]["features"] > 1e-3


@pytest.mark.parametrize(
    "part", ["backbone.ln.bias", "action_head.line_mlp.2.weight", "backbone.blocks.1.global_tokens"]
)
def test_an_imported_weight_that_is_lost_is_found(small, monkeypatch, part):
    def load(policy, weights):
        return LOAD(policy, {**weights, part: torch.zeros_like(weights[part])})

    monkeypatch.setattr(Policy, "load_state_dict", load)
    assert not imported_models(small)["passed"]


def test_another_activation_is_found(small, monkeypatch):
    gelu = F.gelu
    monkeypatch.setattr(F, "gelu", lambda x, approximate="none": gelu(x, approximate="tanh"))
    assert not imported_models(small)["passed"]


@pytest.mark.parametrize("part", ["value_head.mlp.2.bias", "history.unknown", "kept_head.line_mlp.0.weight"])
def test_a_weight_that_is_not_saved_is_found(small, monkeypatch, part):
    def load(policy, weights):
        return LOAD(policy, {**weights, part: torch.zeros_like(weights[part])})

    monkeypatch.setattr(Policy, "load_state_dict", load)
    assert {"store", "resume"} <= {where.split(", ")[1].split(":")[0] for where in saved_and_loaded(small)["differ"]}


def test_exchanged_policies_are_found(small, monkeypatch):
    def publish(folder, networks, meta):
        exchanged = dataclasses.replace(networks, human=networks.assistant, assistant=networks.human)
        return PUBLISH(folder, exchanged, meta)

    monkeypatch.setattr(store, "publish", publish)
    assert saved_and_loaded(small)["differ"]


def test_a_featurizer_that_is_not_restored_is_found(small, monkeypatch):
    restored = TrainingNetworks.restored.__func__

    def forgetful(cls, saved, where):
        policies = restored(cls, saved, where)
        policies.featurizer = Featurizer(policies.featurizer.config)
        return policies

    monkeypatch.setattr(TrainingNetworks, "restored", classmethod(forgetful))
    assert any("resume" in where for where in saved_and_loaded(small)["differ"])


def test_a_copy_that_shares_weights_is_found(small, monkeypatch):
    monkeypatch.setattr(Policy, "__deepcopy__", lambda policy, memo: policy, raising=False)
    assert any("shares" in where for where in saved_and_loaded(small)["differ"])


def test_a_copy_that_computes_with_the_original_s_weights_is_found(small, monkeypatch):
    """A layer that keeps its tensors under a second name must not keep the original's in a copy."""

    def copied(policy, memo):
        policy_of_its_own = Policy(policy.config)
        LOAD(policy_of_its_own, policy.state_dict())
        policy_of_its_own.value_head.weights = policy.value_head.weights
        return policy_of_its_own.eval()

    monkeypatch.setattr(Policy, "__deepcopy__", copied, raising=False)
    assert any("shares" in where for where in saved_and_loaded(small)["differ"])
