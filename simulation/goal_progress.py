"""How far a text is from a goal: which goal lines are complete, which are begun, where the missing ones belong.

Works for any text and any goal; as fast as an alignment. Not here: who types them, and how.
"""

from __future__ import annotations

from bisect import bisect
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from alignment import align, longest_increasing_subsequence, strip_line_end
from comments import is_comment, strip_comment

LOOK_AHEAD = 64
"""Missing goal lines among which a line may have been begun."""

MAX_CACHED_LINES = 2**16
"""Lines of all texts whose progress one cache remembers: 7 MB if they have the length of code, however long a file."""


@dataclass(frozen=True, slots=True)
class GoalProgress:
    """A text of n lines beside a goal of g lines.

    goal_line_of: (n,) the goal line that each line is or is meant to become; -1: none.
    line_of: (g,) the line that each goal line is complete or begun on; -1: none.
    complete: (g,) whether it is in the text, a comment of its own at its end aside. Blank goal lines always are.
    """

    lines: tuple[str, ...]
    goal: tuple[str, ...]
    goal_line_of: tuple[int, ...]
    line_of: tuple[int, ...]
    complete: tuple[bool, ...]

    @property
    def done(self) -> bool:
        """Whether every line of the goal is complete."""
        return all(self.complete)

    @property
    def share(self) -> float:
        """Share of the goal's non-blank lines that are complete; 1 if it has none."""
        complete = [complete for complete, line in zip(self.complete, self.goal, strict=True) if line.strip()]
        return sum(complete) / len(complete) if complete else 1.0

    def is_missing(self, goal_line: int) -> bool:
        """Whether the goal line is neither complete nor begun."""
        return not self.complete[goal_line] and self.line_of[goal_line] < 0


@dataclass(frozen=True, slots=True)
class EditStep:
    """The next thing to do at one place.

    type: `line` is blank or begins as the goal line does. rewrite: it has to become the goal line. insert: the goal
    line belongs directly below `line` (-1: at the top). remove: `line` is no part of the goal (`goal` -1).
    """

    kind: Literal["type", "rewrite", "insert", "remove"]
    line: int
    goal: int


class ProgressCache:
    """Progress of texts towards one goal, of the latest ones: a rollout asks again within a turn or two, or never.

    max_lines: of all texts that are remembered. Not for use by several threads at once.
    """

    def __init__(self, goal: tuple[str, ...], max_lines: int = MAX_CACHED_LINES) -> None:
        self.goal, self.max_lines = goal, max_lines
        self.line_count = 0
        self.entries: OrderedDict[tuple[str, ...], GoalProgress] = OrderedDict()

    def progress(self, lines: tuple[str, ...]) -> GoalProgress:
        """How far the text `lines` is on its way to the goal."""
        if (cached := self.entries.get(lines)) is not None:
            return cached
        progress = self.entries[lines] = measure_progress(lines, self.goal)
        self.line_count += len(lines)
        while self.line_count > self.max_lines:
            oldest, _ = self.entries.popitem(last=False)
            self.line_count -= len(oldest)
        return progress


def measure_progress(lines: tuple[str, ...], goal: tuple[str, ...]) -> GoalProgress:
    """How far the text `lines` is on its way to `goal`, with or without line ends."""
    matching = _Matching(tuple(strip_line_end(line) for line in lines), goal)
    matching.match_aligned_lines()
    matching.release_crossing_lines()
    matching.match_begun_lines()
    matching.match_other_code()
    return GoalProgress(
        matching.lines, goal, tuple(matching.goal_line_of), tuple(matching.line_of), tuple(matching.complete)
    )


