"""A line's output depends on its own file only; every size of file works; every part of a backbone learns."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import backbones
from config import ModelConfig
from errors import InputError
from tests.tensors import assert_close

D_IN, D_MODEL = 48, 32
NARROW = ModelConfig(d_in=D_IN, d_model=D_MODEL, hidden=D_MODEL)
KINDS = {
    "lg_transformer": NARROW,
    "restarted globals": replace(NARROW, global_tokens="restarted"),
    "lstm": replace(NARROW, backbone="lstm"),
    "bigru": replace(NARROW, backbone="bigru"),
    "even kernel": replace(NARROW, backbone="bigru", kernel_size=4),
}
LENGTHS = (5, 0, 70, 1, 300)


def built(name):
    torch.manual_seed(0)
    return backbones.build(KINDS[name]).eval()


def padded(files, filler):
    """Files `(n, D_IN)` as a batch: `(B, L, D_IN)`, the padding filled with `filler`, and the mask."""
    longest = max(1, *map(len, files))
    mask = torch.arange(longest) < torch.tensor([len(x) for x in files])[:, None]
    batch = torch.full((len(files), longest, D_IN), filler)
    for row, x in zip(batch, files, strict=True):
        row[: len(x)] = x
    return batch, mask


@pytest.fixture(scope="module")
def files():
    draw = torch.Generator().manual_seed(3)
    return [torch.randn(n, D_IN, generator=draw) for n in LENGTHS]


@pytest.fixture(scope="module")
def contexts():
    return torch.randn(len(LENGTHS), D_MODEL, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("name", KINDS)
@torch.inference_mode()
def test_a_file_s_output_is_the_same_alone_in_a_batch_and_whatever_fills_the_padding(name, files, contexts):
    backbone = built(name)
    for filler in (0.0, torch.nan, torch.inf, 1e30):
        x, mask = padded(files, filler)
        lines, summary = backbone(x, mask, contexts)
        assert lines[mask].isfinite().all() and summary.isfinite().all()
        for row, one in enumerate(files):
            if len(one):  # without padding there is no mask at all
                alone, of_file = backbone(one[None], None, contexts[row : row + 1])
                assert_close(lines[row, : len(one)], alone[0], rtol=0, atol=1e-5)
                assert_close(summary[row], of_file[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
@torch.inference_mode()
def test_order_and_company_in_the_batch_have_no_influence(name, files, contexts):
    backbone = built(name)
    x, mask = padded(files, 0.0)
    lines, summary = backbone(x, mask, contexts)
    order = torch.tensor([3, 0, 4, 1, 2])
    others, summaries = backbone(x[order], mask[order], contexts[order])
    assert_close(others[mask[order]], lines[order][mask[order]], rtol=0, atol=1e-5)
    assert_close(summaries, summary[order], rtol=0, atol=1e-5)
    few, _ = backbone(x[:1, :9], mask[:1, :9], contexts[:1])
    assert_close(few[0, :5], lines[0, :5], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_without_lines_has_a_summary_and_gradients_without_nan(name):
    backbone = built(name)
    lines, summary = backbone(torch.full((2, 1, D_IN), torch.nan), torch.zeros(2, 1, dtype=torch.bool), None)
    assert summary.shape == (2, 2 * D_MODEL) and torch.equal(summary[0], summary[1]) and summary.isfinite().all()
    (summary.sum() + lines.sum() * 0).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in backbone.parameters())


@pytest.mark.parametrize("name", KINDS)
def test_gradients_reach_every_part(name, files, contexts):
    backbone = built(name).train()
    x, mask = padded(files, torch.nan)
    context = contexts.clone().requires_grad_()
    lines, summary = backbone(x, mask, context)
    (lines[mask].square().sum() + summary.square().sum()).backward()
    silent = [
        n for n, p in backbone.named_parameters() if p.grad is None or not p.grad.any() or not p.grad.isfinite().all()
    ]
    assert not silent and context.grad.any()


@pytest.mark.parametrize("name", KINDS)
@torch.inference_mode()
def test_the_history_changes_every_line(name, files, contexts):
    backbone = built(name)
    lines, summary = backbone(files[2][None], None, contexts[:1])
    others, other_summary = backbone(files[2][None], None, contexts[1:2])
    assert ((lines - others).abs().amax(2) > 1e-4).all() and (summary - other_summary).abs().max() > 1e-4


@pytest.mark.parametrize("layers", [1, 3])
@torch.inference_mode()
def test_without_a_way_through_the_globals_a_line_sees_no_further_than_the_radius_in_each_layer(layers):
    config = replace(NARROW, radius=3, n_layers=layers, global_tokens="restarted")
    backbone = backbones.build(config).eval()
    x = torch.randn(1, 60, D_IN)
    changed = x.clone()
    changed[0, 30] += 1.0
    moved = (backbone(x, None, None)[0] - backbone(changed, None, None)[0]).abs().amax(2)[0] > 1e-6
    assert moved.nonzero()[:, 0].tolist() == list(range(30 - 3 * layers, 30 + 3 * layers + 1))


@torch.inference_mode()
def test_carried_globals_bring_news_across_the_file_and_restarted_ones_do_not():
    x = torch.randn(1, 200, D_IN, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[0, 0] += 3.0
    reach = {}
    for kind in ("carried", "restarted"):
        torch.manual_seed(0)
        backbone = backbones.build(replace(NARROW, radius=2, n_layers=3, global_tokens=kind)).eval()
        reach[kind] = (backbone(x, None, None)[0] - backbone(changed, None, None)[0]).abs().amax(2)[0, -1]
    assert reach["carried"] > 1e-5 and reach["restarted"] == 0


@torch.inference_mode()
def test_dropout_is_for_training_only(files):
    for name in KINDS:
        backbone = built(name)
        assert torch.equal(*(backbone(files[2][None], None, None)[0] for _ in range(2)))
        backbone.train()
        assert not torch.equal(*(backbone(files[2][None], None, None)[0] for _ in range(2)))


def test_a_mask_made_while_deciding_serves_training_too(files):
    backbone = built("lg_transformer")
    with torch.inference_mode():
        backbone(files[2][None], None, None)
    backbone(files[2][None], None, None)[0].sum().backward()


@torch.inference_mode()
def test_weights_that_are_copied_moved_or_loaded_are_those_that_are_used(files):
    import copy

    for name in KINDS:
        backbone, x = built(name), files[2][None]
        expected = backbone(x, None, None)[0]
        twin = copy.deepcopy(backbone)
        for parameter in backbone.parameters():
            parameter.mul_(0.5)
        assert torch.equal(twin(x, None, None)[0], expected)
        assert not torch.allclose(backbone(x, None, None)[0], expected)
        backbone.load_state_dict(twin.state_dict())
        assert torch.equal(backbone(x, None, None)[0], expected)
        assert_close(twin.double()(x.double(), None, None)[0].float(), expected, rtol=0, atol=1e-5)


def test_backbones_come_in_other_sizes():
    x, mask = torch.randn(2, 4, 10), torch.ones(2, 4, dtype=torch.bool)
    small = ModelConfig(d_in=10, d_model=8, n_layers=1, n_heads=2, n_global_tokens=1, hidden=6, layers=1, radius=0)
    for name in ("lg_transformer", "lstm", "bigru"):
        for kernel, surround in ((3, 2), (5, 0), (4, 1)):
            config = replace(small, backbone=name, kernel_size=kernel, surround_layers=surround)
            lines, summary = backbones.build(config)(x, mask, None)
            assert lines.shape == (2, 4, 8) and summary.shape == (2, 16)


def test_an_unknown_backbone_is_one_error_that_names_the_known_ones():
    with pytest.raises(InputError, match="bigru, lg_transformer, lstm"):
        backbones.build(ModelConfig(backbone="gpt"))


def test_recurrent_layers_are_what_they_are_called():
    for name, kind in (("lstm", nn.LSTM), ("bigru", nn.GRU)):
        layers = built(name).layers
        assert len(layers) == 2 and all(isinstance(one, kind) for layer in layers for one in (layer.down, layer.up))


@torch.inference_mode()
def test_recurrent_layers_go_through_a_file_both_ways():
    backbone = built("lstm")
    x = torch.randn(1, 40, D_IN)
    for changed in (0, 39):
        other = x.clone()
        other[0, changed] += 1.0
        moved = (backbone(x, None, None)[0] - backbone(other, None, None)[0]).abs().amax(2)[0]
        assert moved[20] > 0
