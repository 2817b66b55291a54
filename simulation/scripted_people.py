"""Scripted people: who they are is a handful of numbers. For tests, for measuring, and for a start without recordings.

Not here: people learned from sessions (`learned_person`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from actions import Decision, apply
from errors import InputError
from simulation.acceptance import AcceptanceRates, undo_option
from simulation.goal_progress import EditStep, GoalProgress, remaining_steps
from simulation.person import HumanPolicy, Option, PairProbabilities, Reply, Turn
from simulation.typing_model import TypingStyle, TypingTask, cursor_line, inferred_action, noop_reply, typing_reply


@dataclass(frozen=True)
class ScriptedPerson:
    """Somebody with fixed tastes who knows where they are going. Raises InputError if a number is no probability.

    acceptance: what they keep. wait_rate: how often they do nothing in a turn. comment_rate: how often they write a
    comment of their own instead of code. later_acceptance: what they keep once `changes_at` of the goal is complete;
    None: the same.
    """

    name: str
    acceptance: AcceptanceRates
    typing_style: TypingStyle = field(default_factory=TypingStyle)
    wait_rate: float = 0.4
    comment_rate: float = 0.05
    later_acceptance: AcceptanceRates | None = None
    changes_at: float = 0.5
    policy: HumanPolicy | None = None

    def __post_init__(self) -> None:
        for name in ("wait_rate", "comment_rate", "changes_at"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(self.name, f"{name} is {getattr(self, name)}, expected a probability")

    def options(self, turn: Turn, pairs: PairProbabilities | None) -> Sequence[Option]:
        """Taking something back, else waiting, commenting, or typing the next step."""
        undo, keep_all = undo_option(turn, self._acceptance_at(turn.progress))
        return [*undo, *self._typing_options(turn, keep_all)]

    def _acceptance_at(self, progress: GoalProgress) -> AcceptanceRates:
        changed = self.later_acceptance is not None and progress.share > self.changes_at
        return self.later_acceptance if changed and self.later_acceptance is not None else self.acceptance

    def _typing_options(self, turn: Turn, mass: float) -> list[Option]:
        """What they do, with probability `mass` in all, if they take nothing back."""
        step = next_step(turn.progress, cursor_line(turn.state))
        if step is None:
            return [Option(mass, lambda _: noop_reply(turn.state))]
        comment_rate = self.comment_rate if turn.goal.notes else 0.0
        acting = mass * (1.0 - self.wait_rate)
        typing = acting * (1.0 - comment_rate)
        block_rate = self.typing_style.block_rate
        line, block = (typing_reply(turn, TypingTask(step, block), self.typing_style) for block in (False, True))
        return [
            Option(mass * self.wait_rate, lambda _: noop_reply(turn.state)),
            Option(acting * comment_rate, lambda generator: comment_reply(turn, step, generator)),
            Option(typing * (1.0 - block_rate), line),
            Option(typing * block_rate, block),
        ]


def next_step(progress: GoalProgress, cursor: int) -> EditStep | None:
    """What the person does next: what is due on the cursor's line, else the first step; None: the goal is reached."""
    steps = remaining_steps(progress)
    at_cursor = (step for step in steps if step.line == cursor and step.kind in ("type", "rewrite"))
    return next(at_cursor, steps[0] if steps else None)


def comment_reply(turn: Turn, step: EditStep, generator: Random) -> Reply:
    """A comment above the line that the person is at."""
    note = generator.choice(turn.goal.notes)
    line = max(step.line, 0)
    state = apply(turn.state, Decision.EXPLAIN_MULTI_LINES, line, note, by="H", t=turn.state.t + 1)
    return Reply(state, inferred_action(turn.state, state))


def acceptance_rates(
    *,
    fill: float,
    line: float,
    lines: float,
    edit: float,
    comments: float,
    mistakes: float,
    close: float | None = None,
) -> AcceptanceRates:
    """Acceptance in few numbers: what is kept of each decision's text if it is right; comments are never wrong.

    mistakes, close: how much of that if it is wrong, and if it is close (None: as if it were wrong).
    """
    near = mistakes if close is None else close
    code = tuple((right, right * near, right * mistakes) for right in (fill, line, lines, edit))
    return AcceptanceRates(((1.0, 1.0, 1.0), *code, (comments,) * 3, (comments,) * 3))


LIKES_CODE = acceptance_rates(fill=0.97, line=0.96, lines=0.94, edit=0.85, comments=0.5, close=0.5, mistakes=0.2)
LIKES_COMMENTS = acceptance_rates(fill=0.75, line=0.7, lines=0.55, edit=0.55, comments=0.97, close=0.3, mistakes=0.1)
HATES_COMMENTS = acceptance_rates(fill=0.92, line=0.9, lines=0.85, edit=0.75, comments=0.03, close=0.4, mistakes=0.15)
HATES_ASSISTANT = acceptance_rates(fill=0.1, line=0.08, lines=0.05, edit=0.05, comments=0.04, close=0.4, mistakes=0.3)
TRUSTS = acceptance_rates(fill=0.98, line=0.97, lines=0.96, edit=0.92, comments=0.85, close=0.9, mistakes=0.6)
LOOKS_CLOSELY = acceptance_rates(fill=0.9, line=0.9, lines=0.92, edit=0.85, comments=0.6, close=0.15, mistakes=0.02)

_ALL = (
    ScriptedPerson("likes_code", LIKES_CODE, TypingStyle(0.5, 0.45, 0.05), wait_rate=0.4, comment_rate=0.03),
    ScriptedPerson("likes_comments", LIKES_COMMENTS, TypingStyle(0.45, 0.5, 0.05), wait_rate=0.3, comment_rate=0.15),
    ScriptedPerson("hates_comments", HATES_COMMENTS, TypingStyle(0.5, 0.45, 0.05), wait_rate=0.3, comment_rate=0.0),
    ScriptedPerson("hates_assistant", HATES_ASSISTANT, TypingStyle(0.45, 0.45, 0.1), wait_rate=0.1, comment_rate=0.03),
    ScriptedPerson(
        "changes_mind",
        LIKES_CODE,
        TypingStyle(0.5, 0.4, 0.1),
        wait_rate=0.3,
        comment_rate=0.03,
        later_acceptance=HATES_ASSISTANT,
    ),
    ScriptedPerson(
        "clumsy",
        TRUSTS,
        TypingStyle(0.6, 0.35, 0.05, typo_rate=0.35, new_line_rate=0.4),
        wait_rate=0.4,
        comment_rate=0.02,
    ),
    ScriptedPerson(
        "patient",
        LOOKS_CLOSELY,
        TypingStyle(0.05, 0.25, 0.7, typo_rate=0.01, new_line_rate=0.2),
        wait_rate=0.75,
        comment_rate=0.05,
    ),
)

PEOPLE = {person.name: person for person in _ALL}
"""The scripted people by name.

Four of clear tastes and one who likes help until half of the goal is complete, who all type alike; two who are told
by how they type. `clumsy` types bits of lines, makes a mistake in every third line typed whole, and keeps most of what
the assistant writes, even what is wrong. `patient` waits three turns of four, then types a block with hardly a mistake,
and keeps what is right and little else.
"""
