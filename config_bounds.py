"""Whether settings are of their type and within their bounds, wherever they come from: file, flag or checkpoint.

The bounds stand in `config.py`, at the settings. Not here: how a settings file is read, what fits into memory.
"""

from __future__ import annotations

import json
import math
import reprlib
import types
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from config import Bounds, FeaturizerConfig, ModelConfig
from errors import InputError

_BY_TYPE = {bool: "true or false", str: "text"}

_SETTING_TYPES: dict[type, Mapping[str, Any]] = {}


def setting_types(kind: type) -> Mapping[str, Any]:
    """The settings of a configuration class with their annotated types, in order."""
    if kind not in _SETTING_TYPES:
        _SETTING_TYPES[kind] = get_type_hints(kind, include_extras=True)
    return _SETTING_TYPES[kind]


def bounds_of(kind: type, name: str) -> Bounds:
    """The bounds of a setting. Raises KeyError: there is no such setting, or it has none."""
    (bounds,) = _bounds_in(setting_types(kind)[name]) or (None,)
    if bounds is None:
        raise KeyError(name)
    return bounds


def check_settings(config: object, where: str, prefix: str = "") -> None:
    """Raises InputError, which names the setting and its bounds, unless all settings can be used together."""
    for key, hint, value in _settings(config, prefix):
        check_value(hint, value, where, key)
    _check_together(config, where, prefix)


def check_value(hint: Any, value: object, where: str, key: str) -> Any:
    """`value` as the type says, whole numbers where numbers are expected made floats.

    hint: a setting's annotated type. Raises InputError: of another type, or out of bounds.
    """
    if get_origin(hint) in (types.UnionType, Union):  # of an annotated type it is the latter
        return None if value is None else check_value(get_args(hint)[0], value, where, key)
    if get_origin(hint) is Annotated:
        kind, bounds = get_args(hint)
        return _check_bounds(kind, bounds, value, where, key)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            _refuse(where, key, value, " or ".join(map(repr, get_args(hint))))
    elif get_origin(hint) is tuple:
        if not isinstance(value, list | tuple) or not value:
            _refuse(where, key, value, "a list of numbers")
        return tuple(check_value(get_args(hint)[0], inner, where, key) for inner in value)
    elif hint in _BY_TYPE and not isinstance(value, hint):
        _refuse(where, key, value, _BY_TYPE[hint])
    return value


def _check_bounds(kind: type, bounds: Bounds, value: object, where: str, key: str) -> Any:
    expected = _words(kind, bounds)
    if kind is str:
        if not isinstance(value, str) or not value.isprintable() or not bounds.least <= len(value) <= bounds.most:
            _refuse(where, key, value, expected)
        return value
    is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not is_number or not bounds.least <= value <= bounds.most:  # type: ignore[operator]
        _refuse(where, key, value, expected)
    return kind(value)


def _words(kind: type, bounds: Bounds) -> str:
    """What is expected, for a person."""
    if kind is str:
        return f"text of {bounds.least} to {bounds.most} characters in one line"
    number = "a whole number" if kind is int else "a number"
    if bounds.most == math.inf:
        return f"{number} of at least {bounds.least:g}"
    least, most = (f"{bound}" if kind is int else f"{bound:.10g}" for bound in (bounds.least, bounds.most))
    return f"{number} from {least} to {most}"


def _settings(config: object, prefix: str) -> Iterator[tuple[str, Any, object]]:
    """Dotted key, annotated type and value of each setting, those of the parts included."""
    for name, hint in setting_types(type(config)).items():
        value = getattr(config, name)
        if is_dataclass(value):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield prefix + name, hint, value


def _check_together(config: object, where: str, prefix: str) -> None:
    """What no bound of a single setting says."""
    model = config if isinstance(config, ModelConfig) else getattr(config, "model", None)
    featurizer = getattr(config, "featurizer", None)
    prefix = prefix if model is config else f"{prefix}model."
    if isinstance(model, ModelConfig) and model.d_model % model.n_heads:
        message = f"{prefix}d_model is {model.d_model}, expected a multiple of n_heads, which is {model.n_heads}"
        raise InputError(where, message)
    if isinstance(model, ModelConfig) and isinstance(featurizer, FeaturizerConfig) and featurizer.d_in != model.d_in:
        message = f"featurizer.d_in is {featurizer.d_in} and model.d_in is {model.d_in}, expected the same number"
        raise InputError(where, message)


def _bounds_in(hint: Any) -> list[Bounds]:
    parts = get_args(hint)
    if get_origin(hint) is Union:  # a number that may be left out
        parts = get_args(parts[0])
    return [extra for extra in parts if isinstance(extra, Bounds)]


def _refuse(where: str, key: str, value: object, expected: str) -> NoReturn:
    raise InputError(where, f"{key} is {short_form(value)}, expected {expected}")


def short_form(value: object) -> str:
    """A value of any size in a few words: a plain one as JSON writes it."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    if value is None or isinstance(value, bool | int | float | str):
        text = json.dumps(value)
        return text if len(text) <= 60 else text[:57] + "..."
    return reprlib.repr(value)
