"""How a person starts the commands: from a checkout, or by the console scripts of an installation."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote

from data_paths import REPOSITORY, VARIABLE, DataPaths, in_repository

RUN, TASKS, VERIFY = (
    ("python run.py", "python -m cli.run_tasks", "python -m verify.run_all")
    if in_repository()
    else ("codeassist", "codeassist-tasks", "codeassist-verify")
)


def copyable_command(task: str, paths: DataPaths) -> str:
    """A command of `run_tasks` with its arguments that does the same in any terminal, whatever its folder and `PATH`.

    paths: the data root that it is for.
    """
    if in_repository():
        return f"cd {_quoted(REPOSITORY)} && {data_root_prefix(paths)}{_quoted(sys.executable)} -m cli.run_tasks {task}"
    script = Path(sys.executable).with_name(TASKS)
    return f"{data_root_prefix(paths)}{_quoted(script if script.is_file() else TASKS)} {task}"


def data_root_prefix(paths: DataPaths) -> str:
    """What stands before a command that is for this data root; "": a command without it is."""
    return "" if paths.is_default() else f"{VARIABLE}={_quoted(paths.root.absolute())} "


def _quoted(word: Path | str) -> str:
    return quote(str(word))
