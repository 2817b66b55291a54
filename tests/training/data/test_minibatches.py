"""The order in which an epoch goes through its rows."""

import torch

from training.data.minibatches import bucketed
from training.data.seeds import generator


def test_minibatches_hold_every_row_once_and_hardly_any_padding():
    lengths = torch.randint(1, 200, (500,), generator=torch.Generator().manual_seed(0))
    batches = bucketed(lengths, 16, generator("order"))
    assert sorted(torch.cat(batches).tolist()) == list(range(500))
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    assert padded < 1.15 * int(lengths.sum())


def test_orders_follow_from_their_seed():
    lengths = torch.arange(50)
    seeds = ((0, "bc", 1), (0, "bc", 1), (0, "bc", 2))
    orders = [torch.cat(bucketed(lengths, 8, generator(*parts))).tolist() for parts in seeds]
    assert orders[0] == orders[1] != orders[2]
