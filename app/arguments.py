"""What an argument may be: parsers that refuse with one line. Not here: which command takes which argument."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from config import MOST_PLIES
from errors import InputError

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are `InputError`s: one line, no usage text in front of it.

    Names are taken whole: what is an abbreviation today is ambiguous tomorrow.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.ArgumentDefaultsHelpFormatter)
        super().__init__(**{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise InputError(self.prog, f"{message} (--help shows all arguments)")


def boolean(text: str) -> bool:
    """`true`, `1`, `yes` or `false`, `0`, `no`, in any case."""
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def count(text: str) -> int:
    """A whole number, 0 or more."""
    return _whole(text, 0)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    return _whole(text, 1)


def plies(text: str) -> int:
    """Turns of a game: 1 to `MOST_PLIES`."""
    number = _whole(text, 1)
    if number > MOST_PLIES:
        raise argparse.ArgumentTypeError(f"{text!r} is too large, expected {MOST_PLIES} at most")
    return number


def seed(text: str) -> int:
    """A whole number that a random generator takes: 0 to 2^63 - 1."""
    number = _whole(text, 0)
    if number >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is too large, expected less than 2^63")
    return number


def port(text: str) -> int:
    """A TCP port: 1 to 65535."""
    number = _whole(text, 1)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, expected at most 65535")
    return number


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return number


def check_device(name: str) -> str:
    """`name` if there is such a device on this machine. Raises InputError. Loads torch only to look for a GPU."""
    if not _DEVICE.fullmatch(name):
        raise InputError("--device", f"unknown device {name!r}, expected cpu, cuda or cuda:N")
    if name != "cpu":
        import torch

        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = int(name.partition(":")[2] or 0)
        if index >= found:
            raise InputError("--device", f"there is no {name} on this machine ({found} GPUs found); use cpu")
    return name
