"""One state as a client recorded it: text, attribution by line number, cursor by turn. Not here: sequences of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actions import Action
from state import UNEDITED, Cursor, State

from .canonical import parse_env, parse_history
from .line_tuples import Row, attribution
from .recorded_state import RecordedState, parse_action
from .validation import (
    Place,
    as_list,
    as_object,
    flag,
    integer,
    optional_list,
    optional_milliseconds,
    optional_object,
    text,
)

FIRST_LINE = 1
"""Recorded actions count lines from 1."""

UNDO = "undo"
"""The special flag of an edit that took something back."""

PASTE = "paste"
"""The special flag of an edit that was a large paste."""


class LineRecord(NamedTuple):
    """What one line carries. seen: turn of the cursor, -1: never. char: from 0. undone, pasted: turn of an undo, of a
    large paste, -1: none.
    """

    human: Row
    assistant: Row
    seen: int
    char: int
    undone: int
    pasted: int


_BLANK = LineRecord(UNEDITED, UNEDITED, -1, 0, -1, -1)


@dataclass(slots=True)
class SnapshotCache:
    """What the states of one session share, so that it is made once: lines, texts, attribution entries."""

    lines: dict[str, str] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    entries: dict[int, tuple[object, LineRecord]] = field(default_factory=dict)
    """By identity of the JSON object, which is kept, so that the identity stays its own."""

    def lines_of(self, content: str) -> tuple[str, ...]:
        """What the editor shows as lines: split at line feeds only, a carriage return before one belongs to it."""
        if content not in self.texts:
            lines = content.replace("\r\n", "\n").split("\n")
            self.texts[content] = tuple([self.lines.setdefault(line, line) for line in lines])
        return self.texts[content]

    def entry(self, value: object, place: Place) -> LineRecord:
        entry = self.entries.get(id(value))
        if entry is None:
            entry = self.entries[id(value)] = (value, _entry(value, place))
        return entry[1]


def parse_snapshot_state(value: object, where: Place, cache: SnapshotCache) -> RecordedState:
    """A recorded state, its attribution used as it is.

    Raises InputError: no `text` or `timestep`, or a part that is not of its type.
    """
    fields = as_object(value, where)
    lines = cache.lines_of(text(fields.get("text"), (where, "text")))
    t = integer(fields.get("timestep"), (where, "timestep"), least=0)
    place = (where, "attribution")
    recorded = optional_list(fields.get("attribution"), place)[: len(lines)]
    entries = [cache.entry(entry, (place, i)) for i, entry in enumerate(recorded)]
    cursor, last_known_line = _cursor(entries, t)
    state = State(
        lines,
        t,
        attribution([entry.human for entry in entries], len(lines)),
        attribution([entry.assistant for entry in entries], len(lines)),
        cursor,
        parse_env(fields.get("env"), (where, "env")),
        optional_milliseconds(fields.get("timestamp_ms"), (where, "timestamp_ms")),
        parse_history(fields.get("history"), (where, "history")),
        last_known_line,
        frozenset([i for i, entry in enumerate(entries) if entry.undone == t]),
        frozenset([i for i, entry in enumerate(entries) if entry.pasted == t]),
    )
    undos = {i: entry.undone for i, entry in enumerate(entries) if entry.undone >= 0}
    pastes = {i: entry.pasted for i, entry in enumerate(entries) if entry.pasted >= 0}
    action = parse_action(fields.get("action"), (where, "action"), FIRST_LINE)
    return RecordedState(state, action, undos=undos, pastes=pastes)


def check_recorded_state(value: object) -> State:
    """The state of a message to the recorder, its attribution used as it is. Raises InputError: it is malformed."""
    return parse_snapshot_state(value, "state", SnapshotCache()).state


def parse_recorded_action(value: object) -> Action | None:
    """The decision that a message's action names, the assistant's before the human's; None: it names none.

    Raises InputError: it is malformed.
    """
    named = [part.action for part in parse_action(value, "action", FIRST_LINE) if part.action is not None]
    return named[-1] if named else None


def _cursor(entries: list[LineRecord], t: int) -> tuple[Cursor, int]:
    """The cursor, on at the last line where its turn is the state's; and the line where its turn is the latest."""
    on_lines = [i for i, entry in enumerate(entries) if entry.seen == t]
    latest = max([entry.seen for entry in entries], default=-1)
    last_known = max(i for i, entry in enumerate(entries) if entry.seen == latest) if latest >= 0 else -1
    if not on_lines:
        return Cursor(), last_known
    return Cursor(True, on_lines[-1], entries[on_lines[-1]].char, t), last_known


def _entry(value: object, place: Place) -> LineRecord:
    if value is None:
        return _BLANK
    fields = as_object(value, place)
    human, assistant, cursor = (
        optional_object(fields.get(key), (place, key)) for key in ("human", "assistant", "cursor")
    )
    turn = integer(cursor.get("turn", 0), ((place, "cursor"), "turn"), least=-1)
    char = integer(cursor.get("char", 0), ((place, "cursor"), "char"), least=0)
    edits = _row(human, (place, "human")), _row(assistant, (place, "assistant"))
    special = optional_list(human.get("specialFlags"), ((place, "human"), "specialFlags"))
    for i, word in enumerate(special):
        text(word, (((place, "human"), "specialFlags"), i))
    seen = -1 if turn == 0 and char == 0 else turn
    undone, pasted = (edits[0][0] if flag in special else -1 for flag in (UNDO, PASTE))
    return LineRecord(*edits, seen, max(char - 1, 0), undone, pasted)


def _row(edit: dict[str, Any], place: Place) -> Row:
    """Turn 0 with an empty span means never."""
    turn = integer(edit.get("turn", 0), (place, "turn"), least=-1)
    span = as_list(edit.get("span", (0, 0)), (place, "span"), 2)
    start, end = [integer(n, ((place, "span"), i)) for i, n in enumerate(span)]
    actions = as_list(edit.get("actions", (0, 0, 0)), (place, "actions"), 3)
    flags = [flag(mark, ((place, "actions"), i)) for i, mark in enumerate(actions)]
    return (-1 if turn == 0 and end <= start else turn, start, end, *flags)
