"""The example of docs/adding-an-embedder.md does what the page says that a text embedder does."""

import re

import pytest
import torch

from config import FeaturizerConfig
from featurizers import Featurizer, embedders
from models import checkpoint
from state import State, unedited
from tests.tensors import assert_close

LINES = ("def f(x):", "", "x" * 100_000, "\ud800\x00", "return x")


@pytest.fixture(scope="module")
def example(root):
    text = (root / "docs/adding-an-embedder.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(block, "docs/adding-an-embedder.md", "exec"), {"__name__": "example"})
    yield FeaturizerConfig(text_embedder="words", d_in=12, char_dim=4)
    embedders._EMBEDDERS.pop("words")


def features(featurizer, *lines):
    return featurizer(featurizer.encode([State(lines, 0, unedited(len(lines)), unedited(len(lines)))]).batch()).x[0]


def test_the_example_keeps_what_an_embedder_promises(example):
    featurizer = Featurizer(example)
    together = features(featurizer, *LINES)
    assert together.isfinite().all()
    for i, line in enumerate(LINES):
        assert_close(together[i : i + 1], features(featurizer, line), rtol=0, atol=1e-6)
    together.square().sum().backward()
    assert all(parameter.grad.any() for parameter in featurizer.parameters())
    featurizer.freeze()
    assert not features(featurizer, *LINES).requires_grad


def test_the_example_is_saved_and_loaded(example):
    featurizer = Featurizer(example)
    loaded = checkpoint.featurizer_from(checkpoint.featurizer_checkpoint(featurizer), "x")
    assert torch.equal(features(featurizer, *LINES), features(loaded, *LINES))
