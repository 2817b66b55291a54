"""Carrying out what a person decided to type: a piece of the goal becomes an edit with attribution, cursor and label.

The decision that is recorded is the one that would be read off the edit, so that recorded and simulated sessions mean
the same by it. Not here: what a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from random import Random

from actions import Decision, apply
from alignment import strip_line_end
from line_tracking import carry_attribution
from simulation.goal import code, is_comment
from simulation.goal_progress import EditStep, GoalProgress, is_begun, next_missing_lines
from simulation.person import Reply
from simulation.typing_errors import add_typo, indentation, truncate_line
from state import Cursor, State
from state_adapter import Action, infer_decision


@dataclass(frozen=True, slots=True)
class TypingStyle:
    """How somebody types.

    part, line, block: weights of typing part of a line, a whole one, or several. slips: how often a line gets a
    mistake. enter: how often a new line is begun behind a finished one if one is to follow.
    """

    part: float = 0.5
    line: float = 0.4
    block: float = 0.1
    typo_rate: float = 0.03
    new_line_rate: float = 0.7

    @property
    def several(self) -> float:
        """Probability of typing several lines."""
        return self.block / (self.part + self.line + self.block)


@dataclass(frozen=True, slots=True)
class TypingTask:
    """Something to type: a piece, as one line or as several."""

    step: EditStep
    several: bool = False


MAX_BLOCK_LINES = 3
"""Lines that are typed at once at most."""


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
    """The human's move as it is read off the two texts."""
    decision, line = infer_decision(before.lines, after.lines, cursor_line(before))
    return Action("H", decision, line, recorded=True)


def noop_reply(state: State) -> Reply:
    """Doing nothing for a turn."""
    return Reply(
        apply(state, Decision.NO_OP, -1, "", by="H", t=state.t + 1), Action("H", Decision.NO_OP, -1, recorded=True)
    )


def expected_action(task: TypingTask, now: GoalProgress, cursor: int) -> tuple[Decision, int]:
    """The decision and line that doing the task counts as, told without doing it."""
    step, line = task.step, task.step.line
    at = min(line + (step.kind == "insert"), len(now.lines) - 1)
    if step.goal >= 0 and is_comment(now.goal[step.goal]) and step.kind in ("type", "insert"):
        return (Decision.EXPLAIN_SINGLE_LINES if at == cursor else Decision.EXPLAIN_MULTI_LINES), at
    if cursor < 0 or cursor not in (line, at):
        return Decision.EDIT_EXISTING_LINES, at
    if task.several:
        return Decision.WRITE_MULTI_LINE, cursor
    return (Decision.FILL_PARTIAL_LINE if step.kind == "type" else Decision.WRITE_SINGLE_LINE), cursor


def execute(task: TypingTask, state: State, now: GoalProgress, typing_style: TypingStyle, generator: Random) -> State:
    """The state after the human did the task the way their hands do it."""
    step, lines, t = task.step, list(state.lines), state.t + 1
    if step.kind == "remove":
        del lines[step.line]
        return human_edit(state, lines, max(step.line - 1, 0), t)
    chosen = next_missing_lines(now, step.goal, MAX_BLOCK_LINES if task.several else 1)
    typed = _typed(task, now, chosen, typing_style, generator)
    first = step.line + (step.kind == "insert")
    lines[first : step.line + 1] = typed
    at = first + len(typed) - 1
    finished = not is_begun(typed[-1], now.goal[chosen[-1]])
    if finished and _goes_on(now, chosen[-1]) and generator.random() < typing_style.new_line_rate:
        at += 1
        if at == len(lines) or lines[at].strip():
            lines.insert(at, "")
    return human_edit(state, lines, at, t)


def typing(state: State, now: GoalProgress, task: TypingTask, typing_style: TypingStyle) -> Callable[[Random], Reply]:
    """Doing the task, as a way to reply."""

    def carry_out(generator: Random) -> Reply:
        after = execute(task, state, now, typing_style, generator)
        return Reply(after, inferred_action(state, after))

    return carry_out


def _typed(
    task: TypingTask, now: GoalProgress, chosen: Sequence[int], typing_style: TypingStyle, generator: Random
) -> list[str]:
    """The goal lines `chosen` as they come out: maybe only a part of a single one, maybe with slips.

    A comment at the end of the line that is typed on stays there.
    """
    wanted = [now.goal[j] for j in chosen]
    old = "" if task.step.kind == "insert" else now.lines[task.step.line]
    explained = "#" in old and "#" not in wanted[0] and bool(code(old))
    begun = (code(old) if explained else old) if task.step.kind == "type" else ""
    if not task.several and generator.random() * (typing_style.part + typing_style.line) < typing_style.part:
        typed = [truncate_line(wanted[0], max(len(begun), len(indentation(wanted[0]))), generator)]
    else:
        typed = [add_typo(text, generator) if generator.random() < typing_style.typo_rate else text for text in wanted]
    if explained:
        typed[0] += old[len(code(old)) :]
    return typed


def _goes_on(progress: GoalProgress, goal: int) -> bool:
    """Whether the goal line behind this one is nowhere in the text yet."""
    return goal + 1 < len(progress.goal) and not progress.stands[goal + 1] and progress.at[goal + 1] < 0
