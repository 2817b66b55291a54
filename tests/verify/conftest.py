"""Networks so small that every check runs in a second or two."""

from __future__ import annotations

import pytest

from config import FeaturizerConfig, ModelConfig
from verify.check import CheckSettings

MODEL = ModelConfig(d_model=32, n_layers=2, n_heads=2, hidden=32, radius=8, dropout=0.0)
FEATURIZER = FeaturizerConfig(d_in=48, char_dim=32, h_max=50)


def settings_of(*backbones):
    return CheckSettings(backbones=backbones, model=MODEL, featurizer=FEATURIZER, held_out=64)


@pytest.fixture(params=["lg_transformer", "lstm", "bigru"])
def each_backbone(request):
    """Settings with one backbone."""
    return settings_of(request.param)


@pytest.fixture
def small():
    """Settings with the default backbone."""
    return settings_of("lg_transformer")