class _Matching:
    """Lines of a text matched with lines of a goal, while it is being found; fields as in `GoalProgress`."""

    def __init__(self, lines: tuple[str, ...], goal: tuple[str, ...]) -> None:
        self.lines, self.goal = lines, goal
        self.goal_line_of = [-1] * len(lines)
        self.line_of = [-1] * len(goal)
        self.complete = [not line.strip() for line in goal]

    def match_aligned_lines(self) -> None:
        """Matches what an alignment matches, but no code with a comment.

        Blank goal lines are left out: a blank line to write on is no blank line of the goal.
        """
        goal_lines = [j for j, blank in enumerate(self.complete) if not blank]
        alignment = align(self.lines, [self.goal[j] for j in goal_lines])
        for j, i, equal in zip(goal_lines, alignment.source.tolist(), alignment.equal.tolist(), strict=True):
            if i >= 0 and (equal or self._same_kind(i, j)):
                self.goal_line_of[i], self.line_of[j] = j, i
                self.complete[j] = equal or _is_commented(self.lines[i], self.goal[j])

    def _same_kind(self, i: int, j: int) -> bool:
        line = self.lines[i]
        return not line.strip() or is_comment(line) == is_comment(self.goal[j])

    def release_crossing_lines(self) -> None:
        """Releases the matches that cross others, few complete ones: a line at a wrong place is not the goal's."""
        for j in _crossing_goal_lines(self.line_of, self.complete, len(self.lines)):
            self.goal_line_of[self.line_of[j]], self.line_of[j], self.complete[j] = -1, -1, False

    def match_begun_lines(self) -> None:
        """Matches lines of which too little is typed for an alignment with the first goal line that begins so.

        Only goal lines between those of the lines above and below that are sure come into question.
        """

        def begins(i: int, j: int) -> bool:
            free = not self.complete[j] and self.line_of[j] in (-1, i)
            return free and self.goal[j].startswith(self.lines[i])

        self._match_in_gaps([self._sure_goal_line(i) for i in range(len(self.lines))], begins)

    def match_other_code(self) -> None:
        """Matches each line of code that has no goal line with the first missing one that fits its place."""

        def has_room(i: int, j: int) -> bool:
            is_unmatched = not self.complete[j] and self.line_of[j] < 0
            return is_unmatched and not is_comment(self.goal[j]) and not is_comment(self.lines[i])

        self._match_in_gaps(list(self.goal_line_of), has_room)

    def _sure_goal_line(self, i: int) -> int:
        """The goal line of line `i` if it is complete, or begun as it has to; else -1."""
        j = self.goal_line_of[i]
        return j if j >= 0 and (self.complete[j] or is_begun(self.lines[i], self.goal[j])) else -1

    def _match_in_gaps(self, fixed: Sequence[int], fits: Callable[[int, int], bool]) -> None:
        """Matches lines that are not blank with the first goal line that fits between those of the fixed lines around.

        fixed: (n,) goal line of each line that keeps it, -1 for the others.
        """
        ends = _next_fixed(fixed, len(self.goal))
        above = -1
        for i, line in enumerate(self.lines):
            if fixed[i] >= 0:
                above = fixed[i]
            elif line.strip():
                between = range(above + 1, min(ends[i + 1], above + 1 + LOOK_AHEAD))
                j = next((j for j in between if fits(i, j)), -1)
                if j >= 0:
                    self._match(i, j)
                    above = j

    def _match(self, i: int, j: int) -> None:
        """Matches line `i` with goal line `j` instead of the one that it had."""
        if self.goal_line_of[i] >= 0:
            self.line_of[self.goal_line_of[i]] = -1
        self.goal_line_of[i], self.line_of[j] = j, i


def _next_fixed(fixed: Sequence[int], end: int) -> list[int]:
    """(n + 1,) the first goal line of `fixed` from each line on; `end` where none follows."""
    following = [end] * (len(fixed) + 1)
    for i in range(len(fixed) - 1, -1, -1):
        following[i] = fixed[i] if fixed[i] >= 0 else following[i + 1]
    return following


