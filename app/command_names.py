"""How a person starts the commands: from a checkout, or by the console scripts of an installation."""

from __future__ import annotations

from data_paths import in_repository

RUN, TASKS, VERIFY = (
    ("python run.py", "python -m cli.run_tasks", "python -m verify.run_all")
    if in_repository()
    else ("codeassist", "codeassist-tasks", "codeassist-verify")
)
