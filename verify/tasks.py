"""Synthetic states whose answers are known by rule: what the checks learn from and are measured on.

States are drawn directly, so that a check needs no files; files have checks of their own. Every draw is fresh: the
same rules with another seed give states that were never trained on. Not here: learning, judging.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config import FeaturizerConfig
from state import ADDED, REPLACED, SPAN_END, T_LAST, Cursor, PastDecision, State, unedited

KEYWORDS = ("qqqq", "zzzz", "kkkk", "vvvv", "wwww", "jjjj", "yyyy")
"""The word on the cursor line that tells which decision is right; one for each decision, in their order."""

FILLERS = ("a = b", "for i in c:", "return d", "x += 1", "call(e)", "if f:")
"""Code that says nothing about the decision."""

COMMENT, INDENTATION = "#" * 12 + " ", "    " * 5
"""Plain to see, because the checks ask whether a network learns, not how fine its features are."""

OLD = (30, 90)
"""Ages in turns, from and below, of the assistant's edits except the newest."""


@dataclass(frozen=True)
class Labelled:
    """States `(N)` with their right answers: decision `(N,)`, line `(N,)` (-1: NO-OP), value `(N,)`, goal `(N, 8)`."""

    states: list[State]
    decision: NDArray[np.int64]
    line: NDArray[np.int64]
    value: NDArray[np.float32]
    goal: NDArray[np.float32]


def labelled(n: int, seed: int, *, lines: tuple[int, int] = (3, 7)) -> Labelled:
    """`n` states of `lines` (from, below) lines each.

    decision: that of the keyword on the cursor's line. line: the one that the assistant edited in this very turn; all
    others it edited long ago or never. value, goal: see `value_of` and `goal_of`.
    """
    rng = np.random.default_rng(seed)
    states, decisions, where = [], [], []
    for _ in range(n):
        decision = int(rng.integers(len(KEYWORDS)))
        state, newest = _draw(rng, int(rng.integers(*lines)), decision)
        states.append(state)
        decisions.append(decision)
        where.append(newest if decision else -1)
    return Labelled(
        states,
        np.array(decisions, dtype=np.int64),
        np.array(where, dtype=np.int64),
        np.array([value_of(state) for state in states], dtype=np.float32),
        np.stack([goal_of(state) for state in states]) if n else np.zeros((0, 8), dtype=np.float32),
    )


def _draw(rng: np.random.Generator, length: int, decision: int) -> tuple[State, int]:
    """One state and its newest line by the assistant. Shares differ from state to state, so that targets spread."""
    t = int(rng.integers(150, 300))
    cursor, newest, column = (int(drawn * length) for drawn in rng.random(3))
    blank, comment, indented, tidied, recent, replaced, helped, added = (rng.random((length, 8)) < rng.random(8)).T
    filler = rng.integers(len(FILLERS), size=length)
    words = [FILLERS[filler[i]] if not blank[i] else "" for i in range(length)]
    words = [COMMENT + word if word and comment[i] else word for i, word in enumerate(words)]
    words[cursor] = KEYWORDS[decision]
    lines = [INDENTATION + word if word and indented[i] else word for i, word in enumerate(words)]
    helped[newest] = True
    old = t - rng.integers(*OLD, size=(2, length))
    human, assistant = np.zeros((length, 6), dtype=np.int64), np.zeros((length, 6), dtype=np.int64)
    sizes = np.array([len(line) for line in lines])
    for edits, was_edited, now, turns in ((human, tidied | recent, recent, old[0]), (assistant, helped, [], old[1])):
        edits[:, T_LAST] = np.where(was_edited, turns, -1)
        edits[now, T_LAST] = t
        edits[:, SPAN_END] = np.where(was_edited, sizes, 0)
    human[:, ADDED], human[:, REPLACED] = tidied | recent, replaced & (tidied | recent)
    assistant[:, ADDED], assistant[:, REPLACED] = added & helped, helped
    assistant[newest, T_LAST] = t
    return _state(lines, t, human, assistant, Cursor(True, cursor, column, t)), newest


def _state(
    lines: list[str], t: int, human: NDArray[np.int64], assistant: NDArray[np.int64], cursor: Cursor, **more: object
) -> State:
    human.flags.writeable = assistant.flags.writeable = False
    return State(tuple(lines), t, human, assistant, cursor, **more)  # type: ignore[arg-type]


def value_of(state: State) -> float:
    """In [-1, 1]: how fresh the human's edits are, twice the mean over lines of exp(-age / 20), minus 1."""
    age = np.where(state.human[:, T_LAST] >= 0, state.t - state.human[:, T_LAST], np.inf)
    return float(2.0 * np.exp(-age / 20.0).mean() - 1.0)


