"""What the files of the data root say of the last training, whoever ran it. Not here: a training under way here."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from data_paths import DataPaths
from errors import InputError
from files import atomic_write, is_locked, read_regular_file
from services.learning.current_models import file_stamp
from services.messages.learning_messages import ComparisonMessage, EpochMessage, TrainingMessage
from training.runs.outcome_file import read_outcome
from training.runs.run_files import FAILURE, LOG, OUTCOME, plan_path, run_lock, training_folder
from training.runs.run_plan import PERSON, read_plan
from training.runs.training_manifest import ManifestEntry, last_entry_of, read_manifest

STOPPED = "It was stopped before its end. Started again, it goes on from there, unless sessions have changed since."
NOT_METRICS = ("phase", "epoch", "run_id", "run_label")
"""Keys of a line of the log that are no metrics."""


def has_unfinished_plan(paths: DataPaths) -> bool:
    """Whether a training on the person's sessions has begun and not ended."""
    try:
        plan = read_plan(plan_path(paths.run))
    except InputError:
        return False
    return plan is not None and plan.trained_on == PERSON


def trains_elsewhere(paths: DataPaths) -> bool:
    """Whether a process trains at this moment."""
    return is_locked(run_lock(paths.run))


class LastTraining:
    """The last training as far as it is on the disk; for any number of threads. Read again once a file has changed."""

    def __init__(self, paths: DataPaths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._stamp: object = None
        self._message = TrainingMessage()

    def state(self) -> TrainingMessage:
        """The training as a message that the caller may change."""
        with self._lock:
            if (stamp := self._files_stamp()) != self._stamp:
                self._message, self._stamp = _read(self._paths), stamp
            message = copy.deepcopy(self._message)
        if message.status in ("stopped", "failed") and trains_elsewhere(self._paths):
            return TrainingMessage("running", points=message.points, elsewhere=True)
        return message

    def _files_stamp(self) -> object:
        return [file_stamp(path) for path in (*_traces(self._paths), self._paths.run / FAILURE)]


class Failure(msgspec.Struct):
    """When a training began and failed, and why."""

    started: str | None
    ended: str
    error: str


def save_failure(paths: DataPaths, failure: Failure) -> None:
    """Remembers how a training failed. Raises InputError."""
    atomic_write(paths.run / FAILURE, msgspec.json.encode(failure))


def forget_failure(paths: DataPaths) -> None:
    """Another training begins; a file that cannot be removed is older than what that one leaves."""
    with suppress(OSError):
        (paths.run / FAILURE).unlink()


def _traces(paths: DataPaths) -> tuple[Path, ...]:
    """Files that a training leaves, whoever runs it."""
    return plan_path(paths.run), paths.run / OUTCOME, _log(paths.run), paths.manifest


def _read(paths: DataPaths) -> TrainingMessage:
    if (failure := _read_failure(paths)) is not None:
        return failure
    if has_unfinished_plan(paths):
        return TrainingMessage("stopped", points=points_of(paths.run, None), lines=[STOPPED])
    if (outcome := read_outcome(paths.run)) is not None:
        message = TrainingMessage("done", points=points_of(paths.run, outcome.get("run_id")))
        apply_outcome(message, outcome)
        return message
    return _last_of_manifest(paths)


def _read_failure(paths: DataPaths) -> TrainingMessage | None:
    """The last training, if it failed; None: it did not, or it cannot be told."""
    path = paths.run / FAILURE
    try:
        failure = msgspec.json.decode(read_regular_file(path), type=Failure)
        later = [trace for trace in _traces(paths) if trace.exists() and _modified(trace) > _modified(path)]
    except (InputError, OSError, ValueError, RecursionError):
        return None
    if later:
        return None
    return TrainingMessage("failed", started=failure.started, ended=failure.ended, error=failure.error)


def _modified(path: Path) -> int:
    return path.stat().st_mtime_ns


def apply_outcome(message: TrainingMessage, outcome: dict[str, Any]) -> None:
    """Puts what came of a run into a message; what is damaged is left out."""
    try:
        record = msgspec.convert(outcome, _Outcome)
    except msgspec.ValidationError:
        return
    message.started = message.started or record.started
    message.ended, message.sessions, message.table = record.ended, record.sessions, record.table
    message.lines = [*message.lines, *record.lines]
    message.generation, message.replaced = record.generation, record.replaced


def point(row: dict[str, Any]) -> EpochMessage:
    """A line of the log as a message. Raises ValueError: it is none."""
    metrics = {name: number for name, number in row.items() if name not in NOT_METRICS}
    fields = {"phase": row.get("phase"), "epoch": row.get("epoch"), "metrics": metrics}
    return msgspec.convert(fields, EpochMessage)  # its ValidationError is a ValueError


class _Outcome(msgspec.Struct):
    started: str
    ended: str
    sessions: Literal["held_out", "learned_from"]
    table: list[ComparisonMessage]
    lines: list[str]
    generation: str
    replaced: bool


def points_of(run_folder: Path, run_id: object) -> list[EpochMessage]:
    """The epochs of a run that the log has; run_id None: of the last run."""
    rows = list(_rows(_log(run_folder)))
    run_id = rows[-1].get("run_id") if rows and run_id is None else run_id
    return [point(row) for row in rows if row.get("run_id") == run_id]


def _log(run_folder: Path) -> Path:
    return training_folder(run_folder) / LOG


def _rows(log: Path) -> Iterator[dict[str, Any]]:
    """Lines of the log that are whole."""
    try:
        lines = read_regular_file(log).splitlines()
    except InputError:
        return
    for line in lines:
        try:
            row = json.loads(line)
            point(row)
        except (ValueError, AttributeError, RecursionError):
            continue
        yield row


def last_entry(paths: DataPaths) -> ManifestEntry | None:
    """What the manifest has of the last training on the person's sessions; None: nothing, or it cannot be read."""
    try:
        entries = read_manifest(paths.manifest)
    except InputError:
        return None
    return last_entry_of(entries, paths.models)


def _last_of_manifest(paths: DataPaths) -> TrainingMessage:
    """What the manifest remembers of a run that left no outcome; idle: nothing was ever learned from the person."""
    if (entry := last_entry(paths)) is None:
        return TrainingMessage("idle")
    replaced = entry.folder == paths.models.name
    fate = "became current" if replaced else "did not become current"
    line = f"Its models, generation {entry.generation}, {fate}."
    return TrainingMessage("done", lines=[line], generation=entry.generation, replaced=replaced)
