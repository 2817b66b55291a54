"""What a person did beside typing: where the cursor went, pauses, runs, what became of help.

Recorded beside a session's stream; other recordings have none, and nothing learns from it. Not here: keystrokes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from errors import InputError

from .exclusion import streams_folder
from .jsonl_reader import row_objects
from .validation import LIMIT, Place, as_list, as_object, integer, number, place_text, text

ACTIVITY = "activity.jsonl"
"""File of a session's activity, beside its stream; nothing learns from it."""


MAX_KIND = 40
"""Characters of a kind's name."""


class ActivityKind(StrEnum):
    """What an event says; its details in braces, positions in characters.

    SELECTION: `{ranges: [[anchor, head], ...]}`, the main one first. FOCUS, BLUR: the editor was entered, left, `{}`.
    PAUSE: nothing was typed for so long, `{ms}`. RUN, SUBMIT: `{passed, total}` cases. UNDONE, KEPT: of the
    assistant's text `{request_id, part}`, part such as `all`, `word`, `line`. SNOOZE: no help for `{minutes}`.
    """

    SELECTION = "selection"
    FOCUS = "focus"
    BLUR = "blur"
    PAUSE = "pause"
    RUN = "run"
    SUBMIT = "submit"
    UNDONE = "undone"
    KEPT = "kept"
    SNOOZE = "snooze"


@dataclass(frozen=True, slots=True)
class Activity:
    """One event. milliseconds: when, by the client's clock. kind: may be newer than `ActivityKind`."""

    milliseconds: float
    kind: str
    detail: Mapping[str, Any]


def check_activity(events: Sequence[object]) -> None:
    """Raises InputError: one of the events of a message is none."""
    for i, event in enumerate(events):
        _parse(event, ("events", i))


def read_activity(session: Path) -> tuple[Activity, ...]:
    """The activity of a session, in order; () if none was recorded. session: its folder, or a file in it.

    A torn last line is left out. Raises InputError: it cannot be read, or an event is missing or malformed.
    """
    path = _path(session)
    return tuple(_events(path)) if path.is_file() else ()


def _path(session: Path) -> Path:
    """Where the activity of the session in a folder or a file lies."""
    return streams_folder(session / ACTIVITY if session.is_dir() else session) / ACTIVITY


def _events(path: Path) -> Iterator[Activity]:
    following = 0
    for place, fields in row_objects(path, Counter()):
        first = integer(fields.get("first"), (place, "first"), least=0)
        if first != following:
            raise InputError(place, f"begins with event {first}, expected {following}")
        events = as_list(fields.get("events"), (place, "events"))
        yield from (_parse(event, ((place, "events"), i)) for i, event in enumerate(events))
        following += len(events)


def _parse(event: object, place: Place) -> Activity:
    milliseconds, kind, detail = as_list(event, place, 3)
    name = text(kind, (place, 1))
    if not 0 < len(name) <= MAX_KIND:
        raise InputError(place_text((place, 1)), f"found a kind of {len(name)} characters, expected 1 to {MAX_KIND}")
    detail = as_object(detail, (place, 2))
    if (check := _CHECKS.get(name)) is not None:
        check(detail, (place, 2))
    return Activity(number(milliseconds, (place, 0), -LIMIT, LIMIT), name, detail)


def _check_selection(detail: dict[str, Any], place: Place) -> None:
    ranges = as_list(detail.get("ranges"), (place, "ranges"))
    for i, pair in enumerate(ranges):
        at = ((place, "ranges"), i)
        for j, position in enumerate(as_list(pair, at, 2)):
            integer(position, (at, j), least=0)


def _check_pause(detail: dict[str, Any], place: Place) -> None:
    number(detail.get("ms"), (place, "ms"), 0, LIMIT)


def _check_run(detail: dict[str, Any], place: Place) -> None:
    for name in ("passed", "total"):
        integer(detail.get(name), (place, name), least=0)


def _check_verdict(detail: dict[str, Any], place: Place) -> None:
    for name in ("request_id", "part"):
        text(detail.get(name), (place, name))


def _check_snooze(detail: dict[str, Any], place: Place) -> None:
    number(detail.get("minutes"), (place, "minutes"), 0, LIMIT)


_CHECKS: Mapping[str, Callable[[dict[str, Any], Place], None]] = {
    ActivityKind.SELECTION: _check_selection,
    ActivityKind.PAUSE: _check_pause,
    ActivityKind.RUN: _check_run,
    ActivityKind.SUBMIT: _check_run,
    ActivityKind.UNDONE: _check_verdict,
    ActivityKind.KEPT: _check_verdict,
    ActivityKind.SNOOZE: _check_snooze,
}
"""Of the kinds that have details; whatever else an event says is kept as it is."""
