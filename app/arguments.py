"""What an argument may be: parsers that refuse with one line. Not here: which command takes which argument."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from config import LearningConfig
from config_bounds import bounds_of
from errors import InputError

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_DEVICE = re.compile(r"cpu|cuda(:\d{1,4})?")
_LONGEST_NUMBER = 19
"""Digits of the largest number that any argument takes."""


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not that a flag is absent unless it is typed."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        is_absent = action.default is None or action.default is False or action.default == ""
        return action.help if is_absent else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `InputError`s: one line, no usage text in front of it.

    Flags have to be written in full: what is an abbreviation today is ambiguous tomorrow.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _HelpFormatter)
        super().__init__(**{**options, "allow_abbrev": False})

    def _print_message(self, message: str, file: Any = None) -> None:
        """As every output: what cannot be written is an error (argparse lets it pass)."""
        if message:
            print(message, end="", file=file or sys.stderr, flush=True)

    def error(self, message: str) -> NoReturn:
        raise InputError(self.prog, f"{message} (--help shows all arguments)")


def add_path(
    arguments: argparse._ActionsContainer, flag: str, description: str, *, metavar: str = "FILE", **options: Any
) -> None:
    """Adds a flag that takes a file or folder; what is not given is not in the parsed options."""
    arguments.add_argument(flag, type=path, default=argparse.SUPPRESS, metavar=metavar, help=description, **options)


def boolean(text: str) -> bool:
    """`true`, `1`, `yes` or `false`, `0`, `no`, in any case."""
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise argparse.ArgumentTypeError(f"{_quoted(text)} is neither true nor false")


def path(text: str) -> Path:
    """A file or folder, which may be missing; an empty text is not the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is empty, expected a path")
    return Path(text)


def nonempty(text: str) -> str:
    """The name of something; an empty text names nothing."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is empty, expected a name")
    return text


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    return whole_number(text, 1, 2**63 - 1)


def setting(kind: type, name: str) -> Callable[[str], int]:
    """The parser of a flag that is a whole number of the configuration: within the bounds that hold everywhere."""
    bounds = bounds_of(kind, name)

    def parse(text: str) -> int:
        return whole_number(text, int(bounds.least), int(bounds.most))

    return parse


def seed(text: str) -> int:
    """A whole number that a random generator takes: 0 to 2^63 - 1."""
    return setting(LearningConfig, "seed")(text)


def port(text: str) -> int:
    """A TCP port: 1 to 65535; 0: any that is free."""
    return whole_number(text, 0, 65535)


def descriptor(text: str) -> int:
    """The number of a descriptor that is open, beside the standard ones."""
    number = whole_number(text, 3, 2**31 - 1)
    try:
        os.fstat(number)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no open descriptor") from error
    return number


def whole_number(text: str, least: int, most: int) -> int:
    """The number that `text` is. Raises ArgumentTypeError, with the bound that it breaks, if it is not within both."""
    if not re.fullmatch(r"[+-]?\d+", text.strip()):
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is not a whole number")
    digits = text.strip().lstrip("+-0")
    too_long = len(digits) > _LONGEST_NUMBER
    number = 10**_LONGEST_NUMBER * (-1 if "-" in text else 1) if too_long else int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is too small, expected at least {least}")
    if number > most:
        raise argparse.ArgumentTypeError(f"{_quoted(text)} is too large, expected at most {most}")
    return number


def check_device(name: str, where: str = "--device") -> str:
    """`name` if there is such a device on this machine. Loads torch only to look for a GPU.

    Raises InputError, which says `where` the name was given.
    """
    if not _DEVICE.fullmatch(name):
        raise InputError(where, f"unknown device {_quoted(name)}, expected cpu, cuda or cuda:N")
    if name != "cpu":
        import torch

        available = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = int(name.partition(":")[2] or 0)
        if index >= available:
            raise InputError(where, f"there is no {name} on this machine ({available} GPUs found); use cpu")
    return name


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:57]!r}..."
