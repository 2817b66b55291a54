"""`python -m verify.run_all`: every check, one JSON report on stdout, exit code 0 or 2. Not here: the checks."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence

import torch

from errors import InputError
from verify import data, fitting, gradients, invariance, persistence, reinforcement, shapes
from verify.check import THRESHOLDS, Check, Result, Settings, strict

CHECKS: tuple[Check, ...] = (
    *shapes.CHECKS,
    *invariance.CHECKS,
    *data.CHECKS,
    *gradients.CHECKS,
    *persistence.CHECKS,
    *fitting.CHECKS,
    *reinforcement.CHECKS,
)

THREADS = 2
"""More only wait for each other: the networks and their batches are small."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every check and prints the report; 2 if one failed."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings(device=usable_device(options.device), seed=options.seed)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    torch.set_num_threads(min(THREADS, torch.get_num_threads()))
    report = run(CHECKS, settings)
    print(json.dumps(report, indent=2, allow_nan=False))
    return 0 if report["overall_pass"] else 2


def run(checks: Sequence[Check], settings: Settings) -> Result:
    """The report: `overall_pass`, `thresholds`, `results` by name of the check. What a check raises fails it."""
    results = {}
    for check in checks:
        start = time.monotonic()
        result = outcome(check, settings)
        results[check.name] = {**result, "seconds": round(time.monotonic() - start, 2)}
        verdict = "passed" if result["passed"] else "FAILED"
        print(f"{check.name:24} {verdict}  {results[check.name]['seconds']:6.2f} s", file=sys.stderr, flush=True)
    overall = all(result["passed"] for result in results.values())
    return {"overall_pass": overall, "thresholds": dict(THRESHOLDS), "results": results}


def outcome(check: Check, settings: Settings) -> Result:
    """The check's result as JSON values; its numbers are null if it raised or they are not finite."""
    try:
        result = check.run(settings)
    except Exception as error:  # A check that breaks has found something: the report says so, the others go on.
        traceback.print_exc(file=sys.stderr)
        result = {"passed": False, "error": f"{type(error).__name__}: {error}"}
    return {**dict.fromkeys(check.numbers), **{key: strict(value) for key, value in result.items()}}


def usable_device(name: str) -> str:
    """`name` if a tensor can be made there, else InputError."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError("--device", f"{name} cannot be used here ({str(error).splitlines()[0]})") from None
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m verify.run_all", description=__doc__)
    parser.add_argument("--device", default="cpu", help="where the networks compute, e.g. cpu or cuda:0")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic states and of the networks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
