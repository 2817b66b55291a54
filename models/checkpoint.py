"""Checkpoints of policies and featurizers: ours and imported ones, loaded whole or refused. Not here: which files.

A checkpoint is `{"model_state_dict" or "featurizer_state_dict", "config"}`; ours says in its config which format
version it has. One without a version comes from the system whose checkpoints are imported: it computes differently in
a few places, and its config is completed by the settings that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

import backbones
from config import FORMAT_VERSION, GOAL_DIM, MODULES, N_DECISIONS, FeaturizerConfig, ModelConfig
from config_bounds import check_settings, check_value, setting_types, short_form
from errors import InputError
from featurizers import Featurizer
from featurizers.embedders import embedder_names
from models.network_size import featurizer_parameters, policy_parameters
from models.policy import Policy
from models.pt_file import read_pt

POLICY_KEY, FEATURIZER_KEY = "model_state_dict", "featurizer_state_dict"

IMPORTED_MODEL = {"history": False, "predict_kept": False, "global_tokens": "restarted", "pooling": "sum"}
IMPORTED_FEATURIZER = {"line_ends": True}
"""Where imported models compute differently."""

FLOAT_TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SMALL_NETWORK = 1_000_000
"""Parameters that are built without asking."""

_OR_REGISTERED = f", or one that a module in {MODULES} registers"

C = TypeVar("C", ModelConfig, FeaturizerConfig)
M = TypeVar("M", Policy, Featurizer)


def policy_checkpoint(policy: Policy, **about: Any) -> dict[str, Any]:
    """What to save of a policy. about: further entries of its config (numbers, text, lists, dicts)."""
    return _checkpoint(POLICY_KEY, policy, asdict(policy.config), about)


def featurizer_checkpoint(featurizer: Featurizer, **about: Any) -> dict[str, Any]:
    """What to save of a featurizer. about: further entries of its config (numbers, text, lists, dicts)."""
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
    weights, settings = _weights_and_config(checkpoint, POLICY_KEY, where)
    imported = not _is_versioned(settings, where)
    if imported:
        _require_one_of(settings, "backbone", ("lg_transformer",), where)
    else:
        _require_one_of(settings, "backbone", backbones.names(), where, _OR_REGISTERED)
    for name, size in (("goal_dim", GOAL_DIM), ("n_actions", N_DECISIONS)):
        if name in settings and not (type(settings[name]) is int and settings[name] == size):
            raise InputError(where, f"config: {name} is {short_form(settings[name])}, expected {size}")
    if imported:
        settings = {**settings, **IMPORTED_MODEL, **_width_of_heads(weights)}
    config = _parse_config(ModelConfig(), settings, where)
    check_settings(config, where, "config: ")
    if expect_backbone is not None and config.backbone != expect_backbone:
        raise InputError(where, f"has the backbone {config.backbone}, but {expect_backbone} was asked for")
    _require_similar_size(policy_parameters(config), weights, where)
    return _build_and_load(Policy, config, weights, where, device)


def featurizer_from(checkpoint: Mapping[str, Any], where: str, device: torch.device | str = "cpu") -> Featurizer:
    """The featurizer in a checkpoint; `where` names it in errors. Raises InputError."""
    weights, settings = _weights_and_config(checkpoint, FEATURIZER_KEY, where)
    if not _is_versioned(settings, where):
        _require_one_of(settings, "text_embedder_type", ("mlp",), where)
        settings = {**settings, **IMPORTED_FEATURIZER}
    _require_one_of(settings, "text_embedder", embedder_names(), where, _OR_REGISTERED)
    config = _parse_config(FeaturizerConfig(), settings, where)
    _require_similar_size(featurizer_parameters(config), weights, where)
    return _build_and_load(Featurizer, config, weights, where, device)


def _weights_and_config(
    checkpoint: Mapping[str, Any], key: str, where: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    weights, config = checkpoint.get(key), checkpoint.get("config")
    if not isinstance(weights, dict) or not isinstance(config, dict):
        raise InputError(where, f'expected a checkpoint with "{key}" and "config"')
    for name, value in weights.items():
        if not _is_float_tensor(value):
            raise InputError(where, f"{name}: expected a dense tensor of floating-point numbers")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise InputError(where, f"{name}: shape {list(value.shape)} is larger than what the file has")
        if not value.float().isfinite().all():
            raise InputError(where, f"{name}: holds values that are not finite")
    return weights, config


def _is_float_tensor(value: object) -> bool:
    if not isinstance(value, Tensor) or value.is_nested or value.layout != torch.strided:
        return False
    return value.dtype in FLOAT_TYPES and value.device.type == "cpu"


def _is_versioned(config: Mapping[str, Any], where: str) -> bool:
    """Whether the checkpoint is ours. Raises InputError if it is of a newer version than this program."""
    if "format_version" not in config:
        return False
    version = config["format_version"]
    if type(version) is not int or version < 1:
        raise InputError(where, f"format version {short_form(version)} is not a version")
    if version > FORMAT_VERSION:
        newer = f"format version {short_form(version)} is newer than what this program reads ({FORMAT_VERSION})"
        raise InputError(where, newer)
    return True


def _require_one_of(
    config: Mapping[str, Any], name: str, names: tuple[str, ...], where: str, otherwise: str = ""
) -> None:
    if name in config and not (isinstance(config[name], str) and config[name] in names):
        raise InputError(
            where, f"config: {name} is {short_form(config[name])}, expected one of {', '.join(names)}{otherwise}"
        )


def _width_of_heads(weights: Mapping[str, Tensor]) -> dict[str, int]:
    """The setting `hidden` of an imported model, which only its shapes say."""
    bias = weights.get("action_head.line_mlp.0.bias")
    return {"hidden": len(bias)} if bias is not None and bias.ndim == 1 else {}


def _parse_config(default: C, settings: Mapping[str, Any], where: str) -> C:
    """The config in a checkpoint; what it does not say is as by default. Raises InputError: a value out of bounds."""
    hints = setting_types(type(default))
    values = {
        name: check_value(hint, settings[name], where, f"config: {name}")
        for name, hint in hints.items()
        if name in settings
    }
    return replace(default, **values)


def _require_similar_size(expected: int, weights: Mapping[str, Tensor], where: str) -> None:
    """Raises InputError if a network of `expected` parameters is far larger than the weights that it is to load.

    Building it would ask for memory that the file has no use for; which weights do not fit is found afterwards.
    """
    stored = sum(value.numel() for value in weights.values())
    if expected > 4 * stored + SMALL_NETWORK:
        message = (
            f"config: describes a network of {expected:,} numbers, which does not fit the {stored:,} of the weights"
        )
        raise InputError(where, message)


def _build_and_load(
    kind: Callable[[C], M], config: C, weights: Mapping[str, Tensor], where: str, device: torch.device | str
) -> M:
    with torch.random.fork_rng(devices=()):  # loading draws nothing from the caller's random numbers
        module = kind(config)
    expected = module.state_dict()
    missing_names, unknown_names = expected.keys() - weights.keys(), weights.keys() - expected.keys()
    for problem, names in (("missing", missing_names), ("unknown", unknown_names)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise InputError(where, f"{problem} weights: {', '.join(map(str, sorted(names, key=str)[:3]))}{more}")
    for name, value in expected.items():
        if weights[name].shape != value.shape:
            raise InputError(where, f"{name}: shape {list(weights[name].shape)}, expected {list(value.shape)}")
    module.load_state_dict(weights)
    return module.to(device).eval()
