"""The snapshot of a session's stream, written state by state: a long session needs no more memory than a short one.

It holds what reading the stream gives, and what only the recording knows: times, the model, who sat how long on a line.
Not here: testing, where streams lie.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from errors import InputError
from files import atomic_write
from state import T_LAST, State

from .episode_builder import EpisodeBuilder, Step
from .json_parser import Reader, decode, parse
from .json_reader import problem_id_of, states_reader
from .jsonl_reader import RecordedTests
from .snapshot import UNDO, SnapshotCache, parse_snapshot_state
from .validation import as_object, integer, text
from .writer import action_part, env_part, line_entry, snapshot_path

_HEADER = ("file", "folder", "model", "startTime", "source_episode", "source_timestep")
_MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class _Row:
    start: int
    length: int
    number: int


@dataclass
class StreamIndex:
    """What a stream holds, and where: its header, its end, and the row of each timestep.

    end: when the session ended, ms since 1970; None: there is no end.
    """

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    end: object = None
    rows: dict[int, _Row] = field(default_factory=dict)

    @property
    def episode_id(self) -> str:
        """The session's id."""
        return text(self.header.get("episode_id", self.path.stem), (str(self.path), "episode_id"))

    @property
    def problem_id(self) -> str | None:
        """The problem that was worked on; None: not given."""
        return problem_id_of(self.header, str(self.path))

    def states(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The timesteps in order, each with its state as recorded; of several with the same, the last."""
        reader = states_reader()
        with self.path.open("rb") as file:
            for t in sorted(self.rows):
                row = self.rows[t]
                file.seek(row.start)
                yield t, _fields(file.read(row.length), self.path, row.number, reader)


def index_stream(path: Path) -> StreamIndex:
    """What is in a stream. Raises InputError: it cannot be read, or a line other than the last is none of a stream."""
    index, reader = StreamIndex(path), states_reader()
    size = path.stat().st_size
    with path.open("rb") as file:
        start = 0
        for number, row in enumerate(file, 1):
            place = _Row(start, len(row), number)
            start += len(row)
            if not row.strip():
                continue
            try:
                fields = _fields(row, path, number, reader)
            except InputError:
                if start < size:
                    raise
                break  # torn
            _take(index, fields, place)
    return index


def _take(index: StreamIndex, fields: dict[str, Any], row: _Row) -> None:
    place = f"{index.path}, line {row.number}"
    if "text" in fields or "timestep" in fields:
        index.rows[integer(fields.get("timestep"), (place, "timestep"), least=0)] = row
    elif "endTime" in fields and (index.header or index.rows):
        index.end = fields["endTime"]
    elif not index.header and not index.rows and "episode_id" in fields:
        index.header = fields
    else:
        raise InputError(place, "found no header, state or end of a recorded session")


def _fields(row: bytes, path: Path, number: int, reader: Reader) -> dict[str, Any]:
    place = f"{path}, line {number}"
    return as_object(parse(decode(row, place), str(path), reader, line=number), place)


def write_stream_snapshot(index: StreamIndex, executions: Mapping[int, RecordedTests]) -> Path:
    """Writes the snapshot of a stream beside its folder, whole or not at all; returns its path.

    executions: what testing gave, by timestep. Raises InputError: a state is malformed, or the disk refuses.
    """
    path = snapshot_path(index.path.parent.parent.parent, index.episode_id)
    atomic_write(path, lambda file: _write(file, index, executions))
    return path


def _write(file: BinaryIO, index: StreamIndex, executions: Mapping[int, RecordedTests]) -> None:
    header: dict[str, object] = {"episode_id": index.episode_id, "problem_id": index.problem_id}
    header |= {key: index.header.get(key) for key in _HEADER if key in index.header or key == "model"}
    header["endTime"] = index.end
    file.write(json.dumps(header)[:-1].encode("ascii") + b', "states": [')
    states = _StateEncoder(index.episode_id)
    for i, (t, fields) in enumerate(index.states()):
        file.write(b",\n" if i else b"\n")
        file.write(states.encode(fields, executions.get(t)).encode("ascii"))
    file.write(b"\n]}\n")


class _StateEncoder:
    """The states of a session as JSON, one after the other."""

    def __init__(self, episode_id: str) -> None:
        self._episode_id = episode_id
        self._builder = EpisodeBuilder(Counter(), silent="H", realign=True, infer_human=False)
        self._cache = SnapshotCache()
        self._entries: dict[tuple[object, ...], str] = {}

    def encode(self, fields: dict[str, Any], execution: RecordedTests | None) -> str:
        if max(len(self._cache.entries), len(self._entries)) > _MAX_ENTRIES:
            self._cache.entries.clear()
            self._entries.clear()  # with it, as it goes by the identity of what that keeps
        record = parse_snapshot_state(fields, "state", SnapshotCache(entries=self._cache.entries))
        step = self._builder.add(record)
        head = {
            "episode_id": self._episode_id,
            "timestep": step.state.t,
            "timestamp_ms": step.state.timestamp_ms,
            "text": fields["text"],
            "action": action_part(step.action),
            "env": None if execution is None else env_part(execution.env, execution.milliseconds),
        }
        entries = self._line_entries(step, fields.get("attribution") or [])
        return f'{json.dumps(head)[:-1]}, "attribution": [{", ".join(entries)}]}}'

    def _line_entries(self, step: Step, recorded: list[Any]) -> list[str]:
        state = step.state
        human, assistant = state.human.tobytes(), state.assistant.tobytes()
        width = state.human.itemsize * state.human.shape[1]
        marked = state.undone | state.pasted | {state.cursor.line, state.last_known_line}
        entries = []
        for i in range(len(state)):
            at = i * width
            entry = recorded[i] if i < len(recorded) else None
            key = (human[at : at + width], assistant[at : at + width], id(entry) if entry is not None else 0)
            if i in marked or key not in self._entries:
                encoded = json.dumps(_with_recorded(line_entry(state, i), entry, state, i))
                if i in marked:
                    entries.append(encoded)
                    continue
                self._entries[key] = encoded
            entries.append(self._entries[key])
        return entries


def _with_recorded(entry: dict[str, object], recorded: object, state: State, line: int) -> dict[str, object]:
    """The line's entry with the recorded one's seconds and flags, where both speak of the same edit."""
    if not isinstance(recorded, dict):
        return entry
    turns = {"human": state.human[line, T_LAST], "assistant": state.assistant[line, T_LAST]}
    for agent, turn in turns.items():
        edit, edit_entry = recorded.get(agent), entry[agent]
        if not isinstance(edit, dict) or not isinstance(edit_entry, dict) or turn < 0 or edit.get("turn") != turn:
            continue
        edit_entry["seconds"] = edit.get("seconds", 0)
        edit_entry["specialFlags"] += [
            flag for flag in edit.get("specialFlags") or [] if flag != UNDO and flag not in edit_entry["specialFlags"]
        ]
    return entry
