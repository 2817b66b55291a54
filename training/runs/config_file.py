"""training_config.json to a `LoopConfig`: every key known, every value of its type and range. Not here: defaults."""

from __future__ import annotations

import json
import math
import types
from dataclasses import is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

import files
from config import MOST_PLIES, LoopConfig, RewardWeights
from errors import InputError
from training.runs.telemetry_url import check_telemetry_url

T = TypeVar("T")

DEFAULT_PATH = Path("training_config.json")

_SHARES = {
    "held_out_share", "validation_share", "dropout", "gamma", "gae_lambda", "discount", "sample_size_floor",
    "recorded_share",
}  # fmt: skip
_MAY_BE_ZERO = {
    "epochs",
    "seed",
    "layers",
    "n_layers",
    "surround_layers",
    "n_global_tokens",
    "radius",
}


_AT_MOST = {"horizon": MOST_PLIES, "simulations": 10_000, "passes": 1_000}
"""Beyond which an epoch would hardly end, or not fit into memory."""


def read_config(path: Path | None = None) -> LoopConfig:
    """The configuration in `path`; without a path `training_config.json` if there is one, else the defaults.

    Raises InputError: no such file, no JSON, an unknown key (names the nearest known one), a wrong type or range.
    """
    if path is None:
        if not DEFAULT_PATH.exists():
            return LoopConfig()
        path = DEFAULT_PATH
    return parse_config(read_settings(path), str(path))


def read_settings(path: Path) -> object:
    """The JSON value in a settings file, not yet checked. Raises InputError: no such file, no JSON."""
    with files.translate_os_errors(path):
        content = path.read_bytes()
    try:
        return json.loads(content, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"not valid JSON: {error}") from error


def require_registered(config: LoopConfig, where: str) -> None:
    """Raises InputError if nobody has registered the configuration's backbone or text embedder. Loads PyTorch."""
    import backbones
    from featurizers.embedders import embedder_names

    for key, name, names in (
        ("model.backbone", config.model.backbone, backbones.names()),
        ("featurizer.text_embedder", config.featurizer.text_embedder, embedder_names()),
    ):
        if name not in names:
            raise InputError(where, f"{key} is {json.dumps(name)}, expected one of {', '.join(names)}")


def parse_config(value: object, where: str, defaults: LoopConfig | None = None) -> LoopConfig:
    """A configuration from its JSON value; absent keys have their defaults. Raises InputError."""
    config = _object(defaults or LoopConfig(), value, where, "")
    if config.telemetry_url is not None:
        check_telemetry_url(config.telemetry_url, f"{where}, telemetry_url")
    if config.featurizer.d_in != config.model.d_in:
        raise InputError(where, "featurizer.d_in and model.d_in differ, expected the same number")
    if config.rewards.clip <= 0:
        raise InputError(where, f"rewards.clip is {config.rewards.clip}, expected a number above 0")
    if config.model.d_model % config.model.n_heads:
        raise InputError(where, "model.d_model is not a multiple of model.n_heads")
    return config


def keys(kind: type = LoopConfig, prefix: str = "") -> list[str]:
    """All keys in dotted form, in order."""
    found = []
    for name, hint in _hints(kind).items():
        found += keys(hint, f"{prefix}{name}.") if _nested(hint) else [prefix + name]
    return found


def _object(default: T, value: object, where: str, prefix: str) -> T:
    if not isinstance(value, dict):
        raise InputError(where, f"{prefix.rstrip('.') or 'the file'} is {_kind(value)}, expected an object")
    hints = _hints(type(default))
    given = {}
    for key, inner in value.items():
        if key not in hints:
            nearest = get_close_matches(key, hints, n=1, cutoff=0) or list(hints)
            raise InputError(where, f"unknown key {prefix + key!r}; the nearest known one is {prefix + nearest[0]!r}")
        if _nested(hints[key]):
            given[key] = _object(getattr(default, key), inner, where, f"{prefix}{key}.")
        else:
            given[key] = _value(hints[key], inner, where, prefix + key, signed=isinstance(default, RewardWeights))
    return type(default)(**{**{name: getattr(default, name) for name in hints}, **given})


def _value(hint: Any, value: object, where: str, key: str, *, signed: bool) -> object:
    name = key.rpartition(".")[2]
    if isinstance(hint, types.UnionType):
        if value is None and types.NoneType in get_args(hint):
            return None
        (hint,) = (kind for kind in get_args(hint) if kind is not types.NoneType)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            _refuse(where, key, value, " or ".join(map(repr, get_args(hint))))
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or not value:
            _refuse(where, key, value, "a list of numbers")
        return tuple(_value(get_args(hint)[0], inner, where, key, signed=signed) for inner in value)
    if hint is float:
        return _number(value, where, key, least=-math.inf if signed else 0.0, most=1.0 if name in _SHARES else math.inf)
    if hint is int:
        least = 0 if name in _MAY_BE_ZERO else 1
        most = _AT_MOST.get(name, 2**63 - 1)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            bounds = f"a whole number of at least {least}" + f" and at most {most}" * (name in _AT_MOST)
            _refuse(where, key, value, bounds)
    elif not isinstance(value, hint):
        _refuse(where, key, value, {bool: "true or false", str: "text"}[hint])
    return value


def _number(value: object, where: str, key: str, least: float, most: float) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or not least <= value <= most:  # type: ignore[operator]
        bounds = "a number" if least < 0 else "a number of at least 0" if most > 1 else "a number from 0 to 1"
        _refuse(where, key, value, bounds)
    return float(value)  # type: ignore[arg-type]


def _refuse(where: str, key: str, value: object, expected: str) -> NoReturn:
    raise InputError(where, f"{key} is {_kind(value)}, expected {expected}")


def _kind(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise ValueError(f"the key {twice[0]!r} stands there twice")
    return dict(pairs)


def _nested(hint: object) -> bool:
    return is_dataclass(hint)


def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
