"""The gradient step: AdamW as PyTorch's, clipped, and never with a loss that is not finite."""

import pytest
import torch
from torch import nn
from torch.optim.adamw import adamw

from errors import InputError
from training.losses.optimizer import NotFiniteError, Optimizer


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 1))


def losses(module, steps=5):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        yield (module(torch.randn(16, 4, generator=generator)) - 1).square().mean()


def decay(parameter):
    """Matrices alone are pulled to zero."""
    return 0.1 if parameter.dim() > 1 else 0.0


def test_steps_are_those_of_torch():
    ours, theirs = network(), network()
    optimizer = Optimizer(ours.parameters(), learning_rate=0.01, weight_decay=0.1, grad_clip=1e9)
    moments = [[torch.zeros_like(p), torch.zeros_like(p), torch.zeros(())] for p in theirs.parameters()]
    for loss, other in zip(losses(ours), losses(theirs), strict=True):
        optimizer.step(loss, "test")
        gradients = torch.autograd.grad(other, list(theirs.parameters()))
        with torch.no_grad():
            for p, gradient, (mean, square, steps) in zip(theirs.parameters(), gradients, moments, strict=True):
                # The function, not the class: its first step would load PyTorch's compiler.
                adamw(
                    [p], [gradient], [mean], [square], [], [steps], amsgrad=False, maximize=False,
                    beta1=0.9, beta2=0.999, lr=0.01, weight_decay=decay(p), eps=1e-8,
                )  # fmt: skip
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_a_long_gradient_is_shortened():
    module = nn.Linear(1, 1, bias=False)
    optimizer = Optimizer(module.parameters(), learning_rate=1.0, weight_decay=0.0, grad_clip=0.5)
    norm = optimizer.step((module.weight * 100).sum(), "test")
    assert norm == pytest.approx(100.0)
    assert optimizer.mean.abs().item() == pytest.approx(0.05)  # a tenth of the clipped gradient


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_and_changes_nothing(bad):
    module = network()
    before = [p.clone() for p in module.parameters()]
    optimizer = Optimizer(module.parameters(), learning_rate=0.1, weight_decay=0.0, grad_clip=1.0)
    with pytest.raises(NotFiniteError, match=r"bc, epoch 3, step 2.*loss") as caught:
        optimizer.step(next(iter(losses(module))) * bad, "bc, epoch 3, step 2")
    assert isinstance(caught.value, InputError)
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_a_gradient_that_is_not_finite_stops_too():
    module = nn.Linear(1, 1, bias=False)
    optimizer = Optimizer(module.parameters(), learning_rate=0.1, weight_decay=0.0, grad_clip=1.0)
    with pytest.raises(NotFiniteError, match="gradient"):
        optimizer.step((module.weight * 0).abs().sqrt().sum(), "test")


def test_it_goes_on_where_it_was():
    straight, resumed = network(), network()
    one = Optimizer(straight.parameters(), learning_rate=0.01, weight_decay=0.0, grad_clip=1.0)
    for loss in losses(straight, 4):
        one.step(loss, "test")
    two = Optimizer(resumed.parameters(), learning_rate=0.01, weight_decay=0.0, grad_clip=1.0)
    for i, loss in enumerate(losses(resumed, 4)):
        if i == 2:
            saved = two.state_dict()
            two = Optimizer(resumed.parameters(), learning_rate=0.01, weight_decay=0.0, grad_clip=1.0)
            two.load_state_dict(saved)
        two.step(loss, "test")
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters(), strict=True))


def test_what_is_frozen_stays():
    module = network()
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    optimizer = Optimizer(module.parameters(), learning_rate=0.1, weight_decay=0.1, grad_clip=1.0)
    for loss in losses(module, 2):
        optimizer.step(loss, "test")
    assert torch.equal(before, module[0].weight)
