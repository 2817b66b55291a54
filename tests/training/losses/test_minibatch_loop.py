"""The loop of the three phases: what it adds up, when it stops, how it goes on."""

import pytest
import torch

from training.losses.minibatch_loop import MinibatchLoop
from training.losses.optimizer import Optimizer
from training.losses.weighted_means import weighted_mean

ROWS = torch.tensor([1.0, 2.0, 6.0])


def loop_of(weight):
    optimizer = Optimizer([weight], learning_rate=0.1, weight_decay=0.0, grad_clip=1e9)
    return MinibatchLoop(optimizer, lambda losses: 2 * losses["linear"])


def losses_of(weight):
    return lambda rows: {"linear": weighted_mean(weight * ROWS[rows])}


def test_an_epoch_gives_the_means_of_its_minibatches():
    weight = torch.nn.Parameter(torch.tensor(1.0))
    loop = loop_of(weight)
    loop.begin([torch.tensor([0, 1]), torch.tensor([2])])
    before = [weight.item()]
    while loop.step(losses_of(weight), "test"):
        before.append(weight.item())
    means = [before[0] * 1.5, before[1] * 6.0]
    assert loop.position == 2 and before[1] < before[0]
    metrics = loop.finish()
    assert metrics["linear"] == pytest.approx(sum(means) / 2)
    assert metrics["loss"] == pytest.approx(sum(means))
    assert metrics["gradient_norm"] == pytest.approx((2 * 1.5 + 2 * 6.0) / 2)
    assert loop.position == 0 and loop.finish() == {}


def test_a_minibatch_that_is_stopped_teaches_nothing():
    weight = torch.nn.Parameter(torch.tensor(1.0))
    loop = loop_of(weight)
    loop.begin([torch.tensor([0]), torch.tensor([2])])
    stop = lambda means: means["linear"].item() > 5.0  # noqa: E731
    assert loop.step(losses_of(weight), "test", stop)
    after = weight.item()
    assert after < 1.0 and not loop.step(losses_of(weight), "test", stop)
    assert weight.item() == after and loop.position == 1


def test_an_epoch_goes_on_where_it_was_saved():
    batches = [torch.tensor([0]), torch.tensor([2])]
    weight = torch.nn.Parameter(torch.tensor(1.0))
    first, second = loop_of(weight), loop_of(weight)
    first.begin(batches)
    first.step(losses_of(weight), "test")
    second.load_state_dict(first.state_dict())
    second.begin(batches)
    assert second.position == 1 and second.step(losses_of(weight), "test")
    assert not second.step(losses_of(weight), "test")
    assert second.metrics.sums["linear"] > first.metrics.sums["linear"]
