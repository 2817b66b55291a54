"""How far a text is from a goal: which goal lines stand, which are begun, and where the missing ones belong.

Works for any text and any goal; as fast as an alignment. Not here: who types them, and how.
"""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from alignment import align
from simulation.goal import code, is_comment


@dataclass(frozen=True, slots=True)
class GoalProgress:
    """A text of n lines beside a goal of g lines.

    goal_of: (n,) the goal line that each line is or is meant to become; -1: none.
    at: (g,) the line that each goal line stands or is begun on; -1: nowhere.
    stands: (g,) whether it is there, a comment of its own at its end aside. Blank goal lines always stand.
    """

    lines: tuple[str, ...]
    goal: tuple[str, ...]
    goal_line_of: tuple[int, ...]
    at: tuple[int, ...]
    stands: tuple[bool, ...]

    @property
    def done(self) -> bool:
        """Whether every line of the goal stands."""
        return all(self.stands)

    @property
    def share(self) -> float:
        """Share of the goal's non-blank lines that stand; 1 if it has none."""
        standing = [stands for stands, line in zip(self.stands, self.goal, strict=True) if line.strip()]
        return sum(standing) / len(standing) if standing else 1.0


@dataclass(frozen=True, slots=True)
class EditStep:
    """The next thing to do at one place.

    type: `line` is blank or begins as the goal line does. rewrite: it has to become the goal line. insert: the goal
    line belongs directly below `line` (-1: at the top). remove: `line` is no part of the goal (`goal` -1).
    """

    kind: Literal["type", "rewrite", "insert", "remove"]
    line: int
    goal: int


LOOK_AHEAD = 64
"""Missing goal lines among which a line may have been begun."""


MAX_CACHED_LINES = 2**18
"""Lines of texts and goals whose progress is remembered: 26 MB if they have the length of code, however long a file."""


class ProgressCache:
    """Progress by text and goal, of the latest `most` lines: who plays asks again within a turn or two, or never."""

    def __init__(self, most: int = MAX_CACHED_LINES) -> None:
        self.most, self.lines = most, 0
        self.found: OrderedDict[tuple[tuple[str, ...], tuple[str, ...]], GoalProgress] = OrderedDict()

    def __call__(self, lines: tuple[str, ...], goal: tuple[str, ...]) -> GoalProgress:
        """Where the text `lines` stands on its way to `goal`."""
        key = lines, goal
        if (known := self.found.get(key)) is not None:
            return known
        new = self.found[key] = measure_progress(lines, goal)
        self.lines += len(lines) + len(goal)
        while self.lines > self.most:
            (lines, goal), _ = self.found.popitem(last=False)
            self.lines -= len(lines) + len(goal)
        return new


progress = ProgressCache()


def measure_progress(lines: tuple[str, ...], goal: tuple[str, ...]) -> GoalProgress:
    """Where the text `lines` stands on its way to `goal`, looked at anew."""
    lines = tuple(line.rstrip("\r\n") for line in lines)
    goal_line_of, at = [-1] * len(lines), [-1] * len(goal)
    stands = [not line.strip() for line in goal]
    full = [j for j, blank in enumerate(stands) if not blank]  # a blank line to write on is no blank line of the goal
    alignment = align(lines, [goal[j] for j in full])
    for j, i, equal in zip(full, alignment.source.tolist(), alignment.equal.tolist(), strict=True):
        if i >= 0 and (equal or is_comment(lines[i]) == is_comment(goal[j]) or not lines[i].strip()):
            goal_line_of[i], at[j] = j, i
            stands[j] = equal or _is_commented(lines[i], goal[j])
    for j in _crossing(goal_line_of, at, stands):
        goal_line_of[at[j]], at[j], stands[j] = -1, -1, False
    for i, j in _meant(lines, goal, goal_line_of, at, stands):
        if goal_line_of[i] >= 0:
            at[goal_line_of[i]] = -1
        goal_line_of[i], at[j] = j, i
    return GoalProgress(lines, goal, tuple(goal_line_of), tuple(at), tuple(stands))


def _crossing(goal_line_of: list[int], at: list[int], stands: list[bool]) -> list[int]:
    """Goal lines whose match crosses others', fewest of those that stand: a line at a wrong place is not the goal's."""
    placed = [j for j, i in enumerate(at) if i >= 0]
    if all(at[a] < at[b] for a, b in pairwise(placed)):
        return []
    standing = [j for j in placed if stands[j]]
    fixed = [standing[k] for k in _longest_rising([at[j] for j in standing])]
    rest = [j for j in placed if not stands[j]]
    bounds = [(-1, -1), *((j, at[j]) for j in fixed), (len(at), len(goal_line_of))]
    fitting = []
    for j in rest:
        k = bisect(fixed, j)
        if bounds[k][1] < at[j] < bounds[k + 1][1]:
            fitting.append(j)
    keep = {*fixed, *(fitting[k] for k in _longest_rising([at[j] for j in fitting]))}
    return [j for j in placed if j not in keep]


