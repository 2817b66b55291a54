"""Checkpoints of policies and featurizers: ours and imported ones, loaded whole or refused. Not here: which files.

A checkpoint is `{"model_state_dict" or "featurizer_state_dict", "config"}`; ours says in its config which format
version it has. One without a version comes from the system whose checkpoints are imported: it computes differently in
a few places, and its config is completed by the settings that say so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

import backbones
from config import FORMAT_VERSION, GOAL_DIM, N_DECISIONS, FeaturizerConfig, ModelConfig
from errors import InputError
from featurizers import Featurizer
from featurizers.embedders import embedder_names
from models.policy import Policy
from models.pt_file import read_pt

POLICY_KEY, FEATURIZER_KEY = "model_state_dict", "featurizer_state_dict"

IMPORTED_MODEL = {"history": False, "predict_kept": False, "global_tokens": "restarted", "pooling": "sum"}
IMPORTED_FEATURIZER = {"line_ends": True}
"""Where imported models compute differently."""

SIZES = (
    "d_in", "d_model", "n_layers", "n_global_tokens", "hidden", "layers", "surround_layers", "kernel_size", "char_dim",
)  # fmt: skip
LARGEST = 2**31 - 1
"""Of any whole number in a config: what tensors and arrays can be sized and divided by."""

MAY_BE_ZERO = ("radius", "surround_layers")
CHOICES = {"global_tokens": ("carried", "restarted"), "pooling": ("mean", "sum")}

C = TypeVar("C", ModelConfig, FeaturizerConfig)
M = TypeVar("M", Policy, Featurizer)


def policy_checkpoint(policy: Policy, **about: Any) -> dict[str, Any]:
    """What to save of a policy. about: further entries of its config (numbers, text, lists, dicts)."""
    return _checkpoint(POLICY_KEY, policy, asdict(policy.config), about)


def featurizer_checkpoint(featurizer: Featurizer, **about: Any) -> dict[str, Any]:
    """The same of a featurizer."""
    return _checkpoint(FEATURIZER_KEY, featurizer, asdict(featurizer.config), about)


def _checkpoint(key: str, module: nn.Module, config: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    weights = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in module.state_dict().items()
    }
    return {key: weights, "config": {**config, "format_version": FORMAT_VERSION, **about}}


def load_policy(path: Path, device: torch.device | str = "cpu", expect_backbone: str | None = None) -> Policy:
    """The policy in a file, in eval mode. Raises InputError unless all of it is there and fits."""
    return policy_from(read_pt(path), str(path), device, expect_backbone)


def load_featurizer(path: Path, device: torch.device | str = "cpu") -> Featurizer:
    """The featurizer in a file, in eval mode. Raises InputError unless all of it is there and fits."""
    return featurizer_from(read_pt(path), str(path), device)


def policy_from(
    checkpoint: Mapping[str, Any], where: str, device: torch.device | str = "cpu", expect_backbone: str | None = None
) -> Policy:
    """The policy in a checkpoint; `where` names it in errors. Raises InputError."""
    weights, given = _weights_and_config(checkpoint, POLICY_KEY, where)
    imported = not _versioned(given, where)
    known = ("lg_transformer",) if imported else backbones.names()
    _one_of(given, "backbone", known, where)
    for name, size in (("goal_dim", GOAL_DIM), ("n_actions", N_DECISIONS)):
        if name in given and not (type(given[name]) is int and given[name] == size):
            raise InputError(where, f"config: {name} is {given[name]!r}, expected {size}")
    if imported:
        given = {**given, **IMPORTED_MODEL}
        head = weights.get("action_head.line_mlp.0.bias")
        if head is not None and head.ndim == 1:  # the heads' width stands in their shapes alone
            given["hidden"] = len(head)
    config = _parse_config(ModelConfig(), given, weights, where)
    if config.d_model % config.n_heads:
        raise InputError(where, f"config: d_model {config.d_model} is not a multiple of n_heads {config.n_heads}")
    if expect_backbone is not None and config.backbone != expect_backbone:
        raise InputError(where, f"has the backbone {config.backbone}, but {expect_backbone} was asked for")
    return _build_and_load(Policy, config, weights, where, device)


def featurizer_from(checkpoint: Mapping[str, Any], where: str, device: torch.device | str = "cpu") -> Featurizer:
    """The featurizer in a checkpoint; `where` names it in errors. Raises InputError."""
    weights, given = _weights_and_config(checkpoint, FEATURIZER_KEY, where)
    if not _versioned(given, where):
        _one_of(given, "text_embedder_type", ("mlp",), where)
        given = {**given, **IMPORTED_FEATURIZER}
    _one_of(given, "text_embedder", embedder_names(), where)
    return _build_and_load(Featurizer, _parse_config(FeaturizerConfig(), given, weights, where), weights, where, device)


def _weights_and_config(
    checkpoint: Mapping[str, Any], key: str, where: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    weights, config = checkpoint.get(key), checkpoint.get("config")
    if not isinstance(weights, dict) or not isinstance(config, dict):
        raise InputError(where, f'expected a checkpoint with "{key}" and "config"')
    for name, value in weights.items():
        if not _is_float_tensor(value):
            raise InputError(where, f"{name}: expected a dense tensor of floating-point numbers")
        if not value.float().isfinite().all():
            raise InputError(where, f"{name}: holds values that are not finite")
    return weights, config


def _is_float_tensor(value: object) -> bool:
    if not isinstance(value, Tensor) or value.is_nested or value.layout != torch.strided:
        return False
    return value.is_floating_point() and value.device.type == "cpu"


def _versioned(config: Mapping[str, Any], where: str) -> bool:
    """Whether the checkpoint is ours. Raises InputError if it is of a newer version than this program."""
    if "format_version" not in config:
        return False
    version = config["format_version"]
    if type(version) is not int or version < 1:
        raise InputError(where, f"format version {version!r} is not a version")
    if version > FORMAT_VERSION:
        raise InputError(where, f"format version {version} is newer than what this program reads ({FORMAT_VERSION})")
    return True


def _one_of(config: Mapping[str, Any], name: str, known: tuple[str, ...], where: str) -> None:
    if name in config and not (isinstance(config[name], str) and config[name] in known):
        raise InputError(where, f"config: {name} is {config[name]!r}, expected one of {', '.join(known)}")


def _parse_config(default: C, given: Mapping[str, Any], weights: Mapping[str, Tensor], where: str) -> C:
    """The config in a checkpoint; what it does not say is as by default. Raises InputError on a value that cannot be.

    Sizes are held against the weights first, so that a damaged config does not ask for all the memory there is.
    """
    largest = max((size for value in weights.values() for size in value.shape), default=0)
    largest = max(largest, len(weights))
    values: dict[str, Any] = {}
    for field in fields(default):
        if field.name not in given:
            continue
        value, usual = given[field.name], getattr(default, field.name)
        if field.name in CHOICES:
            _one_of(given, field.name, CHOICES[field.name], where)
        if type(value) is int and value > LARGEST:
            raise InputError(where, f"config: {field.name} is more than {LARGEST}")
        if isinstance(usual, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(usual):
            raise InputError(where, f"config: {field.name} is {value!r}, expected {type(usual).__name__}")
        if isinstance(value, float) and not (0.0 <= value < 1.0 if field.name == "dropout" else 0.0 < value < math.inf):
            raise InputError(where, f"config: {field.name} is {value}")
        if type(value) is int and value < (0 if field.name in MAY_BE_ZERO else 1):
            raise InputError(where, f"config: {field.name} is {value}, which is too small")
        if field.name in SIZES and value > largest:
            raise InputError(where, f"config: {field.name} is {value}, which does not fit the weights' shapes")
        values[field.name] = value
    return replace(default, **values)


def _build_and_load(
    kind: Callable[[C], M], config: C, weights: Mapping[str, Tensor], where: str, device: torch.device | str
) -> M:
    with torch.random.fork_rng(devices=()):  # loading draws nothing from the caller's random numbers
        module = kind(config)
    expected = module.state_dict()
    for what, names in (("missing", expected.keys() - weights.keys()), ("unknown", weights.keys() - expected.keys())):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise InputError(where, f"{what} weights: {', '.join(map(str, sorted(names, key=str)[:3]))}{more}")
    for name, value in expected.items():
        if weights[name].shape != value.shape:
            found, wanted = list(weights[name].shape), list(value.shape)
            raise InputError(where, f"{name}: shape {found}, expected {wanted}")
    module.load_state_dict(weights)
    return module.to(device).eval()
