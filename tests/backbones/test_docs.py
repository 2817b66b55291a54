"""The example of docs/adding-a-backbone.md does what the page says that a backbone does."""

import re

import pytest
import torch

import backbones
from config import FeaturizerConfig, ModelConfig
from inference import decide, fresh_models
from models import store
from tests.tensors import assert_close


@pytest.fixture(scope="module")
def example(root):
    text = (root / "docs/adding-a-backbone.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(block, "docs/adding-a-backbone.md", "exec"), {"__name__": "example"})
    yield ModelConfig(backbone="neighbours", d_in=12, d_model=8, n_layers=2, radius=2, hidden=8)
    backbones.registry._BACKBONES.pop("neighbours")


@torch.inference_mode()
def test_the_example_keeps_what_a_backbone_promises(example):
    backbone = backbones.build(example).eval()
    x, mask, context = torch.randn(3, 9, 12), torch.arange(9) < torch.tensor([9, 4, 0])[:, None], torch.randn(3, 8)
    lines, summary = backbone(x.masked_fill(~mask[:, :, None], torch.nan), mask, context)
    assert lines[mask].isfinite().all() and summary.isfinite().all() and summary.shape == (3, 16)
    for row, n in ((0, 9), (1, 4)):
        alone, of_file = backbone(x[row : row + 1, :n], None, context[row : row + 1])
        assert_close(lines[row, :n], alone[0], rtol=0, atol=1e-5)
        assert_close(summary[row], of_file[0], rtol=0, atol=1e-5)
    assert ((lines - backbone(x, mask, context + 1)[0]).abs().amax(2)[mask] > 1e-6).all()


def test_the_example_decides_and_is_saved_and_loaded(example, random_state, tmp_path):
    models = fresh_models(model=example, featurizer=FeaturizerConfig(d_in=12, char_dim=4))
    store.publish(tmp_path, models, {"trained_on": "samples"})
    loaded, states = store.load(tmp_path, expect_backbone="neighbours"), [random_state(n, seed=n) for n in (5, 0)]
    for one, other in zip(decide(states, models), decide(states, loaded), strict=True):
        assert (one.decision, one.line, one.probability) == (other.decision, other.line, other.probability)
