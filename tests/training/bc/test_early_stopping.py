"""The weights of the lowest loss are those that stay, whatever came after, and after a kill too."""

import torch
from torch import nn

from training.bc.early_stopping import EarlyStopping


def watched(patience=2):
    module = nn.Linear(1, 1)
    return module, EarlyStopping({"only": module}, patience)


def observe(module, stopping, *losses):
    """Gives the module a bias equal to each loss in turn, and reports the loss."""
    for loss in losses:
        nn.init.constant_(module.bias, loss)
        stopping.observe(loss)


def test_it_is_exhausted_after_so_many_losses_that_are_not_lower():
    module, stopping = watched(patience=2)
    observe(module, stopping, 3.0, 4.0)
    assert not stopping.exhausted
    observe(module, stopping, 2.0, 2.0)  # lower, which starts the count anew; an equal loss is not lower
    assert not stopping.exhausted
    observe(module, stopping, 5.0)
    assert stopping.exhausted and stopping.epochs_since_best == 2


def test_the_weights_of_the_lowest_loss_are_restored():
    module, stopping = watched()
    observe(module, stopping, 3.0, 1.0, 2.0)
    stopping.restore_best()
    assert module.bias.item() == 1.0


def test_where_nothing_was_observed_the_modules_stay():
    module, stopping = watched()
    before = module.bias.item()
    stopping.restore_best()
    assert module.bias.item() == before and not stopping.exhausted


def test_after_a_kill_it_goes_on_from_its_state():
    module, stopping = watched(patience=2)
    observe(module, stopping, 1.0, 2.0)
    other, resumed = watched(patience=2)
    resumed.load_state_dict(stopping.state_dict())
    observe(other, resumed, 3.0)
    assert resumed.exhausted
    resumed.restore_best()
    assert torch.equal(other.weight, module.weight) and other.bias.item() == 1.0