def goal_of(state: State) -> NDArray[np.float32]:
    """`(8,)` in [0, 1], shares of the lines: comments, blank, indented, edited by the human, in this turn, replaced
    by them, edited by the assistant, added by it."""
    human, assistant = state.human, state.assistant
    texts = [line.strip() for line in state.lines]
    lines = [
        [text.startswith("#") for text in texts],
        [not text for text in texts],
        [line.startswith(" ") for line in state.lines],
        human[:, T_LAST] >= 0,
        human[:, T_LAST] == state.t,
        human[:, REPLACED] == 1,
        assistant[:, T_LAST] >= 0,
        assistant[:, ADDED] == 1,
    ]
    return np.array(np.mean(lines, axis=1), dtype=np.float32)


def varied(n: int, seed: int, config: FeaturizerConfig) -> list[State]:
    """`n` states with whatever may be read: 0 to 40 lines, protected and full ones, any cursor and attribution."""
    rng = np.random.default_rng(seed)
    states = []
    for _ in range(n):
        length, t = int(rng.integers(41)), int(rng.integers(1200))
        lines = [str(rng.choice(FILLERS)) * int(rng.choice([0, 1, 1, 1, config.w_max])) for _ in range(length)]
        human, assistant = (_any_attribution(rng, lines, t) for _ in range(2))
        on = bool(rng.integers(2)) and length > 0
        # Beside the file is a place that recordings hold too.
        line = int(rng.integers(-1, length + 2)) if on else -1
        cursor = Cursor(on, line, int(rng.integers(200)), t if on else -1)
        history = None
        if rng.integers(2):
            turns = range(int(rng.integers(min(t, 5) + 1)))
            history = tuple(PastDecision(k, int(rng.integers(7)), float(rng.random())) for k in turns)
        states.append(_state(lines, t, human, assistant, cursor, history=history))
    return states


def _any_attribution(rng: np.random.Generator, lines: list[str], t: int) -> NDArray[np.int64]:
    """`(n, 6)`: a third never edited, a third of the task's skeleton, a third edited at any time."""
    array = np.zeros((len(lines), 6), dtype=np.int64)
    for row, text in zip(array, lines, strict=True):
        row[T_LAST] = rng.choice([-1, 0, int(rng.integers(t + 1))])
        if row[T_LAST] >= 0:
            row[1:3] = np.sort(rng.integers(0, len(text) + 3, 2))
            row[3:] = rng.integers(0, 2, 3)
    return array


def edge_cases(config: FeaturizerConfig) -> dict[str, State]:
    """The most extreme states that are accepted, by name."""
    lines = [f"x{i} = {i}" for i in range(config.h_max + 1)]
    skeleton = _skeleton(3)
    return {
        "no lines": plain([]),
        "one empty line": plain([""]),
        "only blank lines": plain([""] * 5),
        "one letter": plain(["x"], cursor=0),
        "as many lines as the network sees": plain(lines[:-1], cursor=config.h_max - 1),
        "one line more": plain(lines, cursor=config.h_max),
        "a line of 100,000 characters": plain(["x" * 100_000], cursor=0),
        "surrogate, NUL, line ends": plain(["\ud800\x00", "a\r\n", "\u2028\x0c"], cursor=1),
        "every line protected": _state(["a", "b", "c"], 9, skeleton, _skeleton(3), Cursor(True, 1, 0, 9)),
        "cursor beside the file": plain(["a", "b"], cursor=7),
        "turn a million": plain(["a", "b"], t=1_000_000, cursor=1),
        "span outside the line": _state(["a"], 4, np.array([[3, -5, 9999, 1, 1, 1]]), never_array(1), Cursor()),
        "no history yet": plain(["a"], history=()),
    }


def plain(lines: list[str], *, t: int = 1, cursor: int | None = None, **more: object) -> State:
    """A state whose lines nobody edited; `cursor`: its line, None: off."""
    where = Cursor() if cursor is None else Cursor(True, cursor, 0, t)
    return _state(lines, t, never_array(len(lines)), never_array(len(lines)), where, **more)


def never_array(n: int) -> NDArray[np.int64]:
    """Writable attribution `(n, 6)` of lines never edited."""
    return np.array(unedited(n))


def _skeleton(n: int) -> NDArray[np.int64]:
    return np.tile(np.array([0, 0, 5, 1, 0, 0], dtype=np.int64), (n, 1))
