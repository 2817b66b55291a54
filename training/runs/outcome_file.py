"""What the last run came to, in a file that outlives it. Not here: what is in it (`cli.report.outcome_record`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from errors import InputError
from files import atomic_write, read_regular_file
from training.runs.run_files import OUTCOME


def save_outcome(run_folder: Path, record: dict[str, Any]) -> None:
    """Remembers what a run came to, in place of the one before. Raises InputError."""
    atomic_write(run_folder / OUTCOME, json.dumps(record, indent=1, allow_nan=False))


def read_outcome(run_folder: Path) -> dict[str, Any] | None:
    """What was saved last; None: nothing, or it cannot be read."""
    try:
        record = json.loads(read_regular_file(run_folder / OUTCOME))
    except (InputError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
