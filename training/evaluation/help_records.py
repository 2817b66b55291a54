"""What the assistant did in a recorded session and what became of it, one record for each of its decisions.

Not here: a folder of sessions (`help_reader`), statistics.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import rewards
from actions import Decision
from errors import InputError
from files import read_regular_file
from line_tracking import line_edits
from state import State
from state_adapter import CHANGES, Episode, Transition, streams_folder

ASSISTANT = "assistant"
"""Origin of changes that the assistant made."""

NEW_LINE, LINE_END, IN_LINE = "new_line", "line_end", "in_line"
"""Where the person's cursor was: on a blank line, at the end of one, inside one."""


@dataclass(frozen=True, slots=True)
class HelpRecord:
    """A decision of the assistant.

    decision: that the policy took, also where its text was held back. shown: whether it changed the text; withheld:
    whether a text was held back. characters: non-blank ones that it wrote. retained: share of them that stood when
    the person had replied, survived: at the session's end; None: unknown, or nothing was written.
    policy_kept, reviewer_kept: p(kept) as it was said then; explored: shown although the reviewer would have held it
    back, None: not reviewed. writer: its name. place: `NEW_LINE`, `LINE_END` or `IN_LINE`. pause: seconds since the
    person's last change. minute: of the session. timestamp_ms: since 1970. turn: of the state that it led to.
    None: unknown.
    """

    decision: Decision
    shown: bool
    withheld: bool
    characters: int = 0
    retained: float | None = None
    survived: float | None = None
    policy_kept: float | None = None
    reviewer_kept: float | None = None
    explored: bool | None = None
    writer: str | None = None
    place: str | None = None
    pause: float | None = None
    minute: float | None = None
    timestamp_ms: int | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class SessionRecords:
    """A recording's records. started_ms: since 1970; None: unknown. last_turn: of its last state.

    source_episode: id of the recording that it goes on from, up to turn `source_timestep` (None: all of it); None: it
    begins anew. file, folder: the person's file that was edited, and where it lies. session: names the session that it
    is a recording of, None: it alone.
    """

    id: str
    started_ms: int | None
    records: tuple[HelpRecord, ...]
    last_turn: int | None = None
    source_episode: str | None = None
    source_timestep: int | None = None
    file: str | None = None
    folder: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedHelp:
    """What a folder of sessions holds, each decision once. unreadable: entries that cannot be read, so are left out."""

    sessions: tuple[SessionRecords, ...]
    unreadable: int


def session_records(episode: Episode) -> SessionRecords:
    """The records of one session; what was decided and not carried out has none."""
    started, changes = episode.states[0].timestamp_ms, _change_times(Path(episode.source))
    taken = [transition for transition in episode.transitions("A") if transition.action.dropped is None]
    records = [_record(transition, started, changes) for transition in taken]
    return SessionRecords(
        episode.id, started, tuple(records), episode.states[-1].t, episode.source_episode, episode.source_timestep,
        episode.file, episode.folder,
    )  # fmt: skip


def _record(transition: Transition, started_ms: int | None, changes: list[float]) -> HelpRecord:
    action, state = transition.action, transition.state
    shares, review = rewards.retention(transition), action.review
    decision = transition.decision if action.withheld is None else action.withheld.decision
    return HelpRecord(
        decision,
        shown=state.lines != transition.next.lines,
        withheld=action.withheld is not None,
        characters=sum(edit.characters for edit in line_edits(state.lines, transition.next.lines)),
        retained=shares.retained,
        survived=None if shares.retained is None else shares.retained * (shares.survived or 0.0),
        policy_kept=action.kept,
        reviewer_kept=None if review is None else review.kept,
        explored=None if review is None else review.explored,
        writer=None if action.writer is None else action.writer.name,
        place=_place(state),
        pause=_pause(state, changes),
        minute=_minute(state, started_ms),
        timestamp_ms=state.timestamp_ms,
        turn=transition.next.t,
    )


def _place(state: State) -> str | None:
    cursor = state.cursor
    if not cursor.on or not 0 <= cursor.line < len(state):
        return None
    line = state.lines[cursor.line]
    if not line.strip():
        return NEW_LINE
    return IN_LINE if line[max(cursor.char, 0) :].strip() else LINE_END


def _pause(state: State, changes: list[float]) -> float | None:
    """Seconds since the last of the person's changes before the state."""
    if state.timestamp_ms is None:
        return None
    before = bisect_right(changes, state.timestamp_ms)
    return None if before == 0 else (state.timestamp_ms - changes[before - 1]) / 1000


def _minute(state: State, started_ms: int | None) -> float | None:
    if state.timestamp_ms is None or started_ms is None or state.timestamp_ms < started_ms:
        return None
    return (state.timestamp_ms - started_ms) / 60_000


def _change_times(source: Path) -> list[float]:
    """When the person changed the text, in ms since 1970 and in order, for a session read from `source`."""
    try:
        lines = read_regular_file(streams_folder(source) / CHANGES).splitlines()
    except InputError:
        return []
    return sorted(time for line in lines for time in _times(line))


def _times(line: bytes) -> Iterator[float]:
    """Of one batch; what is torn has none."""
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        for time, _, _, _, origin in json.loads(line)["changes"]:
            if origin != ASSISTANT and isinstance(time, int | float):
                yield time
