"""One process draws what PyTorch draws; several with parts of a minibatch use the numbers of one with all of it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import backbones
from backbones.sharded_dropout import Dropout, dropout, shard_of
from config import ModelConfig
from tests.tensors import assert_close

KINDS = {
    "lg_transformer": ModelConfig(n_layers=2, dropout=0.3),
    "restarted globals": ModelConfig(n_layers=2, dropout=0.3, global_tokens="restarted"),
    "lstm": ModelConfig(backbone="lstm", dropout=0.3),
    "bigru": ModelConfig(backbone="bigru", dropout=0.3),
}
LENGTHS = torch.tensor([3, 7, 0, 5, 7, 1, 2])
PARTS = ([0, 1, 2, 3, 4, 5, 6], [0, 2], [1], [2], [6, 5], [0])


def drawn(function):
    """What it returns with the seed 7, and where the generator is afterwards."""
    torch.manual_seed(7)
    return function(), torch.get_rng_state()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("shape", [(6, 5, 16), (30, 16), (1, 1, 3), (0, 5, 16)])
def test_in_one_process_it_is_that_of_pytorch_bit_for_bit(shape, rate, kind):
    x = torch.randn(shape).to(kind)
    expected, after = drawn(lambda: F.dropout(x, rate))
    layer, plain = Dropout(rate), nn.Dropout(rate)
    for found, then in (drawn(lambda: dropout(x, rate)), drawn(lambda: layer(x)), drawn(lambda: plain(x))):
        assert torch.equal(found, expected) and torch.equal(then, after)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("extra", [0, 4])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("rows", PARTS, ids=str)
def test_a_part_has_the_numbers_that_its_rows_have_in_the_whole(rows, flat, extra, kind):
    """And leaves the generator where the whole does, so that the next layer's numbers agree, too."""
    whole = torch.randn(len(LENGTHS), extra + int(LENGTHS.max()), 8).to(kind)
    places = extra + max(int(LENGTHS[rows].max()), 1)
    expected, after = drawn(lambda: F.dropout(whole, 0.3))
    part = whole[rows, :places].flatten(0, 1) if flat else whole[rows, :places]
    part.requires_grad_()
    with shard_of(LENGTHS, torch.tensor(rows)):
        found, then = drawn(lambda: dropout(part, 0.3))
    there = expected[rows, :places].reshape(part.shape)
    if kind is torch.float32:
        assert torch.equal(found, there)
    else:  # PyTorch rounds the factor, too
        assert_close(found, there, rtol=0.01, atol=0)
    assert found.dtype == kind and torch.equal(then, after)
    (gradient,) = torch.autograd.grad(found.sum(), part)
    assert torch.equal(gradient != 0, there != 0)
    assert torch.equal(drawn(lambda: dropout(whole, 0.3))[0], expected)  # outside the block it is plain again


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("rows", PARTS, ids=str)
def test_a_network_s_answers_in_training_do_not_depend_on_who_else_is_there(name, rows):
    torch.manual_seed(0)
    backbone = backbones.build(KINDS[name]).train()
    whole, context = torch.randn(len(LENGTHS), int(LENGTHS.max()), 192), torch.randn(len(LENGTHS), 128)
    mask = torch.arange(whole.shape[1]) < LENGTHS[:, None]
    (lines, summary), _ = drawn(lambda: backbone(whole, mask, context))
    longest = max(int(LENGTHS[rows].max()), 1)
    x, there = whole[rows, :longest], mask[rows, :longest]
    with shard_of(LENGTHS, torch.tensor(rows)):
        (found, of_files), _ = drawn(lambda: backbone(x, None if there.all() else there, context[rows]))
    assert_close(found[there], lines[rows, :longest][there], rtol=0, atol=1e-5)
    assert_close(of_files, summary[rows], rtol=0, atol=1e-5)
