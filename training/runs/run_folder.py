"""A run's files, such that it can be killed at any moment and go on with the same result.

`resume.pt` is the truth: it is replaced whole, before the epoch's checkpoint and its line of the log are written; when
a run goes on, the folder is brought in line with it. Not here: what a phase keeps, when to save.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import InputError, NotFoundError
from files import append_line, atomic_write, read_regular_file, translate_os_errors
from models.pt_file import atomic_torch_save, read_pt
from training.networks.training_networks import Tensors
from training.runs.damaged_files import DamagedFileError
from training.runs.phase import PHASES
from training.runs.run_files import LOG, STATE

STATE_VERSION = 2

_CHECKPOINT = re.compile(r"(human|assistant)_policy_e\d+\.pt")


@dataclass(frozen=True)
class SavedRun:
    """The state of a run, all that it needs to go on.

    fingerprint: `fingerprint.fingerprint`. lines: of the log, as JSON. checkpoints: names of the epochs' files.
    phase, phase_state: the phase that it is in. policies: `TrainingNetworks.state_dict`. ends_epoch: whether it was
    saved at an epoch's end, so that the last of `checkpoints` is of this moment.
    """

    run_id: str
    fingerprint: dict[str, str]
    lines: list[str]
    checkpoints: list[str]
    phase: str
    phase_state: dict[str, object]
    policies: dict[str, Any]
    ends_epoch: bool


class RunFolder:
    """`<checkpoint_dir>`: the log, the epochs' checkpoints, and the state to go on from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def state_path(self) -> Path:
        """Where the state to go on from lies."""
        return self.path / STATE

    def load(self) -> SavedRun | None:
        """The saved state of the last run here; None: there is none.

        Raises DamagedFileError if it is not what `save` wrote, InputError if it cannot be read.
        """
        if not self.state_path.exists():
            return None
        where = str(self.state_path)
        try:
            saved = read_pt(self.state_path, read_regular_file(self.state_path))
        except MemoryError as error:
            raise DamagedFileError(where, "does not fit into memory") from error
        except NotFoundError:
            raise
        except InputError as error:
            raise DamagedFileError(error.where, error.reason) from error
        if (version := saved.pop("version", None)) != STATE_VERSION:
            raise DamagedFileError(where, f"is of version {version!r}, expected {STATE_VERSION}")
        return _saved_run(saved, where)

    def save(self, state: SavedRun) -> None:
        """Replaces the state to go on from. Raises InputError."""
        atomic_torch_save(self.state_path, {"version": STATE_VERSION, **vars(state)})

    def write_checkpoint(self, name: str, weights: Tensors) -> None:
        """An epoch's checkpoint, a plain state dict. Raises InputError."""
        atomic_torch_save(self.path / name, weights)

    def append_log(self, line: str) -> None:
        """Adds an epoch's line to the log. Raises InputError."""
        append_line(self.path / LOG, line)

    def reconcile(self, run_id: str, lines: Sequence[str], checkpoints: Sequence[str]) -> None:
        """Brings the folder in line with a state: of this run exactly these lines, and these checkpoints at most."""
        for path in self.path.glob("*_policy_e*.pt"):
            if _CHECKPOINT.fullmatch(path.name) and path.name not in checkpoints:
                with translate_os_errors(path):
                    path.unlink(missing_ok=True)
        self._reconcile_log(run_id, lines)

    def _reconcile_log(self, run_id: str, lines: Sequence[str]) -> None:
        log = self.path / LOG
        with translate_os_errors(log):
            logged = read_regular_file(log).decode("utf-8", "replace").splitlines() if log.exists() else []
        lines_of_run = [line for line in logged if _run_id(line) == run_id]
        lines_of_others = [line for line in logged if _run_id(line) not in (run_id, None)]
        if lines_of_run != list(lines) or len(lines_of_others) + len(lines_of_run) != len(logged):
            atomic_write(log, "".join(f"{line}\n" for line in (*lines_of_others, *lines)))


def _saved_run(saved: Mapping[str, Any], where: str) -> SavedRun:
    """Raises DamagedFileError if a part is missing or of another kind than `RunFolder.save` writes."""
    checks: dict[str, Callable[[Any], bool]] = {
        "run_id": _is_text,
        "fingerprint": lambda value: isinstance(value, dict) and all(map(_is_text, (*value, *value.values()))),
        "lines": lambda value: isinstance(value, list) and all(map(_is_row, value)),
        "checkpoints": lambda value: isinstance(value, list) and all(map(_is_checkpoint, value)),
        "phase": lambda value: value in PHASES,
        "phase_state": lambda value: isinstance(value, dict),
        "policies": lambda value: isinstance(value, dict),
        "ends_epoch": lambda value: isinstance(value, bool),
    }
    for name, is_valid in checks.items():
        if name not in saved or not is_valid(saved[name]):
            raise DamagedFileError(where, f"is no state of a run: {name} is missing or damaged")
    if saved["ends_epoch"] and not saved["checkpoints"]:
        raise DamagedFileError(where, "is no state of a run: it ends an epoch and names no checkpoint")
    return SavedRun(**{name: saved[name] for name in checks})


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_row(line: object) -> bool:
    return isinstance(line, str) and "\n" not in line and _run_id(line) is not None


def _is_checkpoint(name: object) -> bool:
    return isinstance(name, str) and _CHECKPOINT.fullmatch(name) is not None


def _run_id(line: str) -> str | None:
    """The run that a line of the log belongs to; None: it is torn."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return str(row.get("run_id")) if isinstance(row, dict) else None
