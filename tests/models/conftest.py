"""Checkpoints in the layout of the system that models are imported from, with weights that follow from their names."""

import copy
import json
import shutil
import zlib
from functools import cache
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

    @cache
    def made(file):
        entry = layout[file]
        weights = {name: _values(file, name, shape) for name, shape in entry["parameters"].items()}
        return {entry["key"]: weights, "config": entry["config"]}

    return lambda file: copy.deepcopy(made(file))


@pytest.fixture(scope="session")
def _imported_folder(layout, imported_checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    for file in layout:
        torch.save(imported_checkpoint(file), folder / file)
    return folder


@pytest.fixture
def imported_folder(_imported_folder, tmp_path):
    """A folder with the three imported files."""
    return shutil.copytree(_imported_folder, tmp_path / "imported")


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