def _crossing_goal_lines(line_of: Sequence[int], complete: Sequence[bool], line_count: int) -> list[int]:
    """Goal lines whose match crosses others', as few complete ones as possible."""
    placed = [j for j, i in enumerate(line_of) if i >= 0]
    if all(line_of[a] < line_of[b] for a, b in pairwise(placed)):
        return []
    fixed = _longest_in_order([j for j in placed if complete[j]], line_of)
    bounds = [-1, *(line_of[j] for j in fixed), line_count]
    fitting = []
    for j in placed:
        k = bisect(fixed, j)
        if not complete[j] and bounds[k] < line_of[j] < bounds[k + 1]:
            fitting.append(j)
    in_order = {*fixed, *_longest_in_order(fitting, line_of)}
    return [j for j in placed if j not in in_order]


def _longest_in_order(goal_lines: Sequence[int], line_of: Sequence[int]) -> list[int]:
    """The most of the goal lines whose lines rise with them."""
    return [j for j, _ in longest_increasing_subsequence([(j, line_of[j]) for j in goal_lines])]


def _is_commented(line: str, goal_line: str) -> bool:
    """Whether `line` is the goal line with a comment at its end."""
    return "#" in line and line.startswith(goal_line.rstrip()) and strip_comment(line) == goal_line.rstrip()


def is_begun(line: str, goal_line: str) -> bool:
    """Whether `line`, a comment of its own at its end aside, only has to be typed on to become the goal line."""
    if "#" in line and "#" not in goal_line:
        line = strip_comment(line)
    return len(line) < len(goal_line) and (goal_line.startswith(line) or not line.strip())


def remaining_steps(progress: GoalProgress) -> list[EditStep]:
    """What remains to be done, in the order of the text; of goal lines that belong at one place only the first."""
    steps = _steps_to_goal_lines(progress)
    steps += [
        EditStep("remove", i, -1)
        for i, line in enumerate(progress.lines)
        if progress.goal_line_of[i] < 0 and line.strip() and not is_comment(line)
    ]
    return sorted(steps, key=lambda step: step.line)


def _steps_to_goal_lines(progress: GoalProgress) -> list[EditStep]:
    steps = []
    last_line, inserted = -1, False
    for j, (goal_line, i) in enumerate(zip(progress.goal, progress.line_of, strict=True)):
        if i >= 0:
            if not progress.complete[j]:
                steps.append(EditStep("type" if is_begun(progress.lines[i], goal_line) else "rewrite", i, j))
            last_line, inserted = i, False
        elif not progress.complete[j] and not inserted:
            steps.append(_step_below(progress, last_line, j))
            inserted = True
    return steps


def _step_below(progress: GoalProgress, line: int, goal_line: int) -> EditStep:
    """Typing the goal line below `line`: on the blank line there, else on a new one."""
    below = line + 1
    if below < len(progress.lines) and progress.goal_line_of[below] < 0 and not progress.lines[below].strip():
        return EditStep("type", below, goal_line)
    return EditStep("insert", line, goal_line)


def due_goal_line(progress: GoalProgress, line: int) -> int:
    """The goal line that `line` should become next: its own unless complete, or one that a blank line has room for.

    -1: none.
    """
    goal_line = progress.goal_line_of[line]
    if goal_line >= 0:
        return -1 if progress.complete[goal_line] else goal_line
    if progress.lines[line].strip():
        return -1
    above = next((j for j in reversed(progress.goal_line_of[:line]) if j >= 0), -1)
    below = next((j for j in progress.goal_line_of[line + 1 :] if j >= 0), len(progress.goal))
    return next((j for j in range(above + 1, below) if progress.is_missing(j)), -1)


def next_missing_lines(progress: GoalProgress, first: int, count: int) -> list[int]:
    """`first` and up to `count - 1` goal lines directly after it that are nowhere in the text yet."""
    goal_lines = [first]
    for j in range(first + 1, len(progress.goal)):
        if len(goal_lines) == count or not progress.is_missing(j):
            break
        goal_lines.append(j)
    return goal_lines
