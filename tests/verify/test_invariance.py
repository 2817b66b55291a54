"""Padding, order and the cursor's line: each check passes, and fails when what it checks is broken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from featurizers import EncodedStates, Featurizer, featurizer
from models import Policy, PolicyOutput
from verify.invariance import cursor_alignment, padding_and_order

FORWARD, FEATURES, BATCH, ENCODE = (
    Policy.forward,
    Featurizer.forward,
    EncodedStates.batch,
    Featurizer.encode,
)


def test_checks_pass(each_backbone):
    for check in (padding_and_order, cursor_alignment):
        assert check(each_backbone)["passed"], check.__name__


def padding_is_read(policy, lines, heads=None):
    return FORWARD(policy, dataclasses.replace(lines, padded=False), heads)


def padding_is_pooled(policy, lines, heads=None):
    output = FORWARD(policy, lines, heads)
    return PolicyOutput({**output.heads, "value": output.value + lines.mask.shape[1] / 1000})


def batch_is_normalised(policy, lines, heads=None):
    return FORWARD(policy, dataclasses.replace(lines, x=lines.x - lines.x.mean((0, 1))), heads)


def first_state_answers_for_all(policy, lines, heads=None):
    output = FORWARD(policy, lines, heads)
    return PolicyOutput({**output.heads, "goal": output.goal[:1].expand_as(output.goal)})


def always_the_same(policy, lines, heads=None):
    output = FORWARD(policy, lines, heads)
    return PolicyOutput({name: 0.0 * tensor for name, tensor in output.heads.items()})


@pytest.mark.parametrize(
    "broken",
    [padding_is_read, padding_is_pooled, batch_is_normalised, first_state_answers_for_all, always_the_same],
)
def test_answers_that_depend_on_the_batch_are_found(each_backbone, monkeypatch, broken):
    monkeypatch.setattr(Policy, "forward", broken)
    assert not padding_and_order(each_backbone)["passed"]


def test_states_in_another_order_are_found(small, monkeypatch):
    def batch(encoded, rows=None, device="cpu"):
        return BATCH(encoded, sorted(range(len(encoded)) if rows is None else rows)[::-1], device)

    monkeypatch.setattr(EncodedStates, "batch", batch)
    assert not padding_and_order(small)["passed"]


@pytest.mark.parametrize("shift", [1, -1])
def test_a_shifted_cursor_is_found(small, monkeypatch, shift):
    def forward(module, batch):
        lines = FEATURES(module, batch)
        return dataclasses.replace(lines, x=lines.x.roll(shift, 1))

    monkeypatch.setattr(Featurizer, "forward", forward)
    assert cursor_alignment(small)["misplaced"]


def test_a_window_without_the_cursor_is_found(small, monkeypatch):
    monkeypatch.setattr(featurizer, "window_start", lambda state, h_max: 0)
    assert cursor_alignment(small)["misplaced"]


def test_a_window_that_is_said_to_begin_elsewhere_is_found(small, monkeypatch):
    def encode(module, states, *more):
        encoded = ENCODE(module, states, *more)
        return dataclasses.replace(encoded, first_line=encoded.first_line + 1)

    monkeypatch.setattr(Featurizer, "encode", encode)
    assert cursor_alignment(small)["misplaced"]


@pytest.mark.parametrize(
    ("what", "columns"),
    [
        ("human and assistant exchanged", [0, 1, *range(9, 16), *range(2, 9), 16, 17, 18, 19]),
        ("length and indentation exchanged", [1, 0, *range(2, 20)]),
        ("start and end of a span exchanged", [0, 1, 2, 3, 5, 4, *range(6, 20)]),
        ("column and turn of the cursor exchanged", [*range(17), 18, 17, 19]),
    ],
)
def test_exchanged_scalars_are_found(small, monkeypatch, what, columns):
    def encode(module, states, *more):
        encoded = ENCODE(module, states, *more)
        return dataclasses.replace(encoded, scalars=np.ascontiguousarray(encoded.scalars[:, columns]))

    monkeypatch.setattr(Featurizer, "encode", encode)
    assert not cursor_alignment(small)["passed"], what


def test_text_of_another_line_is_found(small, monkeypatch):
    def encode(module, states, *more):
        encoded = ENCODE(module, states, *more)
        return dataclasses.replace(encoded, text_ids=np.roll(encoded.text_ids, 1))

    monkeypatch.setattr(Featurizer, "encode", encode)
    assert cursor_alignment(small)["largest_error"] > 1e-3


def test_random_numbers_of_the_caller_stay(small):
    """The checks leave the random numbers of whoever calls them alone."""
    before = torch.random.get_rng_state()
    padding_and_order(small)
    cursor_alignment(small)
    assert torch.equal(torch.random.get_rng_state(), before)
