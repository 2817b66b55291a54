"""Who writes the assistant's text. Here: a mixture of right, nearly right and wrong continuations.

It knows the person's goal, as a writer that guesses well would; the policy that asks for the text does not. How often
it is right is a number, so a policy can only win by learning when help is likely to be kept. Not here: models that
write code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from actions import Decision
from simulation.goal import Goal, code
from simulation.goal_progress import GoalProgress, due_goal_line, next_missing_lines, progress
from simulation.typing_errors import add_typo, indentation
from state import State


class TextWriter(Protocol):
    """Writes the text that carries out a decision."""

    def complete(self, state: State, decision: Decision, line: int, goal: Goal, generator: Random) -> str:
        """The text for `actions.apply`; "" or the text that stands there already: it has nothing to add."""
        ...


@dataclass(frozen=True, slots=True)
class NoisyOracle:
    """Right with probability `right`, nearly right (one slip) with `near`, else wrong (another line's text).

    lines: how many lines Write Multi Line writes at most.
    """

    right: float = 0.6
    near: float = 0.25
    lines: int = 3

    def complete(self, state: State, decision: Decision, line: int, goal: Goal, generator: Random) -> str:
        """See `TextWriter`."""
        if decision is Decision.NO_OP:
            return ""
        now = progress(state.lines, goal.lines)
        if decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
            return note(now.lines[line], goal, generator)
        texts = self._spoilt(self._wanted(now, decision, line), goal, generator)
        if decision is Decision.FILL_PARTIAL_LINE:
            cursor = state.cursor
            column = cursor.char if cursor.on and cursor.line == line else len(now.lines[line])
            return addition(now.lines[line], column, texts[0])
        return "\n".join(texts)

    def _wanted(self, now: GoalProgress, decision: Decision, line: int) -> list[str]:
        """The right text: what the line waits for; a line that stands, as it is, and what may follow it."""
        wanted = due_goal_line(now, line)
        several = self.lines if decision is Decision.WRITE_MULTI_LINE else 1
        if wanted >= 0:
            return [now.goal[j] for j in next_missing_lines(now, wanted, several)]
        own = now.goal_line_of[line]
        after = next_missing_lines(now, own, several)[1:] if own >= 0 else []
        return [now.lines[line], *(now.goal[j] for j in after)]

    def _spoilt(self, texts: Sequence[str], goal: Goal, generator: Random) -> list[str]:
        """The texts, as good as is drawn: one of them with a slip, or all of them wrong."""
        drawn = generator.random()
        texts = list(texts)
        if drawn < self.right or not any(text.strip() for text in texts):
            return texts
        if drawn < self.right + self.near:
            i = generator.randrange(len(texts))
            texts[i] = add_typo(texts[i], generator)
            return texts
        return [_wrong(text, goal, generator) for text in texts]


def addition(line: str, column: int, wanted: str) -> str:
    """What has to be inserted at `column` so that `line` becomes `wanted`; "": nothing does that.

    Where the wanted text does not begin as the line does, its rest is added as if it did. A column outside the line is
    clamped, as it is when the text is inserted.
    """
    column = min(max(column, 0), len(line))
    head, tail = line[:column], line[column:]
    if wanted.startswith(head) and wanted.endswith(tail) and len(wanted) >= len(line):
        return wanted[column : len(wanted) - len(tail)]
    if tail.strip():
        return ""
    return wanted[len(head) :] if head.strip() else wanted[len(indentation(head)) :]


_GENERIC = ("pass", "return None", "print(result)", "result = []", "continue")


def _wrong(text: str, goal: Goal, generator: Random) -> str:
    """Another line of the goal, or a line that fits many programs, where `text` would be right."""
    others = [line.strip() for line in goal.lines if line.strip() and line.strip() != text.strip()]
    pool = others if others and generator.random() < 0.6 else [line for line in _GENERIC if line != text.strip()]
    return indentation(text) + generator.choice(pool)


_KINDS = {
    "def": "what this does with {}", "class": "what {} stands for", "for": "go through all of {}", "while": "until {}",
    "if": "in case of {}", "elif": "or in case of {}", "else": "otherwise", "return": "the result: {}",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_]\w*")


def note(line: str, goal: Goal, generator: Random) -> str:
    """A comment on the line: one of the goal's notes, else in words made from the line's names."""
    if goal.notes and generator.random() < 0.8:
        return generator.choice(goal.notes)
    names = _NAME.findall(code(line))
    if not names:
        return "see below"
    kind = _KINDS.get(names[0])
    if kind is None:
        return f"keep {names[0]} up to date"
    return kind.format(names[-1] if len(names) > 1 else "the rest")
