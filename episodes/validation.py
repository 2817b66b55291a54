"""Is a value what its place in a format asks for? Messages name the place, what was found and what is expected.

A place is a chain, `((("f.json", "states"), 3), "text")`: cheap to hand down, put into words only when something is
wrong. Not here: what the values mean.
"""

from __future__ import annotations

import math
from typing import Any

from errors import InputError

Place = str | tuple["Place", str | int]

LIMIT = 2**53
"""Integers beyond are refused: JSON's readers agree on exact integers up to here only (RFC 8259, section 6)."""


def place_text(place: Place) -> str:
    """A place in words: `f.json, states[3].text`."""
    if isinstance(place, str):
        return place
    inner, step = place
    before = place_text(inner)
    if isinstance(step, int):
        return f"{before}[{step}]" if isinstance(inner, tuple) else f"{before}, entry {step}"
    return f"{before}.{step}" if isinstance(inner, tuple) else f"{before}, {step}"


def value_text(value: object) -> str:
    """A value as a message quotes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the text {value[:40]!r}" + ("..." if len(value) > 40 else "")
    if isinstance(value, int):
        return str(value) if abs(value) <= LIMIT else f"an integer of {value.bit_length()} bits"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, float) and math.isinf(value):  # JSON has no infinity, but numbers that no float holds
        return "a number too large"
    return "an object" if isinstance(value, dict) else str(value)


def unexpected(place: Place, value: object, expected: str) -> InputError:
    """The error to raise."""
    return InputError(place_text(place), f"found {value_text(value)}, expected {expected}")


def as_object(value: object, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise unexpected(place, value, "an object")
    return value


def as_list(value: object, place: Place, length: int | None = None) -> list[Any]:
    if not isinstance(value, list | tuple) or (length is not None and len(value) != length):
        actual = f"a list of {len(value)}" if isinstance(value, list | tuple) else value_text(value)
        raise InputError(place_text(place), f"found {actual}, expected a list" + (f" of {length}" if length else ""))
    return value  # type: ignore[return-value]  # a tuple serves as well


def optional_object(value: object, place: Place) -> dict[str, Any]:
    """An object; an empty one where there is none."""
    return {} if value is None else as_object(value, place)


def optional_list(value: object, place: Place) -> list[Any]:
    """A list; an empty one where there is none."""
    return [] if value is None else as_list(value, place)


def text(value: object, place: Place) -> str:
    if not isinstance(value, str):
        raise unexpected(place, value, "text")
    return value


def integer(value: object, place: Place, least: int = -LIMIT) -> int:
    """An integer from `least` on; 3.0 is one, true is not."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LIMIT:
        value = int(value)
    if type(value) is not int or not least <= value <= LIMIT:
        raise unexpected(place, value, _integer_text(value, least))
    return value


def _integer_text(value: object, least: int) -> str:
    """The integer that is expected; the bounds of all integers only where `value` is beyond them."""
    if isinstance(value, int | float) and abs(value) > LIMIT:
        return f"an integer from {'-2^53' if least == -LIMIT else least} to 2^53"
    return "an integer" if least == -LIMIT else f"an integer from {least} on"


def number(value: object, place: Place, least: float, most: float) -> float:
    """A finite number within bounds."""
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise unexpected(place, value, f"a number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]


def optional_text(value: object, place: Place) -> str | None:
    return None if value is None else text(value, place)


def optional_integer(value: object, place: Place, least: int = -LIMIT) -> int | None:
    return None if value is None else integer(value, place, least)


def optional_number(value: object, place: Place, least: float = -LIMIT, most: float = LIMIT) -> float | None:
    return None if value is None else number(value, place, least, most)


def optional_boolean(value: object, place: Place) -> bool | None:
    return None if value is None else boolean(value, place)


def boolean(value: object, place: Place) -> bool:
    if not isinstance(value, bool):
        raise unexpected(place, value, "true or false")
    return value


def flag(value: object, place: Place) -> int:
    """0 or 1, given as such or as a boolean."""
    if type(value) not in (int, bool, float) or value not in (0, 1):
        raise unexpected(place, value, "0, 1, true or false")
    return int(value)


def optional_milliseconds(value: object, place: Place) -> int | None:
    """Clocks give fractions of a millisecond; they are cut off."""
    if value is None:
        return None
    return int(number(value, place, 0, LIMIT))
