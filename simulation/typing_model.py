"""Carrying out what a person decided to type: a step to the goal becomes an edit with attribution, cursor and action.

The decision that is recorded is the one that would be inferred from the edit, so that recorded and simulated sessions
mean the same by it. Not here: what a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from random import Random

from actions import Decision, apply
from alignment import strip_line_end
from comments import is_comment, strip_comment
from indentation import indentation
from line_tracking import carry_attribution
from simulation.goal_progress import EditStep, GoalProgress, is_begun, next_missing_lines
from simulation.person import Reply, Turn
from simulation.typing_errors import add_typo, truncate_line
from state import Cursor, State
from state_adapter import Action, infer_decision

MAX_BLOCK_LINES = 3
"""Lines that are typed at once at most."""


@dataclass(frozen=True, slots=True)
class TypingStyle:
    """How somebody types.

    part, line, block: weights of typing part of a line, a whole one, or several. typo_rate: how often a line gets a
    mistake. new_line_rate: how often a new line is begun behind a finished one if one is to follow.
    """

    part: float = 0.5
    line: float = 0.4
    block: float = 0.1
    typo_rate: float = 0.03
    new_line_rate: float = 0.7

    @property
    def block_rate(self) -> float:
        """Probability of typing several lines."""
        return self.block / (self.part + self.line + self.block)


@dataclass(frozen=True, slots=True)
class TypingTask:
    """Something to type: a step to the goal, as one line or (`block`) as several."""

    step: EditStep
    block: bool = False


def cursor_line(state: State) -> int:
    """Where the cursor is or was last seen; -1: nowhere."""
    return state.cursor.line if state.cursor.on else state.last_known_line


def human_edit(state: State, lines: Sequence[str], at: int, t: int, undone: Collection[int] = ()) -> State:
    """The state after the human turned the text into `lines` in turn `t`; their cursor is at the end of line `at`."""
    lines = tuple(lines) or ("",)
    human, assistant = carry_attribution(state, lines, "H", t)
    return replace(
        state,
        lines=lines,
        t=t,
        human=human,
        assistant=assistant,
        cursor=Cursor(True, at, len(strip_line_end(lines[at])), t),
        env=None,
        timestamp_ms=None,
        last_known_line=at,
        undone=frozenset(undone),
    )


def inferred_action(before: State, after: State) -> Action:
    """The human's action as it is inferred from the two texts."""
    decision, line = infer_decision(before.lines, after.lines, cursor_line(before))
    return Action("H", decision, line, recorded=True)


def noop_reply(state: State) -> Reply:
    """Doing nothing for a turn."""
    after = apply(state, Decision.NO_OP, -1, "", by="H", t=state.t + 1)
    return Reply(after, Action("H", Decision.NO_OP, -1, recorded=True))


def typing_reply(turn: Turn, task: TypingTask, style: TypingStyle) -> Callable[[Random], Reply]:
    """Doing the task, as an `Option` carries it out."""

    def carry_out(generator: Random) -> Reply:
        after = execute(task, turn, style, generator)
        return Reply(after, inferred_action(turn.state, after))

    return carry_out


def expected_action(task: TypingTask, progress: GoalProgress, cursor: int) -> tuple[Decision, int]:
    """The decision and line that doing the task counts as, told without doing it."""
    step, line = task.step, task.step.line
    at = min(line + (step.kind == "insert"), len(progress.lines) - 1)
    if step.goal >= 0 and is_comment(progress.goal[step.goal]) and step.kind in ("type", "insert"):
        return (Decision.EXPLAIN_SINGLE_LINES if at == cursor else Decision.EXPLAIN_MULTI_LINES), at
    if cursor < 0 or cursor not in (line, at):
        return Decision.EDIT_EXISTING_LINES, at
    if task.block:
        return Decision.WRITE_MULTI_LINE, cursor
    return (Decision.FILL_PARTIAL_LINE if step.kind == "type" else Decision.WRITE_SINGLE_LINE), cursor


def execute(task: TypingTask, turn: Turn, style: TypingStyle, generator: Random) -> State:
    """The state after the human did the task in their style."""
    step, lines, t = task.step, list(turn.state.lines), turn.state.t + 1
    if step.kind == "remove":
        del lines[step.line]
        return human_edit(turn.state, lines, max(step.line - 1, 0), t)
    progress = turn.progress
    goal_lines = next_missing_lines(progress, step.goal, MAX_BLOCK_LINES if task.block else 1)
    typed = _typed_lines(task, progress, goal_lines, style, generator)
    first = step.line + (step.kind == "insert")
    lines[first : step.line + 1] = typed
    at = first + len(typed) - 1
    finished = not is_begun(typed[-1], progress.goal[goal_lines[-1]])
    if finished and _continues(progress, goal_lines[-1]) and generator.random() < style.new_line_rate:
        at += 1
        if at == len(lines) or lines[at].strip():
            lines.insert(at, "")
    return human_edit(turn.state, lines, at, t)


def _typed_lines(
    task: TypingTask, progress: GoalProgress, goal_lines: Sequence[int], style: TypingStyle, generator: Random
) -> list[str]:
    """The goal lines as they are typed: maybe only a part of a single one, maybe with typos.

    A comment at the end of the line that is typed on stays there.
    """
    wanted = [progress.goal[j] for j in goal_lines]
    old = "" if task.step.kind == "insert" else progress.lines[task.step.line]
    commented = "#" in old and "#" not in wanted[0] and bool(strip_comment(old))
    begun = (strip_comment(old) if commented else old) if task.step.kind == "type" else ""
    if not task.block and generator.random() * (style.part + style.line) < style.part:
        typed = [truncate_line(wanted[0], max(len(begun), len(indentation(wanted[0]))), generator)]
    else:
        typed = [add_typo(text, generator) if generator.random() < style.typo_rate else text for text in wanted]
    if commented:
        typed[0] += old[len(strip_comment(old)) :]
    return typed


def _continues(progress: GoalProgress, goal_line: int) -> bool:
    """Whether the goal line below this one is nowhere in the text yet."""
    return goal_line + 1 < len(progress.goal) and progress.is_missing(goal_line + 1)
