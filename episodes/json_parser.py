"""Strict JSON out of files, with values that repeat built once.

A recorded session repeats itself: each of its states carries hundreds of attribution entries, nearly all of them equal
to the one before or to the same one a state earlier. Equal text has equal meaning, so such an entry is recognised by
comparing its text and shares one parsed object. Everything else goes through the standard library's scanner; the
values are those of `json.loads`. Not here: what the values mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from errors import InputError
from files import translate_os_errors
from strict_json import refuse_constant

Reader = Callable[[str, int], tuple[Any, int]]
"""Reads the value that begins at a position of a text: `(value, position after it)`."""

_RUN = 32768
"""Characters of repeated entries recognised in one comparison."""


_SPACE = re.compile(r"[ \t\n\r]*")
_TEXT_OR_NO_NUMBER = re.compile(r'"(?:[^"\\]++|\\.)*+"|(NaN|-?Infinity|\d{4301,})', re.DOTALL)
"""A text, or (group 1) what is written like a number and cannot be one: of digits `int` reads 4300."""
any_value: Reader = json.JSONDecoder(parse_constant=refuse_constant).raw_decode
"""Reads whatever comes."""


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises InputError: it cannot be opened or read, or is no file."""
    try:
        with translate_os_errors(path):
            return path.read_bytes()
    except ValueError as error:  # a path that no file can have
        raise InputError(str(path), f"cannot be read: {error}") from None


def decode(content: bytes, where: str) -> str:
    """UTF-8 text without a byte order mark. Raises InputError: it is not UTF-8."""
    try:
        return content.decode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}, byte {error.start}", "is not UTF-8 text") from None


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, without a byte order mark. Raises InputError as `read_bytes` and `decode` do."""
    return decode(read_bytes(path), str(path))


def parse(text: str, where: str, reader: Reader = any_value, *, line: int | None = None) -> Any:
    """The JSON value of a whole text.

    line: the number that the text's only line has in its file, for messages. Raises InputError: not strict JSON (NaN
    and Infinity are none), truncated, nested too deep, or an integer of thousands of digits.
    """
    try:
        start = _skip(text, 0)
        if start == len(text):
            raise InputError(where, "is empty, expected JSON")
        value, end = reader(text, start)
        end = _skip(text, end)
        if end != len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except json.JSONDecodeError as error:
        raise _not_json(text, error.pos, error.msg, where, line) from None
    except RecursionError:
        raise InputError(where, "is nested too deep to be read") from None
    except ValueError as error:
        raise _not_a_number(text, str(error), where, line) from None
    return value


def objects(keys: Mapping[str, Reader]) -> Reader:
    """Objects whose values under `keys` have readers of their own; any other value is read as it comes."""

    def read(text: str, at: int) -> tuple[Any, int]:
        if not text.startswith("{", at):
            return any_value(text, at)
        members: dict[str, Any] = {}
        at = _skip(text, at + 1)
        if text.startswith("}", at):
            return members, at + 1
        while True:
            if not text.startswith('"', at):
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
            key, at = any_value(text, at)
            at = _skip(text, at)
            if not text.startswith(":", at):
                raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
            members[key], at = keys.get(key, any_value)(text, _skip(text, at + 1))
            at = _skip(text, at)
            if text.startswith("}", at):
                return members, at + 1
            at = _after_comma(text, at)

    return read


def arrays(element: Reader) -> Reader:
    """Arrays whose elements are read by `element`."""

    def read(text: str, at: int) -> tuple[Any, int]:
        if not text.startswith("[", at):
            return any_value(text, at)
        elements: list[Any] = []
        at = _skip(text, at + 1)
        if text.startswith("]", at):
            return elements, at + 1
        while True:
            value, at = element(text, at)
            elements.append(value)
            at = _skip(text, at)
            if text.startswith("]", at):
                return elements, at + 1
            at = _after_comma(text, at)

    return read


def repeating_arrays() -> Reader:
    """Arrays of objects in which elements repeat, within one array and from one array to the next."""
    earlier: list[tuple[str, Any]] = []  # text and value of the latest array's elements

    def element(text: str, at: int, i: int) -> tuple[str, Any]:
        if i < len(earlier) and text.startswith(earlier[i][0], at):
            return earlier[i]
        value, end = any_value(text, at)
        return text[at:end], value

    def read(text: str, start: int) -> tuple[Any, int]:
        nonlocal earlier
        first = _skip(text, start + 1)
        if not text.startswith("[", start) or not text.startswith("{", first):
            return arrays(any_value)(text, start)
        elements = [element(text, first, 0)]
        at = first + len(elements[0][0])
        more = run = ""  # what one more of the same looks like, comma included, and a run of these
        while True:
            if run and text.startswith(run, at):
                elements += [elements[-1]] * (len(run) // len(more))
                at += len(run)
            elif more and text.startswith(more, at):
                elements.append(elements[-1])
                at += len(more)
                run = run or more * max(1, _RUN // len(more))
            else:
                after = _skip(text, at)
                if text.startswith("]", after):
                    earlier = elements
                    return [value for _, value in elements], after + 1
                begin = _after_comma(text, after)
                if not text.startswith("{", begin):  # only an object ends where its text ends: 1 also begins 12
                    return arrays(any_value)(text, start)
                elements.append(element(text, begin, len(elements)))
                begin += len(elements[-1][0])
                more, run, at = text[at:begin], "", begin

    return read


def _skip(text: str, at: int) -> int:
    """The position of what follows the white space at a position."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _after_comma(text: str, at: int) -> int:
    if not text.startswith(",", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return _skip(text, at + 1)


def _not_json(text: str, at: int, message: str, where: str, line: int | None) -> InputError:
    ends = ": it ends too early" if not text[at:].strip() else ""
    message = (message[:1].lower() + message[1:]).removesuffix(" at")  # the place is said before
    return InputError(_place(text, at, where, line), f"is not JSON{ends} ({message})")


def _not_a_number(text: str, message: str, where: str, line: int | None) -> InputError:
    """The scanner does not say where; it is the first of its kind, because all before it has been read."""
    for match in _TEXT_OR_NO_NUMBER.finditer(text):
        if match[1]:
            where = _place(text, match.start(), where, line)
            message = f"an integer of {len(match[1])} digits" if match[1].isdecimal() else message
            break
    return InputError(where, f"is not readable JSON: {message}")


def _place(text: str, at: int, where: str, line: int | None) -> str:
    row = line if line is not None else text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return f"{where}, line {row}, column {column}"
