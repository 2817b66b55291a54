"""An episode as a snapshot, in the format that recordings have. Not here: reading it back.

Read back, an episode is equal as far as a snapshot can say it: lines without line feeds; attribution that follows its
lines (`line_tracking.carry_attribution`), since reading computes it anew; a cursor that is on only in the turn in
which it was moved.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from actions import Action
from files import atomic_write
from state import SPAN_END, SPAN_START, T_LAST, Env, State

from .episode import Episode
from .snapshot import FIRST_LINE, PASTE, UNDO

RAN_MS = 1
"""Execution time that says that a state was run; how long it took is not kept, and 0 would mean that it never was."""


def write_snapshot(episode: Episode, folder: Path) -> Path:
    """Writes `<folder>/<id>/<id>.json`, whole or not at all; returns its path.

    What a file's name cannot hold is percent-encoded there. Raises InputError: the disk refuses.
    """
    path = snapshot_path(folder, episode.id)
    atomic_write(path, json.dumps(snapshot(episode), indent=2))
    return path


def snapshot_path(folder: Path, episode_id: str) -> Path:
    """Where the snapshot of an episode lies."""
    name = quote(episode_id, safe=" #+(),=@", errors="surrogatepass").replace(".", "%2E") or "%"
    return folder / name / f"{name}.json"


def snapshot(episode: Episode) -> dict[str, object]:
    """The snapshot in plain JSON types."""
    states = [
        _state(episode.id, state, action, first=i == 0)
        for i, (state, action) in enumerate(zip(episode.states, episode.actions, strict=True))
    ]
    times = [state.timestamp_ms or 0 for state in episode.states] or [0]
    return {
        "episode_id": episode.id,
        "problem_id": episode.problem_id,
        "model": None,
        "startTime": times[0],
        "endTime": None if episode.cut_off else times[-1],
        **({} if episode.file is None else {"file": episode.file}),
        **({} if episode.folder is None else {"folder": episode.folder}),
        **_origin(episode),
        "states": states,
    }


def _origin(episode: Episode) -> dict[str, object]:
    """The recording that it goes on from."""
    if episode.source_episode is None:
        return {}
    return {"source_episode": episode.source_episode, "source_timestep": episode.source_timestep}


def recorded_state(episode_id: str, state: State, action: Action | None) -> dict[str, object]:
    """A state as a client of the recorder posts it (docs/formats.md)."""
    return _state(episode_id, state, action, first=False)


def _state(episode_id: str, state: State, action: Action | None, first: bool) -> dict[str, object]:
    fields: dict[str, object] = {
        "episode_id": episode_id,
        "timestep": state.t,
        "timestamp_ms": state.timestamp_ms,
        "text": _text(state.lines),
        "attribution": [line_entry(state, i) for i in range(len(state))],
        "action": action_part(action),
        "env": env_part(state.env),
    }
    if first and state.history:
        fields["history"] = [{"t": past.t, "decision": past.decision, "kept": past.kept} for past in state.history]
    return fields


def _text(lines: tuple[str, ...]) -> str:
    """The lines joined; one that ends in a carriage return needs another, or reading takes it for the line end's."""
    ends = ["\r\n" if line.endswith("\r") else "\n" for line in lines[:-1]]
    return "".join([part for pair in zip(lines, [*ends, ""], strict=False) for part in pair])


def line_entry(state: State, line: int) -> dict[str, object]:
    """The attribution of a line, and the cursor if it is there."""
    human, assistant = _edit(state.human[line].tolist()), _edit(state.assistant[line].tolist())
    flags = [flag for flag, lines in ((UNDO, state.undone), (PASTE, state.pasted)) if line in lines]
    if flags:
        human |= {"turn": state.t, "specialFlags": flags}
    return {"human": human, "assistant": assistant, "cursor": _cursor(state, line)}


def _edit(row: list[int]) -> dict[str, object]:
    """Turn 0 with an empty span is how clients write never."""
    never = row[T_LAST] < 0 and row[SPAN_END] <= row[SPAN_START]
    return {
        "turn": 0 if never else row[T_LAST],
        "span": row[SPAN_START : SPAN_END + 1],
        "actions": [bool(flag) for flag in row[SPAN_END + 1 :]],
        "seconds": 0,
        "specialFlags": [],
    }


def _cursor(state: State, line: int) -> dict[str, int]:
    """Characters count from 1; a place that is only known from before gets an earlier turn."""
    if state.cursor.on and state.cursor.line == line:
        return {"turn": max(state.cursor.last_t, 0), "char": max(state.cursor.char, 0) + 1}
    if not state.cursor.on and state.last_known_line == line and state.t > 0:
        return {"turn": state.t - 1, "char": 1}
    return {"turn": 0, "char": 0}


def action_part(action: Action | None) -> dict[str, object] | None:
    """What led to a state. Null: the human moved, and what they decided is not recorded."""
    if action is None or (action.agent == "H" and not action.recorded):
        return None
    return {"H": None, "A": None} | {action.agent: recorded_action(action) if action.recorded else {}}


_OPTIONAL = ("probability", "decision_probability", "policy_probability", "model", "value", "kept", "dropped")


def recorded_action(action: Action) -> dict[str, object]:
    """An agent's part of a recorded action: the decision, its line from 1, and how it was decided."""
    part: dict[str, object] = {"type": int(action.decision), "line": action.line + FIRST_LINE}
    part |= _members(action, _OPTIONAL)
    part |= {key: asdict(record) for key in ("writer", "review") if (record := getattr(action, key)) is not None}
    if (withheld := action.withheld) is not None:
        line = withheld.line + FIRST_LINE
        part["withheld"] = {"type": int(withheld.decision), "line": line, "text": withheld.text}
    if action.milliseconds is not None:
        times = asdict(action.milliseconds)
        part["milliseconds"] = {stage: spent for stage, spent in times.items() if spent is not None}
    return part


def _members(action: Action, keys: Sequence[str]) -> dict[str, object]:
    return {key: getattr(action, key) for key in keys if getattr(action, key) is not None}


def env_part(env: Env | None, milliseconds: int = RAN_MS) -> dict[str, object] | None:
    """What testing gave in so many milliseconds; None: it did not run."""
    if env is None:
        return None
    env_object: dict[str, object] = {"compiled": env.compiled, "execution_time_ms": max(milliseconds, RAN_MS)}
    if env.tests_total is not None:
        env_object["tests"] = {"passed": env.tests_passed, "total": env.tests_total}
    return env_object
