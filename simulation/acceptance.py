"""How a person looks at what the assistant wrote: line by line right, close or wrong, kept or taken back.

Not here: what they type themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Literal

from actions import EXPLAIN, Decision
from alignment import Alignment, align, similarity
from comments import is_comment, strip_comment
from line_tracking import SURVIVAL_SIMILARITY, LineEdit, line_edits
from simulation.goal_progress import GoalProgress, is_begun
from simulation.person import Option, Reply, Turn
from simulation.typing_model import cursor_line, human_edit, inferred_action
from state import State

Quality = Literal["right", "close", "wrong"]
QUALITIES: tuple[Quality, ...] = ("right", "close", "wrong")

MAX_DRAWS = 32
"""Draws after which the least wanted line alone is taken back."""


@dataclass(frozen=True, slots=True)
class AcceptanceRates:
    """How likely a line is kept that the assistant wrote: `rates[decision][quality]` (7, 3), as in QUALITIES."""

    rates: tuple[tuple[float, float, float], ...]

    def rate(self, decision: Decision, quality: Quality) -> float:
        """Probability of keeping a line of this quality that this decision wrote."""
        return self.rates[decision][QUALITIES.index(quality)]


@dataclass(frozen=True, slots=True)
class AssessedLine:
    """A line that the assistant's latest decision wrote, and what it is worth on the way to the goal."""

    edit: LineEdit
    quality: Quality


def assess_lines(turn: Turn) -> list[AssessedLine]:
    """The lines that the assistant's latest decision wrote, with their qualities; none if it wrote nothing."""
    if turn.before is None or turn.action is None or turn.before.lines == turn.state.lines:
        return []
    edits = line_edits(turn.before.lines, turn.state.lines)
    return [AssessedLine(edit, _quality(edit, turn.action.decision, turn.progress)) for edit in edits]


def _quality(edit: LineEdit, decision: Decision, progress: GoalProgress) -> Quality:
    if edit.line < 0:
        return _quality_of_removal(edit, progress)
    if decision in EXPLAIN:
        return "right" if strip_comment(edit.text) == strip_comment(edit.before or "") else "wrong"
    text = progress.lines[edit.line]
    goal_index = progress.goal_line_of[edit.line]
    if goal_index < 0:
        return "right" if is_comment(text) else "wrong"
    goal_line = progress.goal[goal_index]
    explains = "#" in text and "#" not in goal_line and "#" not in (edit.before or "")  # code was asked for
    if not explains and (progress.complete[goal_index] or is_begun(text, goal_line)):
        return "right"
    return "close" if similarity(edit.text, goal_line.strip()) >= SURVIVAL_SIMILARITY else "wrong"


def _quality_of_removal(edit: LineEdit, progress: GoalProgress) -> Quality:
    """Removing a line is wrong if the goal still needs it."""
    missing_lines = {
        line.strip() for line, complete in zip(progress.goal, progress.complete, strict=True) if not complete
    }
    return "wrong" if edit.before in missing_lines else "right"


def undo_option(turn: Turn, acceptance: AcceptanceRates) -> tuple[list[Option], float]:
    """The option to take something back, if the assistant wrote anything, and the probability that all is kept.

    Each line is judged by itself.
    """
    lines = assess_lines(turn)
    if not lines or turn.action is None:
        return [], 1.0
    decision = turn.action.decision
    keep_all = prod(acceptance.rate(decision, line.quality) for line in lines)
    return [Option(1.0 - keep_all, lambda generator: undo_reply(turn, lines, acceptance, generator))], keep_all


def undo_reply(turn: Turn, lines: Sequence[AssessedLine], acceptance: AcceptanceRates, generator: Random) -> Reply:
    """The reply of a person who takes back some of the lines, at least one."""
    assert turn.action is not None and turn.before is not None
    rates = [acceptance.rate(turn.action.decision, line.quality) for line in lines]
    rejected = _draw_rejected(lines, rates, generator)
    if len(rejected) == len(lines):
        state = revert_all(turn.before, turn.state)
    else:
        state = revert_lines(turn.before, turn.state, rejected)
    return Reply(state, inferred_action(turn.state, state))


def _draw_rejected(lines: Sequence[AssessedLine], rates: Sequence[float], generator: Random) -> list[LineEdit]:
    """The lines that are not kept, each by its own rate, given that there is at least one."""
    for _ in range(MAX_DRAWS):
        rejected = [line.edit for line, rate in zip(lines, rates, strict=True) if generator.random() >= rate]
        if rejected:
            return rejected
    return [lines[min(range(len(lines)), key=rates.__getitem__)].edit]


def revert_all(before: State, after: State) -> State:
    """The state after the human took back all by which `before` became `after`.

    The lines that differed count as undone; the cursor is at the last of them, or where it was.
    """
    alignment = align(before.lines, after.lines)
    unchanged = set(alignment.source[alignment.equal].tolist())
    restored = [i for i in range(len(before)) if i not in unchanged]
    return _reverted(after, before.lines, restored, cursor_line(before))


def revert_lines(before: State, after: State, rejected: Sequence[LineEdit]) -> State:
    """The state after the human put back what stood before where `rejected`, edits from `before` to `after`, stand.

    The lines that are put back count as undone; the cursor is at the last of them, or follows its line.
    """
    alignment = align(before.lines, after.lines)
    rows = _reverted_rows(before.lines, after.lines, alignment, rejected)
    restored = [k for k, row in enumerate(rows) if row.restored]
    cursor = cursor_line(after)
    removed = [edit.line for edit in rejected if edit.line >= 0 and alignment.source[edit.line] < 0]
    cursor -= sum(line <= cursor for line in removed)
    return _reverted(after, [row.text for row in rows], restored, cursor)


def _reverted(state: State, lines: Sequence[str], restored: Collection[int], cursor: int) -> State:
    line = max(restored, default=max(cursor, 0))
    return human_edit(state, lines, min(line, max(len(lines) - 1, 0)), state.t + 1, restored)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the reverted text. source: its number in the text before the edit that is reverted, -1: none."""

    text: str
    source: int
    restored: bool


def _reverted_rows(
    old: Sequence[str], new: Sequence[str], alignment: Alignment, rejected: Sequence[LineEdit]
) -> list[_Row]:
    """The text `new` without the rejected lines."""
    rejected_lines = {edit.line for edit in rejected if edit.line >= 0}
    rows = []
    for i, source in enumerate(alignment.source.tolist()):
        if i not in rejected_lines:
            rows.append(_Row(new[i], source, restored=False))
        elif source >= 0:
            rows.append(_Row(old[source], source, restored=True))
    for source in _removed_lines(old, alignment.removed, rejected):
        at = 1 + max((k for k, row in enumerate(rows) if 0 <= row.source < source), default=-1)
        rows.insert(at, _Row(old[source], source, restored=True))
    return rows


def _removed_lines(old: Sequence[str], removed: Sequence[int], rejected: Sequence[LineEdit]) -> list[int]:
    """Which of the removed lines have to come back."""
    texts = [edit.before for edit in rejected if edit.line < 0]
    lines = []
    for i in removed:
        if old[i].strip() in texts:
            texts.remove(old[i].strip())
            lines.append(i)
    return lines
