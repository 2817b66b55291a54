"""The seven decisions: names, where they are legal, and what each does to a text.

One place computes legality, vectorised, and every part uses it. Not here: who chooses a decision, who writes the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alignment import strip_line_end
from config import N_DECISIONS
from errors import InputError
from explanations import explain_above, explain_line
from line_tracking import carry_attribution
from state import SPAN_END, SPAN_START, T_LAST, Cursor, State, unedited
from text_edits import Replacement, fill, rewrite, write_block, write_line


class Decision(IntEnum):
    """What an agent does in a turn; all but `NO_OP` at a line."""

    NO_OP = 0
    FILL_PARTIAL_LINE = 1
    WRITE_SINGLE_LINE = 2
    WRITE_MULTI_LINE = 3
    EDIT_EXISTING_LINES = 4
    EXPLAIN_SINGLE_LINES = 5
    EXPLAIN_MULTI_LINES = 6


NAMES = (
    "NO-OP",
    "Fill Partial Line",
    "Write Single Line Code",
    "Write Multi Line Code",
    "Edit Existing Lines",
    "Explain Single Lines",
    "Explain Multi Lines",
)
"""Name of each decision as recordings spell it."""

AT_CURSOR = (
    Decision.FILL_PARTIAL_LINE,
    Decision.WRITE_SINGLE_LINE,
    Decision.WRITE_MULTI_LINE,
    Decision.EXPLAIN_SINGLE_LINES,
)
"""Decisions that are legal on the cursor's line only, where that line is valid."""

ANYWHERE = (Decision.EDIT_EXISTING_LINES, Decision.EXPLAIN_MULTI_LINES)
"""Decisions that are legal on every free line."""

EXPLAIN = (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES)
"""Decisions that add comments and never change the code."""

Agent = Literal["H", "A"]
"""The human or the assistant."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote the text of an action, and how sure it was of it: log-probabilities of its tokens. None: unknown."""

    name: str | None = None
    mean_log_prob: float | None = None
    min_log_prob: float | None = None
    first_log_prob: float | None = None
    tokens: int | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """Whether written text was shown. None: unknown.

    kept: estimated share of the text that will be kept; it is shown from `threshold` on, or where exploration shows it
    all the same. shown_probability: with which it was to be shown, exploration included.
    """

    kept: float | None = None
    threshold: float | None = None
    shown_probability: float | None = None
    shown: bool | None = None
    explored: bool | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Help that was written and not shown: the decision that the policy took, its line (-1: none) and the text."""

    decision: Decision
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Milliseconds that each stage of an answer took. None: unknown, or it was not asked."""

    policy: float | None = None
    writer: float | None = None
    reviewer: float | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What one agent did in one turn, with what was recorded of how it was decided.

    line: from 0, in the file that the decision was taken on; -1: none.
    recorded: False if the decision was inferred from the difference of the two texts.
    probability, decision_probability: with which the pair (decision, line) and the decision were taken: strategy,
    temperature and exploration included, so that importance ratios are made of them. policy_probability: that of the
    pair under the policy itself. model: who decided. value: expected return. kept: estimated share of the text that
    will be kept. withheld: the help that was held back; the decision is then a NO-OP. milliseconds: how long it took.
    dropped: why the client did not carry out what was decided; the NO-OP that stands here was decided by nobody. None:
    unknown, or there was none.
    """

    agent: Agent
    decision: Decision
    line: int
    recorded: bool = True
    probability: float | None = None
    decision_probability: float | None = None
    model: str | None = None
    policy_probability: float | None = None
    value: float | None = None
    kept: float | None = None
    writer: Writer | None = None
    review: Review | None = None
    withheld: Withheld | None = None
    milliseconds: StageTimes | None = None
    dropped: str | None = None


def _key(name: str) -> str:
    """What tells names apart: letters, without case and without the words that some spellings leave out."""
    return re.sub(r"lines?|code|existing|[^a-z]", "", name.lower().replace("multiple", "multi"))


_BY_KEY = {_key(name): Decision(i) for i, name in enumerate(NAMES)}


def parse_decision(value: object, where: str) -> Decision:
    """The decision that a recorded index or name means; case, spaces, hyphens and underscores do not matter.

    Short names do ("Write Single Line", "explain multi", `NO_OP`).

    Raises:
        InputError: `value` is neither, naming the nearest known name. `where`: the file and the place in it.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < N_DECISIONS:
        return Decision(value)
    if isinstance(value, str):
        if (decision := _BY_KEY.get(_key(value))) is not None:
            return decision
        nearest = get_close_matches(value[:80].lower(), [name.lower() for name in NAMES], n=1, cutoff=0.0)
        name = next(name for name in NAMES if name.lower() == nearest[0])
        raise InputError(where, f'unknown decision "{value[:80]}"; the nearest known one is "{name}"')
    # A list may be too deep to print.
    described = f"a {type(value).__name__}" if isinstance(value, list | dict) else str(value)[:80]
    raise InputError(where, f"a decision is {described}; expected an index from 0 to 6 or a name")


