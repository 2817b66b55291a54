"""What a run of `run.py` does, written down before it begins, so that it goes on alike after a kill.

Not here: the steps (`training_loop.py`), the state of its training (`run_folder.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from config import LoopConfig
from files import atomic_write, read_regular_file, translate_os_errors
from judge import Problem
from state_adapter import Episode
from training.runs.code_version import code_version
from training.runs.damaged_files import DamagedFileError, set_aside
from training.runs.fingerprint import canonical_order, has_reviews, problems_digest, recordings_digest

_FREE = ("device", "telemetry_url", "serve", "learn_pastes")
"""Settings that do not decide what is learned, but for the reviewer's where texts were reviewed, and for what they
change in the sessions."""


@dataclass(frozen=True)
class RunPlan:
    """id: of this run. fingerprint: `fingerprint_of`. start: the models that training begins with (`starts.Start`).
    compared_with: the generation that was current at the beginning; None: none was, or it was no generation.
    games_before: games of self-play that earlier runs played. held_out: ids of the sessions that are not learned from.
    trained_on: whose sessions they are.
    """

    id: str
    fingerprint: str
    start: str
    compared_with: str | None
    games_before: int
    held_out: tuple[str, ...]
    trained_on: str = "person"


def fingerprint_of(config: LoopConfig, episodes: Sequence[Episode], problems: Mapping[str, Problem]) -> str:
    """A digest of what decides what a run learns: sessions with contents (in any order), settings, problems, code."""
    settings = {name: value for name, value in asdict(config).items() if name not in _FREE}
    ordered = canonical_order(episodes)
    if has_reviews(episodes):
        settings["review"] = (config.serve.review_threshold, config.serve.review_exploration)
    decisive = (settings, recordings_digest(ordered), problems_digest(ordered, problems), code_version())
    return hashlib.blake2b(repr(decisive).encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()


def read_plan(path: Path, report: Callable[[str], None]) -> RunPlan | None:
    """The plan of an interrupted run; None: there is none. A damaged one is set aside, which is reported.

    Raises InputError if the file cannot be read or set aside.
    """
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return _parse_plan(path, read_regular_file(path))
    except (DamagedFileError, MemoryError):
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
