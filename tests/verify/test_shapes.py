"""Legality, counting and extreme inputs: each check passes, and fails when what it checks is broken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import actions
from featurizers import EncodedStates
from models import ActionDistribution, Policy, PolicyOutput
from verify.shapes import counting_bias, edge_inputs, shapes_masks

OF, LEGAL, SAMPLE, FORWARD, BATCH = (
    ActionDistribution.from_scores,
    actions.legality_by_line,
    ActionDistribution.sample,
    Policy.forward,
    EncodedStates.batch,
)


def test_checks_pass(each_backbone):
    for check in (shapes_masks, counting_bias, edge_inputs):
        assert check(each_backbone)["passed"], check.__name__


def everything_is_legal(scores, legal, mask, pooling="mean"):
    return OF(scores, None, mask, pooling)


def illegal_is_only_unlikely(scores, legal, mask, pooling="mean"):
    return OF(scores if legal is None else scores - 6.0 * ~legal, None, mask, pooling)


def padding_is_a_line(scores, legal, mask, pooling="mean"):
    return OF(scores, legal if legal is None else legal | ~mask[:, None], torch.ones_like(mask), pooling)


def nothing_but_the_first_decisions(scores, legal, mask, pooling="mean"):
    few = torch.zeros_like(scores, dtype=torch.bool)
    few[:, :4] = True
    return OF(scores, few if legal is None else legal & few, mask, pooling)


@pytest.mark.parametrize(
    "broken", [everything_is_legal, illegal_is_only_unlikely, padding_is_a_line, nothing_but_the_first_decisions]
)
def test_a_wrong_distribution_is_found(small, monkeypatch, broken):
    monkeypatch.setattr(ActionDistribution, "from_scores", staticmethod(broken))
    assert not shapes_masks(small)["passed"]


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("lines upside down", lambda legal: legal[:, ::-1]),
        ("decisions in another order", lambda legal: legal[[0, 2, 1, 3, 4, 5, 6]]),
        ("the line above", lambda legal: np.roll(legal, -1, axis=1)),
    ],
)
def test_a_wrong_mask_is_found(small, monkeypatch, what, changed):
    monkeypatch.setattr(actions, "legality_by_line", lambda states, w_max: changed(LEGAL(states, w_max)).copy())
    assert not shapes_masks(small)["passed"], what


def test_a_mask_of_another_state_is_found(small, monkeypatch):
    def batch(encoded, *given, **more):
        found = BATCH(encoded, *given, **more)
        return dataclasses.replace(found, legal=found.legal.roll(1, 0))

    monkeypatch.setattr(EncodedStates, "batch", batch)
    assert not shapes_masks(small)["passed"]


def test_protected_lines_that_are_not_are_found(small, monkeypatch):
    protected = actions.protected_lines
    monkeypatch.setattr(actions, "protected_lines", lambda *given: protected(*given) & False)
    result = shapes_masks(small)
    assert not result["passed"]
    assert result["illegal_mass_mean"] > 1e-3


def test_full_lines_that_can_be_filled_are_found(small, monkeypatch):
    monkeypatch.setattr(actions, "legality_by_line", lambda states, w_max: LEGAL(states, 10**9))
    assert not shapes_masks(small)["passed"]


def test_illegal_draws_are_found(small, monkeypatch):
    def sample(joint, generator=None):
        decision, line = SAMPLE(joint, generator)
        return torch.full_like(decision, 4), line.clamp(min=0)

    monkeypatch.setattr(ActionDistribution, "sample", sample)
    result = shapes_masks(small)
    assert result["illegal_draws"] > 0
    assert not result["passed"]


def test_a_wrong_shape_is_found(small, monkeypatch):
    def forward(policy, lines, heads=None):
        output = FORWARD(policy, lines, heads)
        return PolicyOutput({**output.heads, "value": output.value[:, None]})

    monkeypatch.setattr(Policy, "forward", forward)
    assert shapes_masks(small)["wrong_shapes"]


def test_counting_is_found(small):
    """The sum over lines, which imported models use, lets a decision win by being legal on many lines."""
    counted = dataclasses.replace(small, model=dataclasses.replace(small.model, pooling="sum"))
    result = counting_bias(counted)
    assert not result["passed"]
    assert result["largest_error"] > 0.1


def no_care_for_empty_files(scores, legal, mask, pooling="mean"):
    joint = OF(scores, legal, mask, pooling)
    logits = joint.decision_logits.masked_fill(~mask.any(1, keepdim=True), -torch.inf)
    return dataclasses.replace(joint, decision_log_probs=torch.log_softmax(logits, dim=1))


def zero_times_minus_infinity(joint):
    log_p = joint.pair_log_probs()
    return -(log_p.exp() * log_p).sum((1, 2))


@pytest.mark.parametrize(
    ("name", "broken"), [("from_scores", staticmethod(no_care_for_empty_files)), ("entropy", zero_times_minus_infinity)]
)
def test_not_a_number_is_found(small, monkeypatch, name, broken):
    monkeypatch.setattr(ActionDistribution, name, broken)
    assert edge_inputs(small)["broken"]


def test_an_infinite_answer_is_found(small, monkeypatch):
    def forward(policy, lines, heads=None):
        output = FORWARD(policy, lines, heads)
        return PolicyOutput({**output.heads, "value": output.value / lines.mask.sum(1)})

    monkeypatch.setattr(Policy, "forward", forward)
    assert any("no lines" in case for case in edge_inputs(small)["broken"])