def protected_lines(human: NDArray[np.int64]) -> NDArray[np.bool_]:
    """`(n,)` which lines are the task's skeleton: the human wrote it in turn 0. human: attribution `(n, 6)`."""
    mask: NDArray[np.bool_] = (human[:, T_LAST] == 0) & (human[:, SPAN_END] > human[:, SPAN_START])
    return mask


def legality_mask(states: Sequence[State], w_max: int) -> NDArray[np.bool_]:
    """`(B, 7, L)` where each decision is legal for the assistant, `L` the lines of the longest state.

    As `legality_by_line` has it; in padding nothing is legal.
    """
    table = np.zeros((len(states), N_DECISIONS, max(map(len, states), default=0)), dtype=np.bool_)
    flat, end = legality_by_line(states, w_max), 0
    for of_state, state in zip(table, states, strict=True):
        start, end = end, end + len(state)
        of_state[:, : len(state)] = flat[:, start:end]
    return table


def legality_by_line(states: Sequence[State], w_max: int) -> NDArray[np.bool_]:
    """`(7, N)` where each decision is legal for the assistant: at the N lines of all states, one after the other.

    A NO-OP has no line; its row is True on every line of a file, so that it is legal everywhere. `w_max` in bytes of
    UTF-8: a line so long or longer has no room for a completion.
    """
    human = states[0].human if len(states) == 1 else np.concatenate([unedited(0), *(state.human for state in states)])
    free = ~protected_lines(human)
    table = np.zeros((N_DECISIONS, len(free)), dtype=np.bool_)
    table[Decision.NO_OP] = True
    for decision in ANYWHERE:
        table[decision] = free
    end = 0
    for state in states:
        start, end = end, end + len(state)
        cursor = state.cursor
        at = start + cursor.line
        if cursor.on and 0 <= cursor.line < len(state) and free[at]:
            for decision in AT_CURSOR:
                table[decision, at] = True
            table[Decision.FILL_PARTIAL_LINE, at] = _bytes(state.lines[cursor.line]) < w_max
        else:
            for decision in AT_CURSOR:
                table[decision, start:end] = free[start:end]
            table[Decision.FILL_PARTIAL_LINE, start:end] &= _have_room(state.lines, w_max)
    return table


def is_legal(state: State, decision: Decision, line: int, w_max: int) -> bool:
    """Whether the assistant may take `decision` at `line`; a NO-OP always, whatever its line."""
    if decision == Decision.NO_OP:
        return True
    if not 0 <= line < len(state) or not _free(state, line):
        return False
    if decision in ANYWHERE:
        return True
    cursor = state.cursor
    bound = cursor.on and 0 <= cursor.line < len(state) and _free(state, cursor.line)
    if bound and line != cursor.line:
        return False
    return decision != Decision.FILL_PARTIAL_LINE or _bytes(state.lines[line]) < w_max


def _free(state: State, line: int) -> bool:
    """Whether one line is not `protected_lines`."""
    row = state.human[line]
    return bool(row[T_LAST] != 0 or row[SPAN_END] <= row[SPAN_START])


def _have_room(lines: Sequence[str], w_max: int) -> NDArray[np.bool_]:
    """`(lines,)` which lines are shorter than `w_max` bytes."""
    if 4 * max(map(len, lines), default=0) < w_max:  # no character has more bytes
        return np.ones(len(lines), dtype=np.bool_)
    return np.array([_bytes(line) < w_max for line in lines], dtype=np.bool_)


def _bytes(line: str) -> int:
    """Length in UTF-8 as given, line end included; lone surrogates count their three bytes."""
    return len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass"))


def apply_text(lines: Sequence[str], decision: Decision, line: int, text: str, column: int | None = None) -> list[str]:
    """The lines after `decision` at `line` with `text`; legal or not. Line ends stay as the lines carry them.

    | decision | the text | what it does |
    |---|---|---|
    | Fill | first line, not stripped on the left | inserted at `column` (None: the line's end): it only adds |
    | Write Single | first line | replaces the line, which keeps its indentation |
    | Write Multi | all lines | replace the line; its indentation, and theirs relative to each other, are kept |
    | Edit | all lines | replace the line, at its indentation unless the text brings its own |
    | Explain Single | first line | a comment at the line's end; where none can stand, above the statement |
    | Explain Multi | every line that is not blank | a comment line above, with the line's indentation |

    Blank lines around the text and spaces at its lines' ends are dropped, but for those of a Fill before more text; a
    Fill that begins with a line end adds nothing. A `#` is put before a comment that has none; no comment is put where
    it would change the code, or twice. An empty line has no indentation to keep, so there the text's own counts; all
    indentation is turned into the file's own. Blank text does nothing.

    Raises:
        ValueError: `line` is outside the file (a NO-OP has none).
    """
    replacement = _replacement(tuple(lines), decision, line, text, column)
    return list(lines) if replacement is None else replacement.applied_to(lines)


