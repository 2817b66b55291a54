"""Checkpoints: what is saved is what is loaded; anything else is refused in one line, and no code in them is run."""

import errno
import io
import os
import pickle

import pytest
import torch

from config import FORMAT_VERSION, FeaturizerConfig, ModelConfig
from errors import InputError
from featurizers import Featurizer
from files import translate_os_errors
from models import Policy, checkpoint

BACKBONES = ("lg_transformer", "lstm", "bigru")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_policy_comes_back_as_it_was(tmp_path, small, backbone):
    policy, _, _ = small(backbone=backbone)
    path = tmp_path / "policy.pt"
    checkpoint.atomic_torch_save(path, checkpoint.policy_checkpoint(policy, trained_on="person"))
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
    checkpoint.atomic_torch_save(path, checkpoint.featurizer_checkpoint(featurizer))
    loaded = checkpoint.load_featurizer(path)
    assert loaded.config == featurizer.config
    for key, value in featurizer.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_loading_draws_no_random_numbers(tmp_path, small):
    path = tmp_path / "policy.pt"
    checkpoint.atomic_torch_save(path, checkpoint.policy_checkpoint(small()[0]))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    checkpoint.load_policy(path)
    assert torch.equal(torch.rand(3), expected)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_a_file_that_was_cut_short_anywhere_is_refused_by_its_name(tmp_path, small):
    path, content = tmp_path / "policy.pt", saved(checkpoint.policy_checkpoint(small()[0]))
    for share in (0, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match=r"policy\.pt: not a checkpoint"):
            checkpoint.load_policy(path)


def test_damage_is_refused_or_harmless_and_never_a_traceback(tmp_path, small):
    path, content = tmp_path / "policy.pt", saved(checkpoint.policy_checkpoint(small()[0]))
    for i in range(60):
        damaged = bytearray(content)
        place = len(content) * i // 60
        damaged[place : place + 8] = b"\xff" * 8
        path.write_bytes(damaged)
        try:
            policy = checkpoint.load_policy(path)
        except InputError as error:
            assert str(path) in str(error)
        else:
            assert all(value.isfinite().all() for value in policy.state_dict().values())


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    "save", [saved, pickle.dumps, lambda content: saved({"model_state_dict": content, "config": {}})]
)
def test_code_in_a_checkpoint_is_not_run(tmp_path, save):
    path = tmp_path / "evil.pt"
    path.write_bytes(save(Evil(str(tmp_path / "owned"))))
    with pytest.raises(InputError, match=r"evil\.pt: not a checkpoint"):
        checkpoint.load_policy(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds a list; a checkpoint is a dict"),
        ({}, 'expected a checkpoint with "model_state_dict" and "config"'),
        ({"model_state_dict": {}}, 'expected a checkpoint with "model_state_dict" and "config"'),
        ({"model_state_dict": {}, "config": {}}, "missing weights"),
        ({"model_state_dict": {1: torch.zeros(1)}, "config": {}}, "missing weights"),
        ({"model_state_dict": {}, "config": {"d_model": None}}, "d_model is None, expected int"),
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
        ({"pooling": "max"}, "pooling is 'max', expected one of mean, sum"),
        ({"global_tokens": []}, "global_tokens is"),
        ({"history": 1}, "history is 1, expected bool"),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"backbone": "mamba"}, "expected one of bigru, lg_transformer, lstm"),
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


def test_a_disk_that_is_full_is_said_in_words(tmp_path, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self):
            pass

    def writing(path, write):
        with translate_os_errors(path):
            write(Full())

    monkeypatch.setattr(checkpoint, "atomic_write", writing)
    with pytest.raises(InputError, match=r"state\.pt: the disk is full"):
        checkpoint.atomic_torch_save(tmp_path / "state.pt", {"weights": torch.zeros(1000)})


def test_an_interrupt_while_weights_are_written_is_an_interrupt(tmp_path, monkeypatch):
    class Interrupted:
        writes = 0

        def write(self, data):
            self.writes += 1
            if self.writes == 3:  # then PyTorch misses what was not written, and says that instead
                raise KeyboardInterrupt
            return len(data)

        def flush(self):
            pass

    monkeypatch.setattr(checkpoint, "atomic_write", lambda path, write: write(Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        checkpoint.atomic_torch_save(tmp_path / "state.pt", {"weights": torch.zeros(1000)})
