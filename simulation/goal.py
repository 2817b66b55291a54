"""What a person is after: the text that a session ended with, and its tests if they are known.

Only people and text writers know a goal; no state holds one. Not here: how far a text is from it (`goal_progress`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alignment import strip_line_end
from comments import comment_texts, strip_comment
from judge import Problem
from simulation.goal_progress import GoalProgress, ProgressCache
from state import T_LAST, State
from state_adapter import Episode


@dataclass(frozen=True, eq=False)
class Goal:
    """A goal text: `lines` without line ends; `notes`: comments that belong to the text, without the `#`.

    It remembers the progress of the texts that it was asked about last, so a goal is for one thread at a time.
    """

    lines: tuple[str, ...]
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    _cache: ProgressCache = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cache", ProgressCache(self.lines))

    @classmethod
    def from_episode(cls, episode: Episode, problem: Problem | None = None) -> Goal:
        """The goal of a recorded session in hindsight: its last text, without comments that the assistant wrote.

        A comment of the assistant's was kept, but it is nothing that the person would have typed.
        """
        lines = _without_assistant_comments(episode.states[-1])
        notes = problem.notes if problem is not None else comment_texts(lines)
        return cls(tuple(lines), problem, notes)

    @classmethod
    def from_problem(cls, problem: Problem) -> Goal:
        """The goal of a person who knows the problem's solution."""
        return cls(problem.solution, problem, problem.notes)

    def progress(self, lines: tuple[str, ...]) -> GoalProgress:
        """How far the text `lines` is on its way to this goal."""
        return self._cache.progress(lines)


def _without_assistant_comments(state: State) -> list[str]:
    """The lines without the comments that the assistant was the last to edit."""
    remaining = []
    by_assistant = state.assistant[:, T_LAST] > state.human[:, T_LAST]
    for text, assistant_last in zip(state.lines, by_assistant.tolist(), strict=True):
        line = strip_line_end(text)
        uncommented = strip_comment(line) if assistant_last and "#" in line else line
        if uncommented.strip() or not line.strip():
            remaining.append(uncommented)
    return remaining
