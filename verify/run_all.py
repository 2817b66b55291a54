"""`python -m verify.run_all`: all checks, one JSON report on stdout, exit code 0 or 2. Not here: the checks."""

from __future__ import annotations

from app.startup import announce_loading, prepare_process

if __name__ == "__main__":
    prepare_process()

import argparse
import json
import os
from collections.abc import Sequence

from app.arguments import Parser, check_device, seed
from app.command_names import VERIFY
from app.main_wrapper import exit_with, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every check and prints the report; returns the exit code, 2 if one failed."""
    return run_command(lambda: _run(parser().parse_args(arguments)))


def parser() -> Parser:
    """The command's arguments."""
    command = Parser(prog=VERIFY, description="Check this installation.")
    command.add_argument("--device", default="cpu", help="where the networks compute: cpu, cuda or cuda:N")
    command.add_argument("--seed", type=seed, default=0, metavar="N", help="of all random choices")
    return command


def _run(options: argparse.Namespace) -> int:
    check_device(options.device)
    announce_loading()
    import torch

    from training.runs.requirements import usable_device
    from verify import all_checks
    from verify.check import CheckSettings
    from verify.report import report

    usable_device(options.device)
    torch.set_num_threads(1)
    settings = CheckSettings(options.device, options.seed)
    answer = report(all_checks.CHECKS, settings, processes=min(2, os.cpu_count() or 1))
    print(json.dumps(answer, indent=2, allow_nan=False))
    return 0 if answer["overall_pass"] else 2


if __name__ == "__main__":
    exit_with(main())
