"""What the files of the data root say of the last training, whoever ran it. Not here: a training under way here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from data_paths import DataPaths
from errors import InputError
from files import is_locked, read_regular_file
from services.learning_messages import ComparisonMessage, EpochMessage, TrainingMessage
from training.runs.outcome_file import read_outcome
from training.runs.training_manifest import read_manifest

STOPPED = "It was stopped before its end. Started again, it goes on from there, unless sessions have changed since."
NOT_METRICS = ("phase", "epoch", "run_id", "run_label")
"""Keys of a line of the log that are no metrics."""


def is_interrupted(paths: DataPaths) -> bool:
    """Whether a training has begun and not ended."""
    return (paths.run / "plan.json").exists()


def trains_elsewhere(paths: DataPaths) -> bool:
    """Whether a process trains at this moment."""
    return is_locked(paths.run / ".lock")


def last_training(paths: DataPaths) -> TrainingMessage:
    """The last training as far as it is on the disk."""
    if is_interrupted(paths):
        points = _points(paths.run, None)
        if trains_elsewhere(paths):
            return TrainingMessage("running", points=points, elsewhere=True)
        return TrainingMessage("stopped", points=points, lines=[STOPPED])
    if (outcome := read_outcome(paths.run)) is not None:
        message = TrainingMessage("done")
        apply_outcome(message, outcome)
        message.points = _points(paths.run, outcome.get("run_id"))
        return message
    return _last_of_manifest(paths)


def apply_outcome(message: TrainingMessage, outcome: dict[str, Any]) -> None:
    """Puts what came of a run into a message; what is damaged is left out."""
    try:
        known = msgspec.convert(outcome, _Outcome)
    except msgspec.ValidationError:
        return
    message.started = message.started or known.started
    message.ended, message.sessions, message.table = known.ended, known.sessions, known.table
    message.lines = [*message.lines, *known.lines]
    message.generation, message.replaced = known.generation, known.replaced


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


def _points(run_folder: Path, run_id: object) -> list[EpochMessage]:
    """The epochs of a run in the log; None: of the last run."""
    rows = list(_rows(run_folder / "training" / "train.jsonl"))
    run_id = rows[-1].get("run_id") if rows and run_id is None else run_id
    return [point(row) for row in rows if row.get("run_id") == run_id]


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


def _last_of_manifest(paths: DataPaths) -> TrainingMessage:
    """What the manifest remembers of a run that left no outcome; idle: nothing was ever learned from the person."""
    try:
        entries = read_manifest(paths.manifest)
    except InputError:
        entries = []
    entries = [entry for entry in entries if entry.folder in (paths.models.name, "not-in-use")]
    if not entries:
        return TrainingMessage("idle")
    entry = entries[-1]
    replaced = entry.folder == paths.models.name
    fate = "became current" if replaced else "did not become current"
    line = f"Learned from {len(entry.sessions)} sessions; its models, generation {entry.generation}, {fate}."
    return TrainingMessage("done", lines=[line], generation=entry.generation, replaced=replaced)
