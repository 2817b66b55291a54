"""The canonical state: one file at one moment, typed and immutable.

Made where data enters (`state_adapter`, `episodes`) and by `actions.apply`; nothing else checks its types again. Not
here: parsing, legality, features.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

T_LAST, SPAN_START, SPAN_END, ADDED, DELETED, REPLACED = range(6)
"""Columns of an attribution array."""

UNEDITED = (-1, 0, 0, 0, 0, 0)
"""Attribution of a line that an agent never edited."""

HISTORY_LENGTH = 64
"""Latest decisions that a state's history keeps: older ones have decayed to nothing, and cost stays linear."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The human's cursor. `line` counts from 0, -1: nowhere; `char` in characters; `last_t` in turns, -1: never."""

    on: bool = False
    line: int = -1
    char: int = 0
    last_t: int = -1


@dataclass(frozen=True, slots=True)
class Env:
    """What compiling and testing the text gave. `tests_total` None: tests unknown."""

    compiled: bool
    tests_passed: int | None = None
    tests_total: int | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """An earlier decision of the assistant. `kept`: share in [0, 1], None: unknown (or NO-OP)."""

    t: int
    decision: int
    kept: float | None


def unedited(lines: int) -> NDArray[np.int64]:
    """Read-only attribution `(lines, 6)` of lines that nobody edited."""
    array = np.empty((lines, 6), dtype=np.int64)
    array[:] = UNEDITED
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One file at one moment.

    lines: text of each line as given (with or without its line end).
    human, assistant: `(len(lines), 6)` int64, read-only; columns `T_LAST` .. `REPLACED`, spans in characters.
    cursor: see `Cursor`; `last_known_line` is where it was last seen (snapshots only say so), -1: never seen.
    t: turn, >= 0. env None: unknown, which is not the same as failed.
    history: the assistant's earlier decisions, oldest first; None: unknown.
    undone: lines whose edit by the human in this very turn took something back; pasted: lines that were part of a
    large paste in this very turn.
    """

    lines: tuple[str, ...]
    t: int
    human: NDArray[np.int64]
    assistant: NDArray[np.int64]
    cursor: Cursor = Cursor()
    env: Env | None = None
    timestamp_ms: int | None = None
    history: tuple[PastDecision, ...] | None = None
    last_known_line: int = -1
    undone: frozenset[int] = field(default_factory=frozenset)
    pasted: frozenset[int] = field(default_factory=frozenset)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def text(self) -> str:
        """The file's text; line ends that the lines carry are replaced by one `\\n` between lines."""
        return "\n".join(line.rstrip("\r\n") for line in self.lines)


def history_after(history: tuple[PastDecision, ...] | None, t: int, decision: int) -> tuple[PastDecision, ...]:
    """The history once the assistant took `decision` on the state of turn `t`; what of it is kept is unknown yet."""
    return (*(history or ()), PastDecision(t, decision, None))[-HISTORY_LENGTH:]


def with_reply(history: tuple[PastDecision, ...], kept_share: float | None) -> tuple[PastDecision, ...]:
    """The history once the human replied to its last decision and kept `kept_share` of what it wrote; None: unknown."""
    return (*history[:-1], replace(history[-1], kept=kept_share))


def window_start(state: State, h_max: int) -> int:
    """First of the `h_max` lines that a network sees of a longer file: the cursor is in their middle, if it is on."""
    lines, cursor = len(state), state.cursor
    if lines <= h_max or not cursor.on or cursor.line < 0:
        return 0
    return min(max(cursor.line - h_max // 2, 0), lines - h_max)


def noop_streak(state: State) -> int:
    """NO-OPs of the assistant directly before, in this session: a history may reach back over several.

    Every session's turns begin at 0, so what lies before it has no earlier turn than what comes after.
    """
    count, t = 0, state.t
    for past in reversed(state.history or ()):
        if past.decision != 0 or past.t >= t:
            break
        count, t = count + 1, past.t
    return count
