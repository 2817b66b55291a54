"""The commands of an installation: `codeassist`, `codeassist-tasks`, `codeassist-verify`. Not here: what they do.

The current folder comes last on the path of imports: plug-ins in it are found, and a `config.py` or `state.py` of a
person's own hides none of our modules.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from app.startup import append_current_folder, prepare_process


def codeassist() -> NoReturn:
    """`python run.py`."""
    _prepare()
    from app.main_wrapper import exit_with
    from run import main

    exit_with(main())


def codeassist_tasks() -> NoReturn:
    """`python -m cli.run_tasks`."""
    _prepare()
    from app.main_wrapper import exit_with
    from cli.run_tasks import main

    exit_with(main())


def codeassist_verify() -> NoReturn:
    """`python -m verify.run_all`."""
    _prepare()
    from app.main_wrapper import exit_with
    from verify.run_all import main

    exit_with(main())


def _prepare() -> None:
    prepare_process()
    folder = str(Path(__file__).resolve().parent)
    if folder not in sys.path:  # an editable installation finds our modules after all of the path
        sys.path.append(folder)
    append_current_folder()
