"""Checkpoints in the layout of the system that models are imported from, with weights that follow from their names."""

import copy
import json
import zlib
from typing import NamedTuple

import numpy as np
import pytest
import torch

from config import FeaturizerConfig, ModelConfig
from featurizers import Featurizer
from models import Policy


def _values(file, name, shape):
    draw = np.random.RandomState(zlib.crc32(f"{file}/{name}".encode()))
    array = draw.standard_normal(shape) * max(shape[-1] if len(shape) > 1 else 4, 1) ** -0.5
    if name.endswith(("ln.weight", "ln1.weight", "ln2.weight")):
        array = 1.0 + 0.1 * array
    return torch.from_numpy(array.astype(np.float32))


@pytest.fixture(scope="session")
def layout(root):
    """Of each file its key, its config, and the names and shapes of its parameters."""
    return json.loads((root / "tests/data/imported_layout.json").read_text())["files"]


@pytest.fixture(scope="session")
def imported_checkpoint(layout):
    """Makes the dict of one imported file."""

    def make(file):
        entry = layout[file]
        weights = {name: _values(file, name, shape) for name, shape in entry["parameters"].items()}
        return {entry["key"]: weights, "config": copy.deepcopy(entry["config"])}

    return make


@pytest.fixture
def imported_folder(layout, imported_checkpoint, tmp_path):
    """A folder with the three imported files."""
    folder = tmp_path / "imported"
    folder.mkdir()
    for file in layout:
        torch.save(imported_checkpoint(file), folder / file)
    return folder


class SmallNetworks(NamedTuple):
    human: Policy
    assistant: Policy
    featurizer: Featurizer


@pytest.fixture(scope="session")
def small():
    """Makes a small policy or pair of policies with their featurizer, in eval mode: `small(seed, backbone)`."""

    def make(seed=0, backbone="lg_transformer"):
        torch.manual_seed(seed)
        config = ModelConfig(backbone=backbone, d_in=12, d_model=8, n_layers=1, n_heads=2, n_global_tokens=2, hidden=8)
        featurizer = Featurizer(FeaturizerConfig(d_in=12, char_dim=4))
        return SmallNetworks(Policy(config).eval(), Policy(config).eval(), featurizer.eval())

    return make