def _longest_rising(values: Sequence[int]) -> list[int]:
    """Places of a longest rising subsequence: patience sorting."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for k, value in enumerate(values):
        pile = bisect_left(tops, value)
        before.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [value]
        piles[pile : pile + 1] = [k]
    rising = []
    k = piles[-1] if piles else -1
    while k >= 0:
        rising.append(k)
        k = before[k]
    return rising[::-1]


def _meant(
    lines: Sequence[str], goal: Sequence[str], goal_line_of: Sequence[int], at: Sequence[int], stands: Sequence[bool]
) -> Iterator[tuple[int, int]]:
    """Lines and the goal lines that they are meant to be, where an alignment saw too little of them to tell.

    Of the goal lines that are missing between those of the lines above and below: the first that begins as the line
    does; then, for lines of code that are left, the first. The caller enters each pair before it asks for the next.
    """

    def begins(i: int, j: int) -> bool:
        return not stands[j] and at[j] in (-1, i) and goal[j].startswith(lines[i])

    def has_room(i: int, j: int) -> bool:
        return not stands[j] and at[j] < 0 and not is_comment(goal[j]) and not is_comment(lines[i])

    sure = [j if j >= 0 and (stands[j] or is_begun(lines[i], goal[j])) else -1 for i, j in enumerate(goal_line_of)]
    yield from _in_gaps(lines, sure, len(goal), begins)
    yield from _in_gaps(lines, list(goal_line_of), len(goal), has_room)


def _in_gaps(
    lines: Sequence[str], fixed: Sequence[int], goals: int, fits: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """For lines that are not blank, the first goal line that fits between those of the `fixed` lines around them."""
    ends = [goals] * (len(lines) + 1)
    for i in range(len(lines) - 1, -1, -1):
        ends[i] = fixed[i] if fixed[i] >= 0 else ends[i + 1]
    above = -1
    for i, line in enumerate(lines):
        if fixed[i] >= 0:
            above = fixed[i]
        elif line.strip():
            between = range(above + 1, min(ends[i + 1], above + 1 + LOOK_AHEAD))
            if (j := next((j for j in between if fits(i, j)), -1)) >= 0:
                yield i, j
                above = j


def _is_commented(line: str, wanted: str) -> bool:
    """Whether `line` is `wanted` with a comment at its end."""
    return "#" in line and line.startswith(wanted.rstrip()) and code(line) == wanted.rstrip()


def is_begun(line: str, wanted: str) -> bool:
    """Whether `line`, a comment of its own at its end aside, only has to be typed on to become `wanted`."""
    if "#" in line and "#" not in wanted:
        line = code(line)
    return len(line) < len(wanted) and (wanted.startswith(line) or not line.strip())


def remaining_steps(progress: GoalProgress) -> list[EditStep]:
    """What is left to do, in the order of the text; of goal lines that belong at one place only the first."""
    found = []
    last, inserted = -1, False
    for j, (wanted, i) in enumerate(zip(progress.goal, progress.at, strict=True)):
        if i >= 0:
            if not progress.stands[j]:
                found.append(EditStep("type" if is_begun(progress.lines[i], wanted) else "rewrite", i, j))
            last, inserted = i, False
        elif not progress.stands[j] and not inserted:
            below = last + 1
            if below < len(progress.lines) and progress.goal_line_of[below] < 0 and not progress.lines[below].strip():
                found.append(EditStep("type", below, j))
            else:
                found.append(EditStep("insert", last, j))
            inserted = True
    found += [
        EditStep("remove", i, -1)
        for i, line in enumerate(progress.lines)
        if progress.goal_line_of[i] < 0 and line.strip() and not is_comment(line)
    ]
    return sorted(found, key=lambda step: step.line)


def due_goal_line(progress: GoalProgress, line: int) -> int:
    """The goal line that `line` should become next: its own unless it stands, or one that a blank line has room for.

    -1: none.
    """
    own = progress.goal_line_of[line]
    if own >= 0:
        return -1 if progress.stands[own] else own
    if progress.lines[line].strip():
        return -1
    above = next((j for j in reversed(progress.goal_line_of[:line]) if j >= 0), -1)
    below = next((j for j in progress.goal_line_of[line + 1 :] if j >= 0), len(progress.goal))
    return next((j for j in range(above + 1, below) if not progress.stands[j] and progress.at[j] < 0), -1)


def next_missing_lines(progress: GoalProgress, first: int, count: int) -> list[int]:
    """`first` and up to `count - 1` goal lines directly after it that are nowhere in the text yet."""
    chosen = [first]
    for j in range(first + 1, len(progress.goal)):
        if len(chosen) == count or progress.at[j] >= 0 or progress.stands[j]:
            break
        chosen.append(j)
    return chosen
