"""A person's parameters as their own sessions show them: what they keep of which quality, and how they type.

And how good the text was that the assistant wrote for them. Few sessions say little, so each number begins at a prior
and leaves it as evidence comes. Not here: what they decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np

from actions import EXPLAIN, Decision
from comments import is_comment
from config import N_DECISIONS
from judge import Problem
from line_tracking import LineEdit, line_edits, survives, undone_since
from simulation.acceptance import QUALITIES, AcceptanceRates, AssessedLine, Quality, assess_lines
from simulation.goal import Goal
from simulation.goal_progress import GoalProgress, due_goal_line, is_begun
from simulation.oracle_writer import NoisyOracle
from simulation.person import Turn
from simulation.typing_errors import SHORT_REMAINDER
from simulation.typing_model import TypingStyle
from state_adapter import Episode, Transition

PRIOR = (0.8, 0.5, 0.2)
"""Probability of keeping what is right, close, wrong, before anything is known of a person."""
PRIOR_WEIGHT = 2.0
"""Lines that the prior counts for."""
KIND_WEIGHT = 4.0
"""Lines that a person's habit with all code, or all comments, counts for in their habit with one decision."""
TYPING_WEIGHT = 4.0
"""Turns that the prior counts for in how a person types."""
WRITER_WEIGHT = 4.0
"""Texts that the prior, `NoisyOracle`'s own numbers, counts for in how good the assistant's text was."""

CODE = (
    Decision.FILL_PARTIAL_LINE,
    Decision.WRITE_SINGLE_LINE,
    Decision.WRITE_MULTI_LINE,
    Decision.EDIT_EXISTING_LINES,
)
"""Decisions that write code."""


@dataclass(frozen=True, slots=True)
class PersonParameters:
    """What a person keeps and how they type; `writer`: as often right and nearly right as who wrote for them."""

    acceptance: AcceptanceRates
    typing_style: TypingStyle
    writer: NoisyOracle


def fit_person(episodes: Sequence[Episode], problems: Mapping[str, Problem] | None = None) -> PersonParameters:
    """The parameters of the person whose sessions these are; without sessions the prior.

    What is right is told in hindsight, by the text that each session ended with: so "wrong" means "not in what came
    of it". Good code that the person took back and never typed themselves is wrong, bad code that they left is right.
    problems: those known, by id.
    """
    acceptance, texts, typing = _AcceptanceCounts(), np.zeros(len(QUALITIES)), TypingCounts()
    for episode in episodes:
        goal = Goal.from_episode(episode, (problems or {}).get(episode.problem_id or ""))
        for transition in episode.transitions("A"):
            lines = assess_lines(Turn(transition.next, goal, transition.state, transition.action))
            acceptance.add(transition, lines)
            if lines and transition.decision in CODE and _is_due(transition, goal):
                texts[QUALITIES.index(_text_quality(lines))] += 1
        for transition in episode.transitions("H"):
            if not transition.next.undone and not transition.next.pasted:
                typing += typing_counts(transition, goal)
    return PersonParameters(acceptance.rates(), _typing_style(typing), _oracle(texts))


@dataclass
class _AcceptanceCounts:
    """Lines of the assistant's by decision and quality, (7, 3) each: `retained` of `seen`."""

    retained: np.ndarray = field(default_factory=lambda: np.zeros((N_DECISIONS, len(QUALITIES))))
    seen: np.ndarray = field(default_factory=lambda: np.zeros((N_DECISIONS, len(QUALITIES))))

    def add(self, transition: Transition, lines: Sequence[AssessedLine]) -> None:
        """Counts the lines of one decision; without a reply it is not known what was kept."""
        reply = transition.reply
        if reply is None:
            return
        undone = undone_since(reply, since=transition.state.t)
        survived = survives([line.edit for line in lines], transition.next.lines, reply.lines, undone)
        for line, stood in zip(lines, survived, strict=True):
            cell = transition.decision, QUALITIES.index(line.quality)
            self.retained[cell] += stood
            self.seen[cell] += 1

    def rates(self) -> AcceptanceRates:
        """Posterior means: of a kind (code, comments) from the prior, of a decision from its kind."""
        rates = np.ones((N_DECISIONS, len(QUALITIES)))
        for kind, prior in ((CODE, np.array(PRIOR)), (EXPLAIN, np.full(len(QUALITIES), PRIOR[1]))):
            rows = list(kind)
            retained, seen = self.retained[rows], self.seen[rows]
            of_kind = (retained.sum(0) + PRIOR_WEIGHT * prior) / (seen.sum(0) + PRIOR_WEIGHT)
            rates[rows] = (retained + KIND_WEIGHT * of_kind) / (seen + KIND_WEIGHT)
        return AcceptanceRates(tuple((right, close, wrong) for right, close, wrong in rates.tolist()))


