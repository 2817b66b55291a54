"""The states of an earlier session, with which a new one begins. Not here: the new one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from errors import InputError, NotFoundError
from files import read_regular_file
from state_adapter import CHANGES, index_stream, stream_path, streams_folder

_EPISODE_ID = re.compile(r"[\w-]{1,100}")
_KEYS = ("timestep", "timestamp_ms", "text", "attribution", "action")


def find_source(folders: Sequence[Path], episode_id: str) -> Path:
    """The stream of a session, or its snapshot, in the first of the folders that has it. Raises NotFoundError."""
    for folder in folders if _EPISODE_ID.fullmatch(episode_id) else ():
        session = folder / episode_id
        for path in (stream_path(session, episode_id), session / f"{episode_id}.json"):
            if path.is_file():
                return path
    raise NotFoundError("source_episode", "is no recorded session")


def read_source(path: Path, timestep: int | None) -> list[dict[str, Any]]:
    """Its states in order, up to a timestep; None: all. Raises InputError: it cannot be read."""
    states = _states_of_stream(path) if path.suffix == ".jsonl" else _states_of_snapshot(path)
    return [
        {key: state[key] for key in _KEYS if key in state} for t, state in states if timestep is None or t <= timestep
    ]


def count_changes(path: Path) -> int:
    """Keystrokes of a session that `find_source` found, without what is torn at their end."""
    try:
        lines = read_regular_file(streams_folder(path) / CHANGES).splitlines()
    except InputError:  # nothing was typed
        return 0
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            batch = json.loads(line)
            return int(batch["first"]) + len(batch["changes"])
    return 0


def _states_of_stream(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    return index_stream(path).states()


def _states_of_snapshot(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        states = json.loads(read_regular_file(path))["states"]
        latest = {state["timestep"]: state for state in states}
        yield from sorted(latest.items())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(str(path), "is no snapshot of a session") from error
