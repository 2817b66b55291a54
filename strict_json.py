"""JSON as its standard has it: no NaN, no Infinity. Not here: what is read and written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn


def dumps(value: object, indent: int | None = None) -> str:
    """`value` as JSON text, in one line without `indent`; a number that is not finite becomes null."""
    return json.dumps(finite_or_null(value), indent=indent, allow_nan=False)


def finite_or_null(value: object) -> object:
    """`value` with None in place of every float, at any depth, that is not finite; tuples become lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite_or_null(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_null(element) for element in value]
    return value


def refuse_constant(word: str) -> NoReturn:
    """Raises ValueError: JSON has no such number. For `parse_constant` of `json`, which reads NaN and Infinity."""
    raise ValueError(f"{word} is not a JSON number")
