"""Losses as tables: which side of a ratio is clipped, what is capped, where a loss is least."""

import math

import pytest
import torch

from training.losses.loss_terms import (
    advantage_weights,
    clipped_surrogate,
    clipped_value_loss,
    retention_cross_entropy,
)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "learns"),
    [
        (1.0, 2.0, -2.0, True),
        (1.1, 2.0, -2.2, True),
        (1.5, 2.0, -2.4, False),  # good and already more probable: no further
        (0.5, 2.0, -1.0, True),  # good and less probable: all the way back
        (1.5, -2.0, 3.0, True),  # bad and more probable: all the way back
        (0.5, -2.0, 1.6, False),  # bad and already less probable: no further
        (0.9, -2.0, 1.8, True),
    ],
)
def test_clipped_surrogate(ratio, advantage, loss, learns):
    log_ratio = torch.tensor([math.log(ratio)], requires_grad=True)
    value = clipped_surrogate(log_ratio, torch.tensor([advantage]), 0.2)
    value.sum().backward()
    assert value.item() == pytest.approx(loss)
    assert (log_ratio.grad.item() != 0) == learns


@pytest.mark.parametrize(
    ("value", "old", "target", "loss"),
    [
        (1.0, 1.0, 3.0, 2.0),
        (3.0, 1.0, 3.0, 1.125),  # it is right, but an epoch may carry it 0.5 only
        (1.4, 1.0, 3.0, 1.28),
        (0.0, 1.0, 3.0, 4.5),  # away from the target costs in full
    ],
)
def test_clipped_value(value, old, target, loss):
    assert clipped_value_loss(*(torch.tensor([x]) for x in (value, old, target)), 0.5).item() == pytest.approx(loss)


def test_advantage_weights_are_capped():
    weights = advantage_weights(torch.tensor([-1.0, 0.0, 2.0, 50.0]), 0.5, 20.0)
    assert weights.tolist() == pytest.approx([math.exp(-2), 1.0, 20.0, 20.0])


def test_the_share_loss_is_least_at_the_mean_share():
    shares = torch.tensor([0.0, 0.5, 1.0, 1.0])
    losses = {
        p: retention_cross_entropy(torch.logit(torch.tensor(p)).expand(4), shares).mean().item()
        for p in (0.5, 0.625, 0.75)
    }
    assert min(losses, key=losses.get) == 0.625
