"""The page's addresses of recorded sessions: list, replay, exclude, delete, export, erase.

Not here: what they do (`sessions`, `recording`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from actions import NAMES, Action
from errors import NotFoundError
from services.endpoints import Endpoint
from services.messages import Ok
from services.responses import answer, read
from services.services import Services
from services.sessions_messages import (
    CursorPlace,
    ExcludeRequest,
    RecordedDecision,
    RewardMessage,
    SessionState,
    SessionStatus,
    SessionSummary,
    SessionTimeline,
    TestsMessage,
    TimelineState,
    WithheldMessage,
)
from sessions.replay import AUTHORS, Replay, ReplayStep
from sessions.session_library import SessionLibrary, SessionRow

_UNKNOWN = {404: "there is no such session"}
_MALFORMED = {422: "the message is malformed"}


def endpoints(services: Services) -> Sequence[Endpoint]:
    """The addresses."""
    service = SessionsService(services)
    damaged = {**_UNKNOWN, 400: "the session is damaged"}
    return [
        Endpoint("GET", "/api/sessions", service.sessions, "Recorded sessions.", list[SessionSummary]),
        Endpoint(
            "GET", "/api/sessions/{id}", service.timeline, "What happened in a session.", SessionTimeline,
            refusals=damaged,
        ),
        Endpoint(
            "GET", "/api/sessions/{id}/states/{index}", service.state, "The file at one of its states.", SessionState,
            refusals=damaged,
        ),
        Endpoint(
            "POST", "/api/sessions/{id}/exclude", service.exclude, "Leave a session out of learning, or take it in.",
            Ok, ExcludeRequest, refusals={**_UNKNOWN, **_MALFORMED},
        ),
    ]  # fmt: skip


@dataclass
class SessionsService:
    """Handlers of the addresses."""

    services: Services
    library: SessionLibrary = field(init=False)

    def __post_init__(self) -> None:
        paths = self.services.paths
        self.library = SessionLibrary(paths.episodes, paths.session_counts, self.services.rewards)

    async def sessions(self, request: Request) -> Response:
        recorder = self.services.recorder
        rows = await asyncio.to_thread(self.library.rows, recorder.open_sessions())
        return answer([self._summary(row) for row in rows])

    async def timeline(self, request: Request) -> Response:
        session_id = request.path_params["id"]
        replay = await asyncio.to_thread(self.library.replay, session_id)
        row = await asyncio.to_thread(self.library.summary, session_id)
        states = await asyncio.to_thread(_timeline, replay)
        return answer(SessionTimeline(**self._facts(row), states=states))

    async def state(self, request: Request) -> Response:
        index = request.path_params["index"]
        replay = await asyncio.to_thread(self.library.replay, request.path_params["id"])
        if not index.isascii() or not index.isdecimal() or not int(index[:9]) < len(replay.steps):
            raise NotFoundError(f"state {index[:20]}", f"is not there; the session has {len(replay.steps)} states")
        return answer(_state(replay, int(index[:9])))

    async def exclude(self, request: Request) -> Response:
        message = await read(request, ExcludeRequest)
        await asyncio.to_thread(self.library.set_excluded, request.path_params["id"], message.excluded)
        return answer(Ok())

    def _summary(self, row: SessionRow) -> SessionSummary:
        open_states = self.services.recorder.state_count(row.session.id)
        return SessionSummary(**self._facts(row), states=row.counts.states if open_states is None else open_states)

    def _facts(self, row: SessionRow) -> dict[str, Any]:
        header, counts = row.header, row.counts
        problem_id, file = _text(header.get("problem_id")), _text(header.get("file"))
        problem = self.services.problems.get(problem_id or "")
        status = self._status(row)
        is_open = status == "recording"
        return {
            "id": row.session.id,
            "problem_id": problem_id,
            "title": problem.title if problem is not None and problem.title else file or row.session.id,
            "file": file,
            "started": _milliseconds(header.get("startTime"), counts.started),
            "ended": None if is_open else _milliseconds(header.get("endTime"), counts.ended),
            "written": counts.written,
            "retained": counts.retained,
            "excluded": row.excluded,
            "bytes": row.bytes,
            "status": status,
            "reason": counts.reason,
        }

    def _status(self, row: SessionRow) -> SessionStatus:
        recorder, session = self.services.recorder, row.session
        if recorder.state_count(session.id) is not None:
            return "recording"
        if session.stream is not None and recorder.snapshots.is_waiting(session.stream):
            return "waiting"
        return "unreadable" if row.counts.reason is not None else "ended"


def _timeline(replay: Replay) -> list[TimelineState]:
    return [
        TimelineState(
            step.t,
            step.timestamp_ms,
            None if step.action is None else step.action.agent,
            None if step.action is None else _decision(step.action, step),
            None if step.env is None else TestsMessage(step.env.compiled, step.env.tests_passed, step.env.tests_total),
            None if step.reward is None else RewardMessage(step.reward.total, step.reward.parts),
        )
        for step in replay.steps
    ]


def _decision(action: Action, step: ReplayStep) -> RecordedDecision:
    retention = None if step.reward is None else step.reward.retention
    withheld = action.withheld
    return RecordedDecision(
        decision=int(action.decision),
        name=NAMES[action.decision],
        line=action.line + 1,
        recorded=action.recorded,
        written=step.written,
        pasted=False,
        probability=action.probability,
        decision_probability=action.decision_probability,
        policy_probability=action.policy_probability,
        model=action.model,
        value=action.value,
        kept=action.kept,
        retained=None if retention is None else retention.retained,
        survived=None if retention is None else retention.survived,
        writer=None if action.writer is None else asdict(action.writer),
        review=None if action.review is None else asdict(action.review),
        withheld=None
        if withheld is None
        else WithheldMessage(int(withheld.decision), NAMES[withheld.decision], withheld.line + 1, withheld.text),
    )


def _state(replay: Replay, index: int) -> SessionState:
    step, cursor = replay.steps[index], replay.steps[index].cursor
    return SessionState(
        step.text,
        [AUTHORS[author] for author in step.authors],  # type: ignore[misc]
        CursorPlace(cursor.line + 1, cursor.char) if cursor.on and cursor.line >= 0 else None,
        replay.steps[index - 1].text if index else None,
    )


def _text(value: object) -> str | None:
    """What a header names by a text or a number."""
    return str(value) if isinstance(value, str) or type(value) is int else None


def _milliseconds(value: object, otherwise: int | None) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2**53:
        return int(value)
    return otherwise
