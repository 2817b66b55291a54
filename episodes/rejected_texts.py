"""What the human deleted or took back of the assistant's writing, read off a session's states one after the other.

Not here: what a writer makes of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from alignment import align, lcs_length, strip_line_end
from state import SPAN_END, SPAN_START, T_LAST, State

from .episode_builder import Step

MAX_TEXTS = 16
"""Texts that are remembered: what was rejected long ago may be right now."""

_MOST_REMOVED = 0.5
"""Characters removed from a line, as a share of those that the assistant wrote, from which on it was rejected."""


class RejectedTexts:
    """Follows a session step by step; remembers its latest rejected texts."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque(maxlen=MAX_TEXTS)
        self._state: State | None = None

    def add(self, step: Step) -> None:
        """Takes the next step."""
        self._texts.extend(self._rejected_by(step))
        self._state = step.state

    def after(self, step: Step) -> tuple[str, ...]:
        """The rejected texts as they would be after one more step, the latest last."""
        return (*self._texts, *self._rejected_by(step))[-MAX_TEXTS:]

    def _rejected_by(self, step: Step) -> Iterator[str]:
        before = self._state
        if before is None or step.action is None or step.action.agent != "H" or step.state.lines == before.lines:
            return
        assistant_rows = np.flatnonzero(before.assistant[:, T_LAST] >= 0)
        if len(assistant_rows):
            yield from _rejected(before, step.state, set(assistant_rows.tolist()))


def _rejected(before: State, after: State, assistant_rows: set[int]) -> Iterator[str]:
    """Texts of the lines of `before` that the assistant wrote and that are gone; neighbours make up one text."""
    alignment = align(before.lines, after.lines)
    later = {source: i for i, source in enumerate(alignment.source.tolist()) if source >= 0}
    texts = {i: _rejected_part(before, i, after, later.get(i)) for i in sorted(assistant_rows)}
    block: list[str] = []
    for i in range(len(before) + 1):
        if text := texts.get(i, ""):
            block.append(text)
        elif block:
            yield "\n".join(block)
            block = []


def _rejected_part(before: State, line: int, after: State, later: int | None) -> str:
    """What the assistant wrote in a line and the human rejected; "": nothing, or nothing but blanks."""
    text = strip_line_end(before.lines[line])
    part = _part_of_assistant(before, line, text)
    if later is None or not part.strip():
        return part if part.strip() else ""
    later_text = strip_line_end(after.lines[later])
    if later_text == text or (later not in after.undone and _is_left(part, text, later_text)):
        return ""
    return part


def _part_of_assistant(state: State, line: int, text: str) -> str:
    """The characters that the assistant wrote; where the human has changed the line since, what stands there now."""
    start, end = state.assistant[line, [SPAN_START, SPAN_END]].tolist()
    return text[start:end]


def _is_left(part: str, text: str, later_text: str) -> bool:
    """Whether so few of a line's characters are gone that the written part of it was at most amended."""
    old, new = "".join(text.split()), "".join(later_text.split())
    return len(old) - lcs_length(old, new) < _MOST_REMOVED * len("".join(part.split()))
