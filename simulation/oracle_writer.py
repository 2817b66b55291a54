"""A simulated writer of the assistant's text: a mixture of right, nearly right and wrong continuations.

It knows the person's goal, as a writer that guesses well would; the policy that asks for the text does not. How often
it is right is a number, so a policy can only win by learning when help is likely to be kept. Not here: models that
write code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from actions import EXPLAIN, Decision
from comments import strip_comment
from delegates import NO_CONTEXT, Completion, WritingContext
from indentation import indentation
from simulation.goal import Goal
from simulation.goal_progress import GoalProgress, due_goal_line, next_missing_lines
from simulation.typing_errors import add_typo
from state import State


@dataclass(frozen=True, slots=True)
class NoisyOracle:
    """How good simulated writers are; each session gets a writer of its own (`writer_for`).

    right, near: probability of the right text, and of the right text with one typo; else it is another line's text.
    lines: how many lines Write Multi Line writes at most.
    """

    right: float = 0.6
    near: float = 0.25
    lines: int = 3

    def writer_for(self, goal: Goal, generator: Random) -> OracleWriter:
        """The writer of one session, which knows its goal and draws from its generator."""
        return OracleWriter(self, goal, generator)


@dataclass(frozen=True, slots=True)
class OracleWriter:
    """A `TextWriter` that knows the goal: right, nearly right or wrong as its `oracle` says."""

    oracle: NoisyOracle
    goal: Goal
    generator: Random

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`. Its log-probabilities are unknown, as it has no tokens."""
        return Completion(self._text(state, decision, line), "oracle")

    def _text(self, state: State, decision: Decision, line: int) -> str:
        progress = self.goal.progress(state.lines)
        if decision in EXPLAIN:
            return comment_text(progress.lines[line], self.goal, self.generator)
        texts = self._corrupt(self._right_lines(progress, decision, line))
        if decision is Decision.FILL_PARTIAL_LINE:
            return addition(progress.lines[line], _fill_column(state, line, progress), texts[0])
        return "\n".join(texts)

    def _right_lines(self, progress: GoalProgress, decision: Decision, line: int) -> list[str]:
        """The lines that are due at `line`; if it is complete, the line as it is and what is missing below it."""
        count = self.oracle.lines if decision is Decision.WRITE_MULTI_LINE else 1
        due = due_goal_line(progress, line)
        if due >= 0:
            return [progress.goal[j] for j in next_missing_lines(progress, due, count)]
        goal_line = progress.goal_line_of[line]
        below = next_missing_lines(progress, goal_line, count)[1:] if goal_line >= 0 else []
        return [progress.lines[line], *(progress.goal[j] for j in below)]

    def _corrupt(self, texts: Sequence[str]) -> list[str]:
        """The texts, as good as is drawn: one of them with a typo, or all of them wrong."""
        draw = self.generator.random()
        texts = list(texts)
        if draw < self.oracle.right or not any(text.strip() for text in texts):
            return texts
        if draw < self.oracle.right + self.oracle.near:
            i = self.generator.randrange(len(texts))
            texts[i] = add_typo(texts[i], self.generator)
            return texts
        return [_wrong_line(text, self.goal, self.generator) for text in texts]


def _fill_column(state: State, line: int, progress: GoalProgress) -> int:
    """Where a completion of the line is inserted: at the cursor if it is there, else at the line's end."""
    cursor = state.cursor
    return cursor.char if cursor.on and cursor.line == line else len(progress.lines[line])


def addition(line: str, column: int, wanted: str) -> str:
    """What has to be inserted at `column` so that `line` becomes `wanted`; "": nothing does that.

    Where the wanted text does not begin as the line does, its remainder is added as if it did. A column outside the
    line is clamped, as it is when the text is inserted.
    """
    column = min(max(column, 0), len(line))
    head, tail = line[:column], line[column:]
    if wanted.startswith(head) and wanted.endswith(tail) and len(wanted) >= len(line):
        return wanted[column : len(wanted) - len(tail)]
    if tail.strip():
        return ""
    return wanted[len(head) :] if head.strip() else wanted[len(indentation(head)) :]


_GENERIC = ("pass", "return None", "print(result)", "result = []", "continue")


def _wrong_line(text: str, goal: Goal, generator: Random) -> str:
    """Another line of the goal, or a line that fits many programs, where `text` would be right."""
    other_lines = [line.strip() for line in goal.lines if line.strip() and line.strip() != text.strip()]
    pool = (
        other_lines if other_lines and generator.random() < 0.6 else [line for line in _GENERIC if line != text.strip()]
    )
    return indentation(text) + generator.choice(pool)


_PHRASES = {
    "def": "what this does with {}", "class": "what {} stands for", "for": "go through all of {}", "while": "until {}",
    "if": "in case of {}", "elif": "or in case of {}", "else": "otherwise", "return": "the result: {}",
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_]\w*")


def comment_text(line: str, goal: Goal, generator: Random) -> str:
    """A comment on the line: one of the goal's notes, else in words made from the line's names."""
    if goal.notes and generator.random() < 0.8:
        return generator.choice(goal.notes)
    names = _NAME.findall(strip_comment(line))
    if not names:
        return "see below"
    phrase = _PHRASES.get(names[0])
    if phrase is None:
        return f"keep {names[0]} up to date"
    return phrase.format(names[-1] if len(names) > 1 else "the rest")
