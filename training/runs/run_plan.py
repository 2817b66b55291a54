"""What a run of `run.py` does, written down before it begins, so that it goes on alike after a kill.

Not here: the steps (`training_loop.py`), the state of its training (`run_folder.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from files import atomic_write, read_regular_file, translate_os_errors
from training.runs.damaged_files import DamagedFileError, set_aside

PERSON = "person"
"""Whose sessions a plan is for, if it does not say so."""


@dataclass(frozen=True)
class RunPlan:
    """id: of this run. fingerprint: `fingerprint.loop_fingerprint`. start: the models that training begins with
    (`starts.Start`). compared_with: the generation that was current at the beginning; None: none was, or it was no
    generation. games_before: games of self-play that earlier runs played. held_out: ids of the sessions that are not
    learned from. trained_on: whose sessions they are.
    """

    id: str
    fingerprint: str
    start: str
    compared_with: str | None
    games_before: int
    held_out: tuple[str, ...]
    trained_on: str = PERSON


def read_plan(path: Path) -> RunPlan | None:
    """The plan of an interrupted run; None: there is none. Changes nothing.

    Raises DamagedFileError if it is none that `write_plan` wrote, InputError if it cannot be read.
    """
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return _parse_plan(path, read_regular_file(path))
    except MemoryError as error:
        raise DamagedFileError(str(path), "is no plan") from error


def read_plan_or_set_aside(path: Path, report: Callable[[str], None]) -> RunPlan | None:
    """See `read_plan`; a damaged plan is set aside, which is reported. Raises InputError."""
    try:
        return read_plan(path)
    except DamagedFileError:
        set_aside(path, "is no plan of an interrupted run", report)
        return None


def write_plan(path: Path, plan: RunPlan) -> None:
    """Writes a plan down. Raises InputError."""
    atomic_write(path, json.dumps(asdict(plan), indent=1))


def remove_plan(path: Path) -> None:
    """Ends a plan. Raises InputError."""
    with translate_os_errors(path):
        path.unlink(missing_ok=True)


def _parse_plan(path: Path, content: bytes) -> RunPlan:
    try:
        values = json.loads(content.decode())
        held_out = values.pop("held_out")
        plan = RunPlan(**values, held_out=tuple(held_out))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedFileError(str(path), "is no plan") from error
    texts = (plan.id, plan.fingerprint, plan.start, plan.compared_with or "", plan.trained_on, *plan.held_out)
    if not all(isinstance(text, str) for text in texts) or not isinstance(held_out, list):
        raise DamagedFileError(str(path), "is no plan")
    if type(plan.games_before) is not int or not 0 <= plan.games_before < 2**63:
        raise DamagedFileError(str(path), "is no plan")
    return plan
