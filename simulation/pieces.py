"""How far a text is from a goal: which goal lines stand, which are begun, and where the missing ones belong.

Works for any text and any goal; as fast as an alignment. Not here: who types them, and how.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from alignment import align
from simulation.goal import code, is_comment


@dataclass(frozen=True, slots=True)
class Progress:
    """A text of n lines beside a goal of g lines.

    goal_of: (n,) the goal line that each line is or is meant to become; -1: none.
    at: (g,) the line that each goal line stands or is begun on; -1: nowhere.
    stands: (g,) whether it is there, a comment of its own at its end aside. Blank goal lines always stand.
    """

    lines: tuple[str, ...]
    goal: tuple[str, ...]
    goal_of: tuple[int, ...]
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
class Piece:
    """The next thing to do at one place.

    type: `line` is blank or begins as the goal line does. rewrite: it has to become the goal line. insert: the goal
    line belongs directly below `line` (-1: at the top). remove: `line` is no part of the goal (`goal` -1).
    """

    kind: Literal["type", "rewrite", "insert", "remove"]
    line: int
    goal: int


LOOK_AHEAD = 64
"""Missing goal lines among which a line may have been begun."""


@lru_cache(maxsize=8192)
def progress(lines: tuple[str, ...], goal: tuple[str, ...]) -> Progress:
    """Where the text `lines` stands on its way to `goal`."""
    lines = tuple(line.rstrip("\r\n") for line in lines)
    alignment = align(lines, goal)
    goal_of = [-1] * len(lines)
    at = [-1] * len(goal)
    stands = [False] * len(goal)
    for j, (i, equal) in enumerate(zip(alignment.source.tolist(), alignment.equal.tolist(), strict=True)):
        wanted = goal[j]
        if not wanted.strip():
            stands[j] = True
            if i >= 0 and not lines[i].strip():
                goal_of[i], at[j] = j, i
        elif i >= 0 and (equal or is_comment(lines[i]) == is_comment(wanted) or not lines[i].strip()):
            goal_of[i], at[j] = j, i
            stands[j] = equal or _is_commented(lines[i], wanted)
    found = Progress(lines, goal, tuple(goal_of), tuple(at), tuple(stands))
    begun = _begun(found)
    for i, j in begun:
        if goal_of[i] >= 0:
            at[goal_of[i]] = -1
        goal_of[i], at[j] = j, i
    return replace(found, goal_of=tuple(goal_of), at=tuple(at)) if begun else found


def _begun(found: Progress) -> list[tuple[int, int]]:
    """Lines and the goal lines that they begin like, where an alignment saw too little of them to tell.

    A line may begin the first such goal line that is missing between those of the lines above and below.
    """
    sure = [own if own >= 0 and _is_sure(found, i, own) else -1 for i, own in enumerate(found.goal_of)]
    below = len(found.goal)
    ends = [0] * len(sure)
    for i in range(len(sure) - 1, -1, -1):
        ends[i] = below
        below = sure[i] if sure[i] >= 0 else below
    pairs = []
    above = -1
    for i, line in enumerate(found.lines):
        if sure[i] >= 0:
            above = sure[i]
        elif line.strip():
            between = range(above + 1, min(ends[i], above + 1 + LOOK_AHEAD))
            free = (j for j in between if not found.stands[j] and found.at[j] in (-1, i))
            if (j := next((j for j in free if found.goal[j].startswith(line)), -1)) >= 0:
                pairs.append((i, j))
                above = j
    return pairs


def _is_sure(found: Progress, line: int, goal: int) -> bool:
    return found.stands[goal] or is_begun(found.lines[line], found.goal[goal])


def _is_commented(line: str, wanted: str) -> bool:
    """Whether `line` is `wanted` with a comment at its end."""
    return "#" in line and line.startswith(wanted.rstrip()) and code(line) == wanted.rstrip()


def is_begun(line: str, wanted: str) -> bool:
    """Whether `line` only has to be typed on to become `wanted`."""
    return len(line) < len(wanted) and (wanted.startswith(line) or not line.strip())


def pieces(progress: Progress) -> list[Piece]:
    """What is left to do, in the order of the text; of goal lines that belong at one place only the first."""
    found = []
    last, inserted = -1, False
    for j, (wanted, i) in enumerate(zip(progress.goal, progress.at, strict=True)):
        if i >= 0:
            if not progress.stands[j]:
                found.append(Piece("type" if is_begun(progress.lines[i], wanted) else "rewrite", i, j))
            last, inserted = i, False
        elif not progress.stands[j] and not inserted:
            below = last + 1
            if below < len(progress.lines) and progress.goal_of[below] < 0 and not progress.lines[below].strip():
                found.append(Piece("type", below, j))
            else:
                found.append(Piece("insert", last, j))
            inserted = True
    found += [
        Piece("remove", i, -1)
        for i, line in enumerate(progress.lines)
        if progress.goal_of[i] < 0 and line.strip() and not is_comment(line)
    ]
    return sorted(found, key=lambda piece: piece.line)


def waiting(progress: Progress, line: int) -> int:
    """The goal line that `line` should become next: its own unless it stands, or one that a blank line has room for.

    -1: none.
    """
    own = progress.goal_of[line]
    if own >= 0 and progress.goal[own].strip():
        return -1 if progress.stands[own] else own
    if progress.lines[line].strip():
        return -1
    above = next((j for j in reversed(progress.goal_of[:line]) if j >= 0), -1)
    below = next((j for j in progress.goal_of[line + 1 :] if j >= 0), len(progress.goal))
    return next((j for j in range(above + 1, below) if not progress.stands[j] and progress.at[j] < 0), -1)


def following(progress: Progress, first: int, count: int) -> list[int]:
    """`first` and up to `count - 1` goal lines directly after it that are nowhere in the text yet."""
    chosen = [first]
    for j in range(first + 1, len(progress.goal)):
        if len(chosen) == count or progress.at[j] >= 0 or progress.stands[j]:
            break
        chosen.append(j)
    return chosen
