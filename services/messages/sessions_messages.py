"""The messages about recorded sessions: their list, their replay, what is excluded or deleted. Not here: recording."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

SessionStatus = Literal["recording", "waiting", "ended", "unreadable"]
"""Open; ended and not tested yet; whole; damaged."""


LearningStatus = Literal["learned_from", "excluded", "no_decision", "unreadable", "recording", "unknown"]
"""What learning makes of a recording; unknown: it is not counted yet."""


class SessionFacts(Struct, kw_only=True):
    """A session. started, ended: ms since 1970; null: unknown, or it has not ended. bytes: of its files.

    title: of its problem, else its file's name, else its problem's id, else its own. written: characters that the
    assistant wrote and the person replied to; retained: of these, those that stood then; null: not counted yet.
    excluded: nothing learns from it: the person said so, or its file is ignored. reason: why it is unreadable.
    """

    id: str
    problem_id: str | None
    title: str
    file: str | None
    started: int | None
    ended: int | None
    written: int | None
    retained: int | None
    excluded: bool
    bytes: int
    status: SessionStatus
    reason: str | None = None


class SessionSummary(SessionFacts, kw_only=True):
    """A recording in a list. states: how many it has; null: not counted yet.

    session: id of the recording with which its session began: those of one session count once. learning: whether it is
    learned from, or why not.
    """

    states: int | None
    session: str
    learning: LearningStatus


class WithheldMessage(Struct):
    """Help that was written and not shown. line: from 1 in the text of the state before."""

    type: int
    name: str
    line: int
    text: str


class RecordedDecision(Struct, kw_only=True):
    """What led to a state. decision: 0 to 6; line: from 1 in the text of the state before, 0: none.

    recorded: false: read off the two texts. probability, decision_probability: with which it was taken, exploration
    included; policy_probability: under the policy itself. kept: estimated share that would be kept; retained, survived:
    the share that stood at the person's reply, and of that at the session's end. written: characters. changed: whether
    the text is another than before. pasted: the person pasted much. dropped: why the page did not carry out what was
    decided: "stale", "rejected", "unseen". null: unknown, or there is none.
    """

    decision: int
    name: str
    line: int
    recorded: bool
    written: int
    changed: bool
    pasted: bool
    probability: float | None = None
    decision_probability: float | None = None
    policy_probability: float | None = None
    model: str | None = None
    value: float | None = None
    kept: float | None = None
    retained: float | None = None
    survived: float | None = None
    writer: dict[str, Any] | None = None
    review: dict[str, Any] | None = None
    withheld: WithheldMessage | None = None
    dropped: str | None = None


class TestsMessage(Struct):
    """What testing a state gave. passed, total: of its cases; null: it was only compiled."""

    compiled: bool
    passed: int | None
    total: int | None


class RewardMessage(Struct):
    """What a decision of the assistant was worth. parts: by name; they sum up to the total."""

    total: float
    parts: dict[str, float]


class TimelineState(Struct):
    """A state. by: who led to it; null: it is the first. env: null: it was not tested. reward: of the assistant's."""

    timestep: int
    timestamp_ms: int | None
    by: Literal["H", "A"] | None
    action: RecordedDecision | None
    env: TestsMessage | None
    reward: RewardMessage | None


class SessionTimeline(SessionFacts, kw_only=True):
    """A session and its states in order, without their texts."""

    states: list[TimelineState]


class CursorPlace(Struct):
    """Where the person's cursor is. line: from 1; char: characters left of it."""

    line: int
    char: int


class SessionState(Struct):
    """The file at one state. authors: of each line, who changed it last; "": it was there at the start.

    previous_text: of the state before; null: it is the first.
    """

    text: str
    authors: list[Literal["H", "A", ""]]
    cursor: CursorPlace | None
    previous_text: str | None


class ExcludeRequest(Struct):
    """Whether a session is left out of learning."""

    excluded: bool


class EraseRequest(Struct):
    """Erases everything of the person's. models_too: also files of models (GGUF) that write text."""

    confirm: Literal["erase everything"]
    models_too: bool = False
