"""Targets of p(kept) are drawn towards what was expected at the start, or towards the mean where that fits better."""

import math

import torch
from torch.nn import functional as F

from training.losses.anchors import anchor_weight, anchored_retention_targets

KEPT = torch.tensor([1.0, 0.0, math.nan, 0.5])
GOOD = torch.tensor([2.0, -2.0, 0.0, 0.0])


def test_without_an_anchor_targets_are_the_shares():
    assert torch.equal(anchored_retention_targets(KEPT, GOOD, 0.0).nan_to_num(-1), KEPT.nan_to_num(-1))


def test_targets_lie_between_share_and_start():
    expected = (KEPT + 3 * GOOD.sigmoid()) / 4
    assert torch.allclose(anchored_retention_targets(KEPT, GOOD, 3.0), expected, equal_nan=True)


def test_a_start_that_knows_nothing_gives_way_to_the_mean():
    wrong = -4 * GOOD
    assert torch.allclose(anchored_retention_targets(KEPT, wrong, 1.0), (KEPT + 0.5) / 2, equal_nan=True)


def test_nothing_known_changes_nothing():
    assert anchored_retention_targets(torch.full((2,), math.nan), torch.zeros(2), 6.0).isnan().all()


def test_the_loss_is_the_anchored_one_up_to_scale():
    logit = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)
    kept, start, anchor = torch.tensor([1.0, 0.0, 0.5]), torch.tensor([3.0, -3.0, 0.1]), 2.0

    def entropy(target):
        return F.binary_cross_entropy_with_logits(logit, target)

    (direct,) = torch.autograd.grad(entropy(kept) + anchor * entropy(start.sigmoid()), logit)
    (blended,) = torch.autograd.grad((1 + anchor) * entropy(anchored_retention_targets(kept, start, anchor)), logit)
    assert torch.allclose(direct, blended, atol=1e-6)


def test_an_anchor_falls_with_the_root_of_the_sessions():
    assert [anchor_weight(3.0, sessions) for sessions in (0, 1, 4, 9)] == [3.0, 3.0, 1.5, 1.0]
