"""Checkpoints: what is saved is what is loaded; anything else is refused in one line, and no code in them is run."""

import pytest
import torch

from config import FORMAT_VERSION, FeaturizerConfig, ModelConfig
from errors import InputError
from featurizers import Featurizer
from models import Policy, checkpoint
from models.pt_file import atomic_torch_save

BACKBONES = ("lg_transformer", "lstm", "bigru")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_policy_comes_back_as_it_was(tmp_path, small, backbone):
    policy, _, _ = small(backbone=backbone)
    path = tmp_path / "policy.pt"
    atomic_torch_save(path, checkpoint.policy_checkpoint(policy, trained_on="person"))
    loaded = checkpoint.load_policy(path, expect_backbone=backbone)
    assert loaded.config == policy.config and not loaded.training
    assert loaded.state_dict().keys() == policy.state_dict().keys()
    for name, value in policy.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    config = torch.load(path, weights_only=True)["config"]
    assert config["format_version"] == FORMAT_VERSION and config["trained_on"] == "person"


@pytest.mark.parametrize("name", ["mlp", "mlp_trainable", "char_cnn", "ollama"])
def test_a_featurizer_comes_back_as_it_was(tmp_path, name):
    featurizer = Featurizer(FeaturizerConfig(text_embedder=name, d_in=24, char_dim=8, h_max=50, w_max=99))
    path = tmp_path / "featurizer.pt"
    atomic_torch_save(path, checkpoint.featurizer_checkpoint(featurizer))
    loaded = checkpoint.load_featurizer(path)
    assert loaded.config == featurizer.config
    for key, value in featurizer.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_loading_draws_no_random_numbers(tmp_path, small):
    path = tmp_path / "policy.pt"
    atomic_torch_save(path, checkpoint.policy_checkpoint(small()[0]))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    checkpoint.load_policy(path)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds a list; a checkpoint is a dict"),
        ({}, 'expected a checkpoint with "model_state_dict" and "config"'),
        ({"model_state_dict": {}}, 'expected a checkpoint with "model_state_dict" and "config"'),
        ({"model_state_dict": {}, "config": {}}, "missing weights"),
        ({"model_state_dict": {1: torch.zeros(1)}, "config": {}}, "missing weights"),
        (
            {"model_state_dict": {}, "config": {"d_model": None}},
            "d_model is null, expected a whole number from 1 to 4096",
        ),
        ({"featurizer_state_dict": {}, "config": {}}, 'expected a checkpoint with "model_state_dict"'),
    ],
)
def test_other_contents_are_refused(tmp_path, content, words):
    path = tmp_path / "policy.pt"
    torch.save(content, path)
    with pytest.raises(InputError, match=words) as raised:
        checkpoint.load_policy(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"format_version": FORMAT_VERSION + 1},
            f"format version {FORMAT_VERSION + 1} is newer than what this program reads",
        ),
        ({"pooling": "max"}, "pooling is \"max\", expected 'mean' or 'sum'"),
        ({"global_tokens": []}, "global_tokens is"),
        ({"history": 1}, "history is 1, expected true or false"),
        ({"dropout": float("nan")}, "dropout is NaN, expected a number from 0 to 0.9"),
        (
            {"backbone": "mamba"},
            "expected one of bigru, lg_transformer, lstm.*, or one that a module in CODEASSIST_MODULES registers",
        ),
        ({"predict_kept": False}, "unknown weights: kept_head"),
        ({"backbone": "lstm"}, "missing weights: backbone.after"),
    ],
)
def test_our_own_checkpoints_must_fit_too(small, change, words):
    content = checkpoint.policy_checkpoint(small()[0])
    content["config"] |= change
    with pytest.raises(InputError, match=words):
        checkpoint.policy_from(content, "policy.pt")


def test_missing_files_folders_and_another_backbone_are_named(tmp_path, small):
    with pytest.raises(InputError, match=r"absent\.pt: "):
        checkpoint.load_policy(tmp_path / "absent.pt")
    with pytest.raises(InputError, match=str(tmp_path)):
        checkpoint.load_policy(tmp_path)
    content = checkpoint.policy_checkpoint(Policy(ModelConfig(backbone="bigru", d_model=8, hidden=8)))
    with pytest.raises(InputError, match="has the backbone bigru, but lstm was asked for"):
        checkpoint.policy_from(content, "x", expect_backbone="lstm")


def test_weights_of_another_precision_are_read_as_single(small):
    content = checkpoint.policy_checkpoint(small()[0])
    content["model_state_dict"] = {name: value.double() for name, value in content["model_state_dict"].items()}
    loaded = checkpoint.policy_from(content, "x")
    assert all(value.dtype == torch.float32 for value in loaded.state_dict().values())


def test_a_config_far_larger_than_its_weights_is_refused_before_it_is_built(small, monkeypatch):
    policy, _, featurizer = small()
    content = checkpoint.policy_checkpoint(policy)
    content["config"] |= {"d_model": 4096, "n_layers": 64}
    monkeypatch.setattr(checkpoint, "Policy", lambda config: pytest.fail("it was built"))
    with pytest.raises(InputError, match=r"describes a network of 1[0-9,]{13} numbers, which does not fit the"):
        checkpoint.policy_from(content, "policy.pt")
    content = checkpoint.featurizer_checkpoint(featurizer)
    content["config"] |= {"char_dim": 4096, "text_embedder": "char_cnn"}
    monkeypatch.setattr(checkpoint, "Featurizer", lambda config: pytest.fail("it was built"))
    with pytest.raises(InputError, match=r"describes a network of .* numbers"):
        checkpoint.featurizer_from(content, "featurizer.pt")
