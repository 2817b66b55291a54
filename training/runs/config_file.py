"""training_config.json to a `LoopConfig`: every key known, every value of its type and range. Not here: defaults."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import files
from config import MODULES, LoopConfig
from config_bounds import check_settings, check_value, setting_types, short_form
from errors import InputError
from strict_json import refuse_constant
from training.runs.telemetry_url import check_telemetry_url

T = TypeVar("T")

DEFAULT_PATH = Path("training_config.json")


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
    if not content.strip():
        raise InputError(str(path), "is empty, expected JSON")
    try:
        return json.loads(content, parse_constant=refuse_constant, object_pairs_hook=_unique_keys)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, byte {error.start}", "is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        place = f"{path}, line {error.lineno}, column {error.colno}"
        raise InputError(place, f"is not JSON ({error.msg[0].lower()}{error.msg[1:]})") from None
    except RecursionError:
        raise InputError(str(path), "is nested too deep to be read") from None
    except ValueError as error:  # what the standard library lets pass, and an integer of thousands of digits
        raise InputError(str(path), f"is not JSON ({error})") from None


def require_registered(config: LoopConfig, file: str, typed: Container[str] = ()) -> None:
    """Raises InputError if nobody has registered the configuration's backbone or text embedder. Loads PyTorch.

    typed: names of the settings that come from a flag and not from the file.
    """
    import backbones
    from featurizers.embedders import embedder_names

    for section, key, value, names in (
        ("model", "backbone", config.model.backbone, backbones.names()),
        ("featurizer", "text_embedder", config.featurizer.text_embedder, embedder_names()),
    ):
        if value not in names:
            subject = f"found {json.dumps(value)}" if key in typed else f"{section}.{key} is {json.dumps(value)}"
            expected = f"one of {', '.join(names)}, or one that a module in {MODULES} registers"
            raise InputError(f"--{key}" if key in typed else file, f"{subject}, expected {expected}")


def parse_config(value: object, where: str, defaults: LoopConfig | None = None) -> LoopConfig:
    """A configuration from its JSON value; absent keys have their defaults. Raises InputError."""
    config = _parse_object(defaults or LoopConfig(), value, where, "")
    if config.telemetry_url is not None:
        check_telemetry_url(config.telemetry_url, f"{where}, telemetry_url")
    check_settings(config, where)
    return config


def keys(kind: type = LoopConfig, prefix: str = "") -> list[str]:
    """All keys in dotted form, in order."""
    names: list[str] = []
    for name, hint in setting_types(kind).items():
        names += keys(hint, f"{prefix}{name}.") if is_dataclass(hint) else [prefix + name]  # type: ignore[arg-type]
    return names


def _parse_object(default: T, value: object, where: str, prefix: str) -> T:
    if not isinstance(value, dict):
        raise InputError(where, f"{prefix.rstrip('.') or 'the file'} is {short_form(value)}, expected an object")
    hints = setting_types(type(default))
    settings = {name: getattr(default, name) for name in hints}
    for key, inner in value.items():
        if key not in hints:
            nearest = get_close_matches(key, hints, n=1, cutoff=0) or list(hints)
            raise InputError(where, f"unknown key {prefix + key!r}; the nearest known one is {prefix + nearest[0]!r}")
        if is_dataclass(hints[key]):
            settings[key] = _parse_object(settings[key], inner, where, f"{prefix}{key}.")
        else:
            settings[key] = check_value(hints[key], inner, where, prefix + key)
    return type(default)(**settings)


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {short_form(key)} stands there twice")
        values[key] = value
    return values