def _is_due(transition: Transition, goal: Goal) -> bool:
    """Whether code is due on the decision's line; elsewhere a right text changes nothing, so it is not seen."""
    return transition.line >= 0 and due_goal_line(goal.progress(transition.state.lines), transition.line) >= 0


def _text_quality(lines: Sequence[AssessedLine]) -> Quality:
    """Of a whole text: that of its lines if they are alike, else close, as one with a typo is."""
    qualities = {line.quality for line in lines}
    return qualities.pop() if len(qualities) == 1 else "close"


def _oracle(texts: np.ndarray) -> NoisyOracle:
    """Posterior mean of how often a text is right, nearly right, wrong, from the counts (3,)."""
    prior = NoisyOracle()
    weights = texts + WRITER_WEIGHT * np.array([prior.right, prior.near, 1 - prior.right - prior.near])
    right, near, _ = (weights / weights.sum()).tolist()
    return NoisyOracle(right, near)


@dataclass(frozen=True, slots=True)
class TypingCounts:
    """What a person typed. part, line, block: turns in which it was part of a line, a whole one, or several.

    lines: lines of code that were typed. typos: those of them with a mistake.
    """

    part: int = 0
    line: int = 0
    block: int = 0
    typos: int = 0
    lines: int = 0

    def __add__(self, other: TypingCounts) -> TypingCounts:
        return TypingCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def typing_counts(transition: Transition, goal: Goal) -> TypingCounts:
    """What was typed in one turn of the person's. Short lines tell no part from a whole, so they count as neither."""
    progress = goal.progress(transition.next.lines)
    edits = line_edits(transition.state.lines, transition.next.lines)
    typed = [edit for edit in edits if _is_goal_code(edit, progress)]
    begun = [_is_begun_code(edit, progress) for edit in typed]
    incomplete = sum(not progress.complete[progress.goal_line_of[edit.line]] for edit in typed)
    counts = TypingCounts(typos=incomplete - sum(begun), lines=len(typed))
    if len(typed) > 1:
        return counts + TypingCounts(block=1)
    if not typed or _remaining_characters(typed[0], progress) <= SHORT_REMAINDER:
        return counts
    return counts + (TypingCounts(part=1) if begun[0] else TypingCounts(line=1))


def _is_goal_code(edit: LineEdit, progress: GoalProgress) -> bool:
    """Whether the edit left a line of code that is or is meant to become a line of the goal."""
    return edit.line >= 0 and progress.goal_line_of[edit.line] >= 0 and not is_comment(progress.lines[edit.line])


def _is_begun_code(edit: LineEdit, progress: GoalProgress) -> bool:
    goal_line = progress.goal_line_of[edit.line]
    return not progress.complete[goal_line] and is_begun(progress.lines[edit.line], progress.goal[goal_line])


def _remaining_characters(edit: LineEdit, progress: GoalProgress) -> int:
    """Characters of the goal line that were missing before the edit."""
    goal_line = progress.goal[progress.goal_line_of[edit.line]].strip()
    before = edit.before if edit.before and goal_line.startswith(edit.before) else ""
    return len(goal_line) - len(before)


def _typing_style(counts: TypingCounts) -> TypingStyle:
    """Posterior mean of how the person types."""
    prior = TypingStyle()
    turns = np.array([counts.part, counts.line, counts.block])
    weights = turns + TYPING_WEIGHT * np.array([prior.part, prior.line, prior.block])
    part, line, block = (weights / weights.sum()).tolist()
    typo_rate = (counts.typos + TYPING_WEIGHT * prior.typo_rate) / (counts.lines + TYPING_WEIGHT)
    return TypingStyle(part, line, block, typo_rate=typo_rate)