def _replacement(
    lines: tuple[str, ...], decision: Decision, line: int, text: str, column: int | None
) -> Replacement | None:
    """What `apply_text` does; None: nothing."""
    if decision == Decision.NO_OP or not text.strip():
        return None
    if not 0 <= line < len(lines):
        raise ValueError(f"{NAMES[decision]} at line {line} of a file of {len(lines)} lines")
    if decision == Decision.FILL_PARTIAL_LINE:
        return fill(lines, line, text, column)
    return _EDITS[decision](lines, line, text)


_EDITS = {
    Decision.WRITE_SINGLE_LINE: write_line,
    Decision.WRITE_MULTI_LINE: write_block,
    Decision.EDIT_EXISTING_LINES: rewrite,
    Decision.EXPLAIN_SINGLE_LINES: explain_line,
    Decision.EXPLAIN_MULTI_LINES: explain_above,
}


def apply(state: State, decision: Decision, line: int, text: str, *, by: Literal["H", "A"], t: int) -> State:
    """The state of turn `t`, that `by` leads to by `decision` at `line` with `text` (see `apply_text`).

    Attribution is line-aligned (`carry_attribution`). The human's cursor is at the end of what they wrote last;
    after a NO-OP where it was. The assistant has none: it is off, and the line it was last seen on is followed where it
    moves. What running the text would give, and what the human took back, is not known.

    Raises:
        ValueError: `line` is outside the file, or the assistant's decision is not legal there.
    """
    if by == "A" and text.strip() and not is_legal(state, decision, line, w_max=1 << 62):
        raise ValueError(f"{NAMES[decision]} is not legal at line {line}")
    at_cursor = state.cursor.on and state.cursor.line == line
    replacement = _replacement(state.lines, decision, line, text, state.cursor.char if at_cursor else None)
    lines = state.lines if replacement is None else tuple(replacement.applied_to(state.lines))
    human, assistant = state.human, state.assistant
    if lines != state.lines:
        human, assistant = carry_attribution(state, lines, by, t)
    if by == "A":
        seen = _last_seen(state)
        return State(
            lines,
            t,
            human,
            assistant,
            history=state.history,
            last_known_line=seen if replacement is None else _moved(seen, replacement),
        )
    if replacement is None or lines == state.lines:
        cursor = _idle_cursor(state, t)
    else:
        cursor = _typing_cursor(state, decision, line, replacement, t)
    return State(lines, t, human, assistant, cursor, history=state.history, last_known_line=cursor.line)


def _last_seen(state: State) -> int:
    """The line that the cursor is on or was last seen on, inside the file; -1: never seen."""
    return min(state.cursor.line if state.cursor.on else state.last_known_line, len(state) - 1)


def _moved(line: int, replacement: Replacement) -> int:
    """Where a line of the file is after the replacement."""
    grown = len(replacement.lines) - (replacement.end - replacement.start)
    return line + grown if line >= replacement.end else line


def _idle_cursor(state: State, t: int) -> Cursor:
    """The human's cursor after a turn that changed nothing: where it was last seen."""
    seen = _last_seen(state)
    if seen < 0:
        return Cursor()
    return Cursor(True, seen, state.cursor.char if state.cursor.on else len(strip_line_end(state.lines[seen])), t)


def _typing_cursor(state: State, decision: Decision, line: int, replacement: Replacement, t: int) -> Cursor:
    """The human's cursor at the end of what they wrote last; a comment above a statement leaves it on the line."""
    cursor, old = state.cursor, strip_line_end(state.lines[line])
    if decision == Decision.EXPLAIN_SINGLE_LINES and replacement.start == replacement.end:
        at_line = cursor.on and cursor.line == line
        return Cursor(True, _moved(line, replacement), cursor.char if at_line else len(old), t)
    after = 0  # characters of the line that stand after what was filled in
    if decision == Decision.FILL_PARTIAL_LINE and cursor.on and cursor.line == line:
        after = max(len(old) - max(cursor.char, 0), 0)
    return Cursor(True, replacement.start + len(replacement.lines) - 1, len(replacement.lines[-1]) - after, t)
