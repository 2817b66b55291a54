"""A person's habits as their own sessions show them: what they keep of which merit, and how they type.

And how good the text was that the assistant wrote for them. Few sessions say little, so each number begins at a prior
and leaves it as evidence comes. Not here: what they decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from actions import Decision
from config import N_DECISIONS
from judge import Problem
from line_tracking import line_edits, survives, undone_since
from simulation.acceptance import QUALITIES, AcceptanceRates, AssessedLine, assess_lines
from simulation.goal import Goal, is_comment
from simulation.goal_progress import due_goal_line, is_begun, progress
from simulation.oracle_writer import NoisyOracle
from simulation.person import Turn
from simulation.typing_errors import SHORT_REMAINDER
from simulation.typing_model import TypingStyle
from state_adapter import Episode, Transition

PRIOR = (0.8, 0.5, 0.2)
"""Chance of keeping what is right, close, wrong, before anything is known of a person."""
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
COMMENTS = (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES)


@dataclass(frozen=True, slots=True)
class PersonParameters:
    """What a person keeps and how they type; `completer`: as often right and nearly right as who wrote for them."""

    acceptance: AcceptanceRates
    typing_style: TypingStyle
    completer: NoisyOracle


def fit_person(episodes: Sequence[Episode], problems: Mapping[str, Problem] | None = None) -> PersonParameters:
    """The habits of the person whose sessions these are; none: the prior.

    What is right is told in hindsight, by the text that each session ended with: so "wrong" means "not in what came
    of it". Good code that the person took back and never typed themselves is wrong, bad code that they left is right.
    problems: those known, by id.
    """
    kept, seen = np.zeros((N_DECISIONS, len(QUALITIES))), np.zeros((N_DECISIONS, len(QUALITIES)))
    texts = np.zeros(len(QUALITIES))
    typed = np.zeros(3)
    typo_count, typed_lines = 0.0, 0.0
    for episode in episodes:
        goal = Goal.of(episode, (problems or {}).get(episode.problem_id or ""))
        for transition in episode.transitions("A"):
            lines = assess_lines(Turn(transition.next, goal, transition.state, transition.action))
            _count_kept(transition, lines, kept, seen)
            if lines and transition.decision in CODE and _is_due(transition, goal):
                texts[_merit(lines)] += 1
        for transition in episode.transitions("H"):
            if not transition.next.undone:
                counts = _typing(transition, goal)
                typed += counts[:3]
                typo_count, typed_lines = typo_count + counts[3], typed_lines + counts[4]
    return PersonParameters(_tastes(kept, seen), _hands(typed, typo_count, typed_lines), _completer(texts))


def _count_kept(transition: Transition, lines: Sequence[AssessedLine], kept: np.ndarray, seen: np.ndarray) -> None:
    """Adds what of the lines of one decision of the assistant's was kept, by merit, to the counts (7, 3)."""
    reply = transition.reply
    if reply is None:
        return
    standing = survives(
        [line.edit for line in lines],
        transition.next.lines,
        reply.lines,
        undone_since(reply, since=transition.state.t),
    )
    for line, stood in zip(lines, standing, strict=True):
        cell = transition.decision, QUALITIES.index(line.quality)
        kept[cell] += stood
        seen[cell] += 1


def _is_due(transition: Transition, goal: Goal) -> bool:
    """Whether the decision's line waits for code; elsewhere a right text changes nothing, so it is not seen."""
    return transition.line >= 0 and due_goal_line(progress(transition.state.lines, goal.lines), transition.line) >= 0


def _merit(lines: Sequence[AssessedLine]) -> int:
    """Of a whole text, index of MERITS: that of its lines if they are alike, else close, as one with a slip is."""
    merits = {line.quality for line in lines}
    return QUALITIES.index(merits.pop() if len(merits) == 1 else "close")


def _completer(texts: np.ndarray) -> NoisyOracle:
    """Posterior mean of how often a text is right, nearly right, wrong, from the counts (3,)."""
    prior = NoisyOracle()
    weights = texts + WRITER_WEIGHT * np.array([prior.right, prior.near, 1 - prior.right - prior.near])
    right, near, _ = (weights / weights.sum()).tolist()
    return NoisyOracle(right, near)


def _tastes(kept: np.ndarray, seen: np.ndarray) -> AcceptanceRates:
    """Posterior means: of a kind (code, comments) from the prior, of a decision from its kind."""
    keep = np.ones((N_DECISIONS, len(QUALITIES)))
    for kind, prior in ((CODE, np.array(PRIOR)), (COMMENTS, np.full(len(QUALITIES), PRIOR[1]))):
        rows = list(kind)
        of_kind = (kept[rows].sum(0) + PRIOR_WEIGHT * prior) / (seen[rows].sum(0) + PRIOR_WEIGHT)
        keep[rows] = (kept[rows] + KIND_WEIGHT * of_kind) / (seen[rows] + KIND_WEIGHT)
    return AcceptanceRates(tuple((right, close, wrong) for right, close, wrong in keep.tolist()))


def _typing(transition: Transition, goal: Goal) -> tuple[float, float, float, float, float]:
    """Of one turn of the person's: part of a line, a line, several lines (one of them 1); slips, lines of code."""
    now = progress(transition.next.lines, goal.lines)
    typed = [
        (line, now.goal_line_of[line.line])
        for line in line_edits(transition.state.lines, transition.next.lines)
        if line.line >= 0 and now.goal_line_of[line.line] >= 0 and not is_comment(now.lines[line.line])
    ]
    if not typed:
        return 0, 0, 0, 0, 0
    begun = [not now.stands[j] and is_begun(now.lines[line.line], now.goal[j]) for line, j in typed]
    typo_count = sum(not now.stands[j] for _, j in typed) - sum(begun)
    if len(typed) > 1:
        return 0, 0, 1, typo_count, len(typed)
    line, wanted = typed[0][0], now.goal[typed[0][1]].strip()
    before = line.before if line.before and wanted.startswith(line.before) else ""
    choice = len(wanted) - len(before) > SHORT_REMAINDER  # else a part is not told from a line
    return choice and begun[0], choice and not begun[0], 0, typo_count, 1


def _hands(typed: np.ndarray, typo_count: float, lines: float) -> TypingStyle:
    prior = TypingStyle()
    weights = typed + TYPING_WEIGHT * np.array([prior.part, prior.line, prior.block])
    part, line, block = (weights / weights.sum()).tolist()
    typo_rate = (typo_count + TYPING_WEIGHT * prior.typo_rate) / (lines + TYPING_WEIGHT)
    return TypingStyle(part, line, block, typo_rate=typo_rate)
