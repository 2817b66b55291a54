"""What a person is after: the text that a session ended with, and its tests if they are known.

Only people and completers know a goal; no state holds one. Not here: how far a text is from it (`goal_progress`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from judge import Problem
from state import T_LAST, State
from state_adapter import Episode

_CODE = re.compile(r"""(?:[^#'"\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*+""")


@dataclass(frozen=True, eq=False)
class Goal:
    """`lines` without line ends; `notes`: comments that belong to the text, without the `#`."""

    lines: tuple[str, ...]
    problem: Problem | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, episode: Episode, problem: Problem | None = None) -> Goal:
        """The goal of a recorded session in hindsight: its last text, without comments that the assistant wrote.

        A comment of the assistant's was kept, but it is nothing that the person would have typed.
        """
        state = episode.states[-1]
        kept = _own(state)
        notes = problem.notes if problem is not None else comments(kept)
        return cls(tuple(kept), problem, notes)

    @classmethod
    def solving(cls, problem: Problem) -> Goal:
        """The goal of a person who knows the problem's solution."""
        return cls(problem.solution, problem, problem.notes)


def code(line: str) -> str:
    """The line without the comment at its end, if it has one; a `#` within quotes begins none."""
    if "#" not in line:
        return line.rstrip()
    match = _CODE.match(line)
    end = match.end() if match else 0
    return line[:end].rstrip() if line[end : end + 1] == "#" else line.rstrip()


def is_comment(line: str) -> bool:
    """Whether the line is nothing but a comment."""
    return line.lstrip().startswith("#")


def comments(lines: Sequence[str]) -> tuple[str, ...]:
    """The comments of a text, without `#`, each once."""
    found = (line.rstrip()[len(code(line)) :].strip().lstrip("#").strip() for line in lines)
    return tuple(dict.fromkeys(note for note in found if note))


def _own(state: State) -> list[str]:
    """The lines without the comments that the assistant was the last to edit."""
    lines = [line.rstrip("\r\n") for line in state.lines]
    by_assistant = state.assistant[:, T_LAST] > state.human[:, T_LAST]
    own = [
        code(line) if late and "#" in line else line for line, late in zip(lines, by_assistant.tolist(), strict=True)
    ]
    return [now for now, line in zip(own, lines, strict=True) if now.strip() or not line.strip()]
