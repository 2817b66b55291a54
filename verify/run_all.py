"""`python -m verify.run_all`: all checks, one JSON report on stdout, exit code 0 or 2. Not here: the checks."""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":  # nothing has begun yet while modules are loaded
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))

import argparse
import json
from collections.abc import Sequence
from typing import NoReturn

import torch

from errors import InputError
from training.runs.determinism import usable_device
from verify import data, fitting, gradients, invariance, persistence, reinforcement, shapes
from verify.check import Check, Settings
from verify.report import report

CHECKS: tuple[Check, ...] = (
    *fitting.CHECKS,
    *reinforcement.CHECKS,
    *shapes.CHECKS,
    *gradients.CHECKS,
    *persistence.CHECKS,
    *invariance.CHECKS,
    *data.CHECKS,
)
"""The longest first, so that two processes end at about the same time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every check and prints the report; 2 if one failed."""
    try:
        options = _parser().parse_args(arguments)
        usable_device(options.device)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    found = report(CHECKS, Settings(options.device, options.seed), processes=min(2, os.cpu_count() or 1))
    print(json.dumps(found, indent=2, allow_nan=False))
    return 0 if found["overall_pass"] else 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(self.prog, f"{message} (--help shows all arguments)")


def _parser() -> _Parser:
    parser = _Parser(prog="python -m verify.run_all", description="Check this installation.", allow_abbrev=False)
    parser.add_argument("--device", default="cpu", help="where the networks compute: cpu, cuda, cuda:N (default: cpu)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: 0)")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
