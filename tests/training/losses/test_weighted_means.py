"""Means over rows that several processes hold are those of one process with all rows."""

import math

import pytest
import torch

from training.distributed.process_group import DistributedContext
from training.losses.weighted_means import all_reduce_means, weighted_mean


class OtherProcess(DistributedContext):
    """Stands for another process, which has the totals and weights `(2, losses)`."""

    def __init__(self, totals_and_weights):
        super().__init__()
        object.__setattr__(self, "theirs", torch.tensor(totals_and_weights))

    def all_reduce_sum(self, tensor):
        return tensor.add_(self.theirs)


def test_a_share_has_the_gradient_of_the_mean_over_all_rows_of_all_processes():
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    losses = {"a": weighted_mean(values), "b": weighted_mean(values, torch.tensor([0.0, 2.0, 0.0]))}
    shares, means = all_reduce_means(losses, OtherProcess([[9.0, 4.0], [2.0, 2.0]]))
    assert {name: mean.item() for name, mean in means.items()} == pytest.approx({"a": 15 / 5, "b": 8 / 4})
    shares["a"].backward()
    assert values.grad.tolist() == pytest.approx([1 / 5] * 3)


def test_a_row_that_only_fills_up_has_no_part_in_the_means():
    """A process without a row of a minibatch computes one all the same, as a network needs one."""
    losses = {"a": weighted_mean(torch.tensor([100.0], requires_grad=True))}
    shares, means = all_reduce_means(losses, OtherProcess([[6.0], [3.0]]), counts=False)
    assert means["a"].item() == 2.0 and shares["a"].item() == 0.0


def test_where_nothing_counts_anywhere_the_mean_is_0():
    _, means = all_reduce_means({"a": weighted_mean(torch.tensor([5.0]), torch.zeros(1))})
    assert means["a"].item() == 0.0


def test_a_row_that_does_not_count_may_be_infinite():
    values = torch.tensor([1.0, float("nan"), -math.inf, 3.0], requires_grad=True)
    total = weighted_mean(values, torch.tensor([1.0, 0.0, 0.0, 1.0])).value
    total.backward()
    assert total.item() == 2.0
    assert values.grad.tolist() == [0.5, 0.0, 0.0, 0.5]
    assert weighted_mean(values, torch.zeros(4)).value.item() == 0.0
