"""The episodes in one JSON document: a snapshot, one episode, or a list of them. Not here: streams, folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from errors import InputError

from .canonical import parse_canonical
from .episode import Episode
from .episode_builder import NO_ORIGIN, Origin, assemble
from .json_parser import Reader, arrays, objects, parse, read_text, repeating_arrays
from .line_tuples import state_of
from .recorded_state import RecordedState, parse_action
from .snapshot import SnapshotCache, parse_snapshot_state
from .validation import Place, as_list, as_object, optional_milliseconds, optional_text, place_text, text, unexpected

FIRST_LINE = 0
"""Lists of actions count lines from 0."""


def states_reader() -> Reader:
    """Reads recorded states whose attribution repeats itself."""
    return objects({"attribution": repeating_arrays()})


def read_document(path: Path, repaired: Counter[str]) -> Iterator[Episode | InputError]:
    """The episodes of a file, one by one; in place of one that is not valid, its error.

    Raises InputError: the file is not readable JSON, or holds something else.
    """
    where = str(path)
    episode = objects({"states": arrays(states_reader())})
    several = arrays(episode)
    content = read_text(path)
    value = parse(content, where, lambda text, at: (several if text.startswith("[", at) else episode)(text, at))
    del content
    if isinstance(value, dict):
        yield _episode(value, where, path.stem, where, repaired)
        return
    if not isinstance(value, list):
        raise unexpected(where, value, 'an episode, {"states": [...]}, or a list of episodes')
    for i, entry in enumerate(value):
        try:
            yield _episode(entry, (where, i), f"{path.stem}#{i}", where, repaired)
        except InputError as error:
            yield error


def _episode(value: object, place: Place, name: str, source: str, repaired: Counter[str]) -> Episode:
    fields = as_object(value, place)
    if "states" not in fields:
        kind = "a single state, which is no episode" if {"line_tuples", "lines_text"} & fields.keys() else "no `states`"
        raise InputError(place_text(place), f'found {kind}, expected an episode: {{"states": [...]}}')
    where = (place, "states")
    check_times(fields, place)
    states = as_list(fields["states"], where)
    kind = _kind(states[0], (where, 0)) if states else ""
    recorded = _states(states, kind, where)
    actions = fields.get("actions")
    if actions is not None:
        recorded = _with_actions(recorded, as_list(actions, (place, "actions")), (place, "actions"))
    episode_id = fields.get("episode_id")
    return assemble(
        recorded,
        repaired,
        episode_id=name if episode_id is None else text(episode_id, (place, "episode_id")),
        source=source,
        problem_id=problem_id_of(fields, place),
        file=file_of(fields, place),
        folder=folder_of(fields),
        origin=origin_of(fields),
        cut_off="endTime" in fields and fields["endTime"] is None,
        silent="H" if kind == "snapshot" and actions is None else None,
        realign=kind == "snapshot",
    )


def problem_id_of(fields: dict[str, Any], place: Place) -> str | None:
    """The problem that was worked on, by name or number; None: not given."""
    problem = fields.get("problem_id")
    if problem is None:
        return None
    return str(problem) if type(problem) is int else text(problem, (place, "problem_id"))


def check_times(fields: dict[str, Any], place: Place) -> None:
    """Raises InputError: when a recording began or ended is given, and is no time."""
    for name in ("startTime", "endTime"):
        optional_milliseconds(fields.get(name), (place, name))


def file_of(fields: dict[str, Any], place: Place) -> str | None:
    """Path of the person's file that was edited; None: not given."""
    return optional_text(fields.get("file"), (place, "file"))


def folder_of(fields: dict[str, Any]) -> str | None:
    """Whole path of the folder in which that file lies; None: not given. What is no text is another program's."""
    folder = fields.get("folder")
    return folder if isinstance(folder, str) else None


def origin_of(fields: dict[str, Any]) -> Origin:
    """The recording that this one goes on from; what is no such thing is another program's, and says nothing."""
    episode, timestep = fields.get("source_episode"), fields.get("source_timestep")
    if not isinstance(episode, str) or not episode:
        return NO_ORIGIN
    return Origin(episode, timestep if type(timestep) is int else None)


def _kind(state: object, place: Place) -> str:
    if isinstance(state, list):
        return "line tuples"
    if isinstance(state, dict):
        for key, kind in {"lines_text": "canonical", "text": "snapshot"}.items():
            if key in state:
                return kind
    raise unexpected(place, state, "a state: a list of line tuples, or an object with `lines_text` or `text`")


def _states(states: list[Any], kind: str, where: Place) -> list[RecordedState]:
    if kind == "snapshot":
        cache = SnapshotCache()
        return [parse_snapshot_state(state, (where, i), cache) for i, state in enumerate(states)]
    if kind == "canonical":
        return [RecordedState(parse_canonical(state, (where, i))) for i, state in enumerate(states)]
    return [RecordedState(state_of(state, i, (where, i))) for i, state in enumerate(states)]


def _with_actions(recorded: list[RecordedState], actions: list[Any], place: Place) -> list[RecordedState]:
    """As many actions as states led to these; one fewer: each was taken on its state."""
    named = [parse_action(action, (place, i), FIRST_LINE) for i, action in enumerate(actions)]
    if len(named) == len(recorded):
        return [RecordedState(record.state, led_to=parts) for record, parts in zip(recorded, named, strict=True)]
    if len(named) == len(recorded) - 1:
        return [
            RecordedState(record.state, next_action=parts) for record, parts in zip(recorded, [*named, ()], strict=True)
        ]
    raise InputError(
        place_text(place), f"found {len(named)} actions for {len(recorded)} states, expected as many or one fewer"
    )
