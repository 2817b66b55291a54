"""How a person looks at what the assistant wrote: line by line right, close or wrong, kept or taken back.

Not here: what they type themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Literal

from actions import Decision
from alignment import Alignment, align, similarity
from line_tracking import SURVIVAL_SIMILARITY, LineEdit, line_edits
from simulation.goal import code, is_comment
from simulation.goal_progress import GoalProgress, is_begun, progress
from simulation.person import Option, Reply, Turn
from simulation.typing_model import cursor_line, human_edit, inferred_action
from state import State

Quality = Literal["right", "close", "wrong"]
QUALITIES: tuple[Quality, ...] = ("right", "close", "wrong")

EXPLAINS = (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES)

MAX_DRAWS = 32
"""Draws after which the least wanted line alone is taken back."""


@dataclass(frozen=True, slots=True)
class AcceptanceRates:
    """How likely a line is kept that the assistant wrote: `keep[decision][quality]` (7, 3), as in QUALITIES."""

    keep: tuple[tuple[float, float, float], ...]

    def of(self, decision: Decision, quality: Quality) -> float:
        """Probability of keeping a line of this merit that this decision wrote."""
        return self.keep[decision][QUALITIES.index(quality)]


@dataclass(frozen=True, slots=True)
class AssessedLine:
    """A line that the assistant's latest decision wrote, and what it is worth on the way to the goal."""

    edit: LineEdit
    quality: Quality


def assess_lines(turn: Turn) -> list[AssessedLine]:
    """The lines that the assistant's latest decision wrote, with their merits; none if it wrote nothing."""
    if turn.before is None or turn.move is None or turn.before.lines == turn.state.lines:
        return []
    now = progress(turn.state.lines, turn.goal.lines)
    lines = line_edits(turn.before.lines, turn.state.lines)
    return [AssessedLine(line, _quality(line, turn.move.decision, now)) for line in lines]


def _quality(line: LineEdit, decision: Decision, now: GoalProgress) -> Quality:
    if line.line < 0:
        missing = {goal.strip() for goal, stands in zip(now.goal, now.stands, strict=True) if not stands}
        return "wrong" if line.before in missing else "right"
    text = now.lines[line.line]
    if decision in EXPLAINS:
        return "right" if code(line.text) == code(line.before or "") else "wrong"
    goal = now.goal_line_of[line.line]
    if goal < 0:
        return "right" if is_comment(text) else "wrong"
    wanted = now.goal[goal]
    explains = "#" in text and "#" not in wanted and "#" not in (line.before or "")  # code was asked for
    if not explains and (now.stands[goal] or is_begun(text, wanted)):
        return "right"
    return "close" if similarity(line.text, wanted.strip()) >= SURVIVAL_SIMILARITY else "wrong"


def undo_option(turn: Turn, acceptance: AcceptanceRates) -> tuple[list[Option], float]:
    """The option to take something back, if the assistant wrote anything, and the probability that all is kept.

    Each line is judged by itself.
    """
    lines = assess_lines(turn)
    if not lines or turn.move is None:
        return [], 1.0
    decision = turn.move.decision
    kept = prod(acceptance.of(decision, line.quality) for line in lines)
    return [Option(1.0 - kept, lambda generator: undo_reply(turn, lines, acceptance, generator))], kept


def undo_reply(turn: Turn, lines: Sequence[AssessedLine], acceptance: AcceptanceRates, generator: Random) -> Reply:
    """The reply of a person who takes back some of the lines, at least one."""
    assert turn.move is not None
    chances = [acceptance.of(turn.move.decision, line.quality) for line in lines]
    for _ in range(MAX_DRAWS):
        unwanted = [line.edit for line, keep in zip(lines, chances, strict=True) if generator.random() >= keep]
        if unwanted:
            break
    else:
        unwanted = [lines[min(range(len(lines)), key=chances.__getitem__)].edit]
    state = revert_lines(turn, unwanted, everything=len(unwanted) == len(lines))
    return Reply(state, inferred_action(turn.state, state))


def revert_lines(turn: Turn, unwanted: Sequence[LineEdit], *, everything: bool) -> State:
    """The state after the human put back what stood where `unwanted` stands; `everything`: all that was written.

    The lines that are put back count as undone; the cursor is at the last of them, or stays where it was.
    """
    assert turn.before is not None
    old, now = turn.before.lines, turn.state.lines
    alignment = align(old, now)
    if everything:
        same = set(alignment.source[alignment.equal].tolist())
        restored = [i for i in range(len(old)) if i not in same]
        lines, at = list(old), cursor_line(turn.before)
    else:
        lines, restored, at = _restore_lines(old, now, alignment, unwanted, cursor_line(turn.state))
    at = max(restored, default=max(at, 0))
    return human_edit(turn.state, lines, min(at, max(len(lines) - 1, 0)), turn.state.t + 1, restored)


def _restore_lines(
    old: Sequence[str], now: Sequence[str], alignment: Alignment, unwanted: Sequence[LineEdit], cursor: int
) -> tuple[list[str], list[int], int]:
    """The text `now` without the unwanted lines, which of its lines were put back, and where the cursor's line went."""
    places = {line.line for line in unwanted if line.line >= 0}
    rows: list[tuple[int, str, bool]] = []
    for i, source in enumerate(alignment.source.tolist()):
        if i in places and source < 0:
            cursor -= i <= cursor
        else:
            rows.append((source, old[source] if i in places else now[i], i in places))
    for source in _lines_to_restore(old, alignment.removed, unwanted):
        at = 1 + max((k for k, (origin, _, _) in enumerate(rows) if 0 <= origin < source), default=-1)
        rows.insert(at, (source, old[source], True))
        cursor += at <= cursor
    return [text for _, text, _ in rows], [k for k, (_, _, back) in enumerate(rows) if back], cursor


def _lines_to_restore(old: Sequence[str], removed: Sequence[int], unwanted: Sequence[LineEdit]) -> list[int]:
    """Which of the removed lines are to come back."""
    texts = [line.before for line in unwanted if line.line < 0]
    back = []
    for i in removed:
        if old[i].strip() in texts:
            texts.remove(old[i].strip())
            back.append(i)
    return back
