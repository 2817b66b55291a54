"""`python -m verify.run_all`: all checks, one JSON report on stdout, exit code 0 or 2. Not here: the checks."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

import torch

from errors import InputError
from training.run import usable_device
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
    options = _parser().parse_args(arguments)
    try:
        usable_device(options.device)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    found = report(CHECKS, Settings(options.device, options.seed), processes=min(2, os.cpu_count() or 1))
    print(json.dumps(found, indent=2, allow_nan=False))
    return 0 if found["overall_pass"] else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m verify.run_all", description="Check this installation.")
    parser.add_argument("--device", default="cpu", help="where the networks compute: cpu, cuda, cuda:N (default: cpu)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: 0)")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
