"""One state as line tuples, `[text, H, A, C]` a line: how the policy is asked.

Well-formed input, which is nearly all there is, is checked in bulk; what is incomplete or wrong is walked line by
line, to fill in the defaults or to say what is wrong where. Both ways give the same state. Not here: files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import InputError
from state import ADDED, SPAN_END, SPAN_START, T_LAST, UNEDITED, Cursor, PastDecision, State, unedited

from .validation import LIMIT, Place, as_list, boolean, flag, integer, place_text, text, unexpected

Row = tuple[int, ...]
"""An attribution: the six columns of `state`."""


class CursorColumns(NamedTuple):
    """The cursor as each line saw it, one sequence per key."""

    on: Sequence[bool]
    line: Sequence[int]
    char: Sequence[int]
    last_t: Sequence[int]


def parse_line_tuples(value: object, t: object, where: Place, history: tuple[PastDecision, ...] | None = None) -> State:
    """The state at turn `t` from a list of line tuples.

    Raises InputError: a part that is not of its type, a number that is not finite or not an integer, a negative turn.
    """
    return state_of(value, integer(t, (where, "t"), least=0), (where, "line_tuples"), history)


def state_of(value: object, turn: int, place: Place, history: tuple[PastDecision, ...] | None = None) -> State:
    """The state of a valid turn from the list of line tuples at `place`. Raises InputError as above."""
    texts, humans, assistants, cursors = _columns(as_list(value, place), place)
    if _types(texts) - {str}:
        for i, line in enumerate(texts):
            text(line, ((place, i), "text"))
    cursor, last_known_line = _latest(_seen_in_bulk(cursors) or _seen(cursors, place))
    return State(
        texts,
        turn,
        _edits(humans, place, "H"),
        _edits(assistants, place, "A"),
        cursor,
        history=history,
        last_known_line=last_known_line,
    )


def attribution(rows: Sequence[Row], lines: int) -> NDArray[np.int64]:
    """Read-only `(lines, 6)`; where there are fewer rows, the rest was never edited; rows beyond are ignored."""
    rows = rows[:lines]
    array = unedited(lines)
    if rows:
        array.flags.writeable = True
        array[: len(rows)] = rows
        array.flags.writeable = False
    return array


def edit(value: object, place: Place) -> Row:
    """One `H` or `A`; what is missing takes its default."""
    if value is None:
        return UNEDITED
    if not isinstance(value, dict):
        raise unexpected(place, value, "an object")
    span = as_list(value.get("span", (0, 0)), (place, "span"), 2)
    flags = as_list(value.get("flags", (0, 0, 0)), (place, "flags"), 3)
    return (
        integer(value.get("t_last", -1), (place, "t_last"), least=-1),
        *[integer(n, ((place, "span"), i)) for i, n in enumerate(span)],
        *[flag(n, ((place, "flags"), i)) for i, n in enumerate(flags)],
    )


def cursor_part(value: object, place: Place, line: int) -> Cursor:
    """One `C`, or a canonical state's cursor. `line` is what a missing line means."""
    if value is None:
        return Cursor(line=line)
    if not isinstance(value, dict):
        raise unexpected(place, value, "an object")
    key = "last_t" if "last_t" in value else "t_last"
    return Cursor(
        boolean(value.get("on", False), (place, "on")),
        integer(value.get("line", line), (place, "line")),
        integer(value.get("char", 0), (place, "char")),
        integer(value.get(key, -1), (place, key), least=-1),
    )


def _columns(lines: Sequence[Any], place: Place) -> tuple[tuple[Any, ...], ...]:
    """Texts, H, A and C of all lines; None where a part is missing."""
    if not lines:
        return (), (), (), ()
    if not _types(lines) <= {list, tuple} or {*map(len, lines)} != {4}:
        for i, line in enumerate(lines):
            if not 1 <= len(as_list(line, (place, i))) <= 4:
                raise InputError(place_text((place, i)), f"found a list of {len(line)}, expected [text, H, A, C]")
        lines = [[*line, *[None] * (4 - len(line))] for line in lines]
    return tuple(zip(*lines, strict=True))


def _edits(edits: Sequence[Any], place: Place, key: str) -> NDArray[np.int64]:
    array = _edits_in_bulk(edits)
    if array is not None:
        return array
    return attribution([edit(value, ((place, i), key)) for i, value in enumerate(edits)], len(edits))


_EDIT = itemgetter("t_last", "span", "flags")
_CURSOR = itemgetter("on", "line", "char", "last_t")


def _edits_in_bulk(edits: Sequence[Any]) -> NDArray[np.int64] | None:
    """None: something is missing or wrong."""
    try:
        turns, spans, flags = zip(*map(_EDIT, edits), strict=True)
        if {*map(len, spans)} != {2} or {*map(len, flags)} != {3} or not _types(spans) | _types(flags) <= {list, tuple}:
            return None
        ends, marks = [*chain.from_iterable(spans)], [*chain.from_iterable(flags)]
        if _types(turns) | _types(ends) != {int} or not _types(marks) <= {int, bool} or not {*marks} <= {0, 1}:
            return None
        array = np.empty((len(edits), 6), dtype=np.int64)
        array[:, T_LAST] = turns
        array[:, SPAN_START : SPAN_END + 1] = np.array(ends, dtype=np.int64).reshape(-1, 2)
        array[:, ADDED:] = np.array(marks, dtype=np.int64).reshape(-1, 3)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if max(ends) > LIMIT or min(ends) < -LIMIT or max(turns) > LIMIT or min(turns) < -1:
        return None
    array.flags.writeable = False
    return array


def _seen(cursors: Sequence[object], place: Place) -> CursorColumns:
    cursor_list = [cursor_part(value, ((place, i), "C"), i) for i, value in enumerate(cursors)]
    parts = [(cursor.on, cursor.line, cursor.char, cursor.last_t) for cursor in cursor_list]
    return CursorColumns(*zip(*parts, strict=True)) if parts else CursorColumns((), (), (), ())


def _seen_in_bulk(cursors: Sequence[Any]) -> CursorColumns | None:
    """None: something is missing or wrong."""
    try:
        seen = CursorColumns(*zip(*map(_CURSOR, cursors), strict=True))
    except (KeyError, TypeError, ValueError):
        return None
    numbers = seen[1:]
    if _types(seen.on) != {bool} or _types(chain(*numbers)) != {int}:
        return None
    if max(map(max, numbers)) > LIMIT or min(map(min, numbers)) < -LIMIT or min(seen.last_t) < -1:
        return None
    return seen


def _types(values: Iterable[object]) -> set[type]:
    return set(map(type, values))


def _latest(seen: CursorColumns) -> tuple[Cursor, int]:
    """The cursor, and where it was last seen: the latest that is on (on a tie the later line), else the latest."""
    on_lines = [i for i, on in enumerate(seen.on) if on]
    if on_lines:
        i = max(on_lines, key=lambda i: (seen.last_t[i], i))
        return Cursor(True, seen.line[i], seen.char[i], seen.last_t[i]), seen.line[i]
    latest = max(seen.last_t, default=-1)
    if latest < 0:
        return Cursor(), -1
    return Cursor(), seen.line[len(seen.last_t) - 1 - seen.last_t[::-1].index(latest)]
