"""Whatever the bounds of settings accept trains, saves and loads, and the models decide."""

import tempfile
import typing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import inference
from config import (
    BCConfig,
    FeaturizerConfig,
    ModelConfig,
    PPOConfig,
    RewardWeights,
    TrainConfig,
    ZeroStyleConfig,
)
from config_bounds import bounds_of, check_settings, setting_types
from models import Policy, checkpoint, store
from training.train_from_episodes import train_from_episodes

pytestmark = pytest.mark.usefixtures("short_refit")

SMALL = {
    "d_in": 24, "d_model": 24, "char_dim": 24, "hidden": 24, "ollama_dim": 24, "n_layers": 2, "layers": 2,
    "surround_layers": 2, "epochs": 1, "passes": 2, "steps": 20, "roots": 2, "horizon": 4, "simulations": 4,
    "batch_size": 16,
}  # fmt: skip
"""Largest values here, so that a training takes a second; above them only its time and memory grow."""

BACKBONES, EMBEDDERS = ("lg_transformer", "lstm", "bigru"), ("mlp", "mlp_trainable", "char_cnn")


def values_of(hint, bounds, most):
    """Values at the bounds and within them."""
    if typing.get_args(hint)[0] is int:
        return st.sampled_from([int(bounds.least), int(most)]) | st.integers(int(bounds.least), int(most))
    return st.sampled_from([bounds.least, most]) | st.floats(bounds.least, most)


def settings_of(kind, **fixed):
    """Draws every setting of a configuration class."""
    fields = dict(fixed)
    for name, hint in setting_types(kind).items():
        inner = typing.get_args(hint)
        if name in fields:
            continue
        if hint is bool:
            fields[name] = st.booleans()
        elif typing.get_origin(hint) is typing.Literal:
            fields[name] = st.sampled_from(inner)
        elif inner and inner[0] in (int, float):
            bounds = bounds_of(kind, name)
            fields[name] = values_of(hint, bounds, min(bounds.most, SMALL.get(name, bounds.most)))
    return st.builds(kind, **fields)


@st.composite
def trainings(draw):
    """A training's settings, each at or within its bounds, that fit one another."""
    model = draw(settings_of(ModelConfig, backbone=st.sampled_from(BACKBONES)))
    heads = [n for n in range(1, model.d_model + 1) if model.d_model % n == 0]
    model = replace(model, n_heads=draw(st.sampled_from(heads)))
    embedder = st.sampled_from(EMBEDDERS)
    featurizer = draw(settings_of(FeaturizerConfig, d_in=st.just(model.d_in), text_embedder=embedder))
    phases = {"bc": BCConfig, "ppo": PPOConfig, "zero_style": ZeroStyleConfig}
    return TrainConfig(
        Path("run"), Path("models"), model=model, featurizer=featurizer, rewards=draw(settings_of(RewardWeights)),
        seed=draw(st.sampled_from([0, 2**63 - 1])), **{name: draw(settings_of(kind)) for name, kind in phases.items()},
    )  # fmt: skip


def finite(models):
    weights = [value for module in (models.human, models.assistant, models.featurizer)
               for value in module.state_dict().values()]  # fmt: skip
    return all(bool(value.isfinite().all()) for value in weights)


@pytest.fixture(scope="module")
def recordings(session_of):
    return [session_of(number, rounds=3) for number in range(3)]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(max_examples=4, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(config=trainings())
def test_what_is_accepted_trains_saves_and_loads(recordings, config):
    check_training(recordings, config)


@pytest.mark.slow
@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(config=trainings())
def test_much_that_is_accepted_trains_saves_and_loads(recordings, config):
    check_training(recordings, config)


def check_training(recordings, config):
    check_settings(config, "drawn")
    with tempfile.TemporaryDirectory() as folder:
        config = replace(config, checkpoint_dir=Path(folder, "run"), pv_dir=Path(folder, "models"))
        train_from_episodes(config, recordings)
        models = store.load(config.pv_dir)
        assert models is not None and finite(models)
        assert models.assistant.config == replace(config.model, **upgraded(models.assistant.config))
        (record,) = inference.decide([recordings[0].states[2]], models)
        assert 0 <= record.probability <= 1


def upgraded(config):
    """The parts that a training gives to a model that lacks them."""
    return {"history": config.history, "predict_kept": config.predict_kept}


@settings(max_examples=40, deadline=None)
@given(config=settings_of(ModelConfig, backbone=st.sampled_from(BACKBONES), n_heads=st.just(1)))
def test_every_model_within_the_bounds_is_loaded_as_it_was_saved(config):
    policy = Policy(config)
    loaded = checkpoint.policy_from(checkpoint.policy_checkpoint(policy), "policy.pt")
    assert loaded.config == config
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in policy.state_dict().items())


@pytest.mark.parametrize("corner", ["least", "most"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_all_settings_at_their_bounds_at_once_train(recordings, corner, backbone, tmp_path):
    def at_corner(kind, **fixed):
        values = dict(fixed)
        for name, hint in setting_types(kind).items():
            if (
                name not in values
                and typing.get_origin(hint) is typing.Annotated
                and typing.get_args(hint)[0] is not str
            ):
                bounds = bounds_of(kind, name)
                value = getattr(bounds, corner)
                values[name] = typing.get_args(hint)[0](min(value, SMALL.get(name, value)))
        return kind(**values)

    phases = {"bc": BCConfig, "ppo": PPOConfig, "zero_style": ZeroStyleConfig}
    config = TrainConfig(
        tmp_path / "run", tmp_path / "models", model=at_corner(ModelConfig, backbone=backbone, n_heads=1),
        featurizer=at_corner(FeaturizerConfig), rewards=at_corner(RewardWeights),
        **{name: at_corner(kind, epochs=1) for name, kind in phases.items()},
    )  # fmt: skip
    check_settings(config, "corner")
    train_from_episodes(config, recordings)
    models = store.load(config.pv_dir)
    assert models is not None and finite(models)
