"""The page's addresses of recorded sessions: list, replay, exclude, delete, export, erase.

Not here: what they do (`sessions`, `recording`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import files
from actions import NAMES, Action
from data_paths import DataPaths
from errors import ConflictError, InputError, NotFoundError
from services.http.endpoints import MALFORMED, Endpoint
from services.http.reading_thread import ReadingThread
from services.http.responses import answer, read
from services.learning.last_training import trains_elsewhere
from services.messages.messages import Ok
from services.messages.sessions_messages import (
    CursorPlace,
    EraseRequest,
    ExcludeRequest,
    LearningStatus,
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
from services.services import Services
from services.solving.solved_problems import SolvedProblems
from services.writers.own_texts import relearn_texts
from sessions.export import export
from sessions.ignored_sessions import IgnoredSessions
from sessions.removal import erase, remove
from sessions.replay import AUTHORS, Replay, ReplayStep
from sessions.session_files import SessionFile, read_header
from sessions.session_library import SessionLibrary, SessionRow
from simulation.problem_loader import load_problems
from state_adapter import STREAMS, first_recording, snapshot_path
from training.runs.run_files import PLAN, STATE, models_lock, run_lock, training_folder
from training.runs.training_manifest import read_manifest

_UNKNOWN = {404: "there is no such session"}
_DISK = {503: "the disk refuses", 507: "the disk is full"}


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
            Ok, ExcludeRequest, refusals={**_UNKNOWN, 409: "its file is ignored", **MALFORMED, **_DISK},
        ),
        Endpoint(
            "POST", "/api/sessions/{id}/delete", service.delete, "Delete a session, with games that played on from it.",
            Ok, refusals={**_UNKNOWN, 409: "it is recorded or learned from just now, or shares its file", **_DISK},
        ),
        Endpoint(
            "GET", "/api/export", service.export, "Everything of the person's, as a ZIP archive.",
            media_type="application/zip",
        ),
        Endpoint(
            "POST", "/api/erase", service.erase, "Erase everything of the person's; open sessions are given up.",
            Ok, EraseRequest, refusals={409: "a training is under way", **MALFORMED, **_DISK},
        ),
    ]  # fmt: skip


LEAST_STATES = 2
"""Of a recording that is learned from: with fewer there is no decision in it."""

SCRATCH, SCRATCH_TITLE = "scratch", "Scratch"
"""The problem's id of a text without a problem, as the page begins it, and its title."""


@dataclass
class SessionsService:
    """Handlers of the addresses."""

    services: Services
    erasing: asyncio.Lock = field(default_factory=asyncio.Lock)
    reading: ReadingThread = field(default_factory=lambda: ReadingThread("replay"))
    library: SessionLibrary = field(init=False)

    def __post_init__(self) -> None:
        paths = self.services.paths
        self.library = SessionLibrary(paths.episodes, paths.session_counts, self.services.rewards)

    async def sessions(self, request: Request) -> Response:
        recorder = self.services.recorder
        rows = await asyncio.to_thread(self.library.rows, recorder.open_sessions())
        return await asyncio.to_thread(self._list, rows)

    async def timeline(self, request: Request) -> Response:
        session_id = request.path_params["id"]
        return await self.reading.run(lambda: answer(self._timeline(session_id)))

    async def state(self, request: Request) -> Response:
        session_id, index = request.path_params["id"], request.path_params["index"]
        replay = await self.reading.run(lambda: self.library.replay(session_id))
        if not index.isascii() or not index.isdecimal() or not int(index[:9]) < len(replay.steps):
            raise NotFoundError(f"state {index[:20]}", f"is not there; the session has {len(replay.steps)} states")
        return answer(_state(replay, int(index[:9])))

    async def exclude(self, request: Request) -> Response:
        message = await read(request, ExcludeRequest)
        await asyncio.to_thread(self._exclude, request.path_params["id"], message.excluded)
        return answer(Ok())

    async def delete(self, request: Request) -> Response:
        session_id = request.path_params["id"]
        if self.services.recorder.state_count(session_id) is not None:
            raise ConflictError(f"session {session_id}", "is being recorded; end it first")
        await asyncio.to_thread(self._delete, session_id)
        return answer(Ok())

    async def export(self, request: Request) -> Response:
        name = f"codeassist-export-{datetime.now():%Y-%m-%d}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(export(self.services.paths), media_type="application/zip", headers=headers)

    async def erase(self, request: Request) -> Response:
        message = await read(request, EraseRequest)
        async with self.erasing:
            with ExitStack() as locks:  # before any session is given up
                await asyncio.to_thread(self._keep_from_training, locks)
                async with self.services.recorder.without_sessions():
                    await asyncio.to_thread(self._erase, message.models_too)
        return answer(Ok())

    def _list(self, rows: Sequence[SessionRow]) -> Response:
        sessions, ignored_sessions = _first_recordings(rows), IgnoredSessions()
        return answer([self._summary(row, sessions[row.session.id], ignored_sessions) for row in rows])

    def _timeline(self, session_id: str) -> SessionTimeline:
        replay = self.library.replay(session_id)
        facts = self._facts(self.library.row(session_id), IgnoredSessions())
        return SessionTimeline(**facts, states=_timeline(replay))

    def _exclude(self, session_id: str, excluded: bool) -> None:
        header = read_header(self.library.session(session_id).path)
        if not excluded and _is_of_ignored_file(header, IgnoredSessions()):
            raise ConflictError(f"session {session_id}", f"{header['file']} is ignored, so nothing is learned from it")
        self.library.set_excluded(session_id, excluded)
        relearn_texts(self.services.assistance.writer, self.services.paths.episodes)

    def _delete(self, session_id: str) -> None:
        session = self.library.session(session_id)
        episode_id = _text(read_header(session.path).get("episode_id")) or session.path.stem
        with ExitStack() as locks:  # who trains has the text, and writes it
            self._keep_from_training(locks)
            locks.enter_context(self._left_as_it_is(session))
            self.library.remove(session_id)
            _remove_games(self.services.paths, episode_id)
            _remove_unfinished_run(self.services.paths)
        self.services.help_reader.forget_removed()
        relearn_texts(self.services.assistance.writer, self.services.paths.episodes)

    @contextmanager
    def _left_as_it_is(self, session: SessionFile) -> Iterator[None]:
        """Nothing is written for a session in the block; if it cannot be removed, its snapshot is written later."""
        snapshots, stream = self.services.recorder.snapshots, session.stream
        was_waiting = stream is not None and snapshots.is_waiting(stream)
        if stream is not None:
            snapshots.discard(stream)
        try:
            yield
        except InputError:
            if stream is not None and was_waiting:
                snapshots.add(stream)
            raise

    def _keep_from_training(self, locks: ExitStack) -> None:
        """Takes the locks of whoever trains. Raises ConflictError: a training is under way."""
        paths, training = self.services.paths, self.services.training
        is_training = training is not None and training.state().status in ("running", "stopping")
        if is_training or trains_elsewhere(paths):
            raise ConflictError("training", "is under way; stop it first")
        locks.enter_context(files.lock(run_lock(paths.run)))
        locks.enter_context(files.lock(models_lock(paths.models)))

    def _erase(self, models_too: bool) -> None:
        services = self.services
        services.recorder.snapshots.discard()
        self.library.forget()
        services.failures.close()
        erase(services.paths, model_files=models_too)
        self.library.forget()
        services.help_reader.forget_removed()
        services.problems, services.problems_failure = load_problems(services.paths.problems), None
        services.solved = SolvedProblems(services.paths.solved)
        if services.training is not None:
            services.training.forget()
        relearn_texts(services.assistance.writer, services.paths.episodes)
        settings = services.settings.current()
        services.assistance.models.explore = settings.explore
        services.writers.apply_tutor(settings)
        services.folder.open_remembered(settings.folder)

    def _summary(self, row: SessionRow, session: str, ignored_sessions: IgnoredSessions) -> SessionSummary:
        open_states = self.services.recorder.state_count(row.session.id)
        states = row.counts.states if open_states is None else open_states
        facts = self._facts(row, ignored_sessions)
        learning = _learning(facts["status"], states, excluded=facts["excluded"])
        return SessionSummary(**facts, states=states, session=session, learning=learning)

    def _facts(self, row: SessionRow, ignored_sessions: IgnoredSessions) -> dict[str, Any]:
        header, counts = row.header, row.counts
        problem_id, file = _text(header.get("problem_id")), _text(header.get("file"))
        problem = self.services.problems.get(problem_id or "")
        status = self._status(row)
        is_open = status == "recording"
        return {
            "id": row.session.id,
            "problem_id": problem_id,
            "title": problem.title if problem is not None and problem.title else file or _title(problem_id, row),
            "file": file,
            "started": _milliseconds(header.get("startTime"), counts.started),
            "ended": None if is_open else _milliseconds(header.get("endTime"), counts.ended),
            "written": counts.written,
            "retained": counts.retained,
            "excluded": row.excluded or _is_of_ignored_file(header, ignored_sessions),
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


def _remove_games(paths: DataPaths, episode_id: str) -> None:
    """Removes the games of self-play that played on from a session: its text is in them; nothing reads them again."""
    for entry in read_manifest(paths.manifest):
        for game in entry.games if episode_id in entry.sessions else ():
            remove(snapshot_path(paths.self_play_episodes, game).parent)


def _remove_unfinished_run(paths: DataPaths) -> None:
    """Removes what a run has of sessions' texts before it ends: its state, its plan, its games of self-play.

    The state of a run that has ended lies there too, until the next one begins.
    """
    training = training_folder(paths.run)
    for path in (*training.glob(f"{STATE}*"), *paths.run.glob(f"{PLAN}*")):
        remove(path)
    games = {game for entry in read_manifest(paths.manifest) for game in entry.games}
    finished = {snapshot_path(paths.self_play_episodes, game).parent for game in games}
    for folder in paths.self_play_episodes.glob("*"):
        if folder not in finished and (folder / f"{folder.name}.json").is_file() and not (folder / STREAMS).exists():
            remove(folder)


def _timeline(replay: Replay) -> list[TimelineState]:
    return [
        TimelineState(
            step.t,
            step.timestamp_ms,
            None if step.action is None else step.action.agent,
            None if step.action is None else _decision(step.action, step, changed=before.lines != step.lines),
            None if step.env is None else TestsMessage(step.env.compiled, step.env.tests_passed, step.env.tests_total),
            None if step.reward is None else RewardMessage(step.reward.total, step.reward.parts),
        )
        for before, step in zip((*replay.steps[:1], *replay.steps), replay.steps, strict=False)
    ]


def _decision(action: Action, step: ReplayStep, *, changed: bool) -> RecordedDecision:
    retention = None if step.reward is None else step.reward.retention
    withheld = action.withheld
    return RecordedDecision(
        decision=int(action.decision),
        name=NAMES[action.decision],
        line=action.line + 1,
        recorded=action.recorded,
        written=step.characters,
        changed=changed,
        pasted=step.pasted,
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
        dropped=action.dropped,
    )


def _state(replay: Replay, index: int) -> SessionState:
    step, cursor = replay.steps[index], replay.steps[index].cursor
    return SessionState(
        step.text,
        [AUTHORS[author] for author in step.authors],  # type: ignore[misc]
        CursorPlace(cursor.line + 1, cursor.char) if cursor.on and cursor.line >= 0 else None,
        replay.steps[index - 1].text if index else None,
    )


def _first_recordings(rows: Sequence[SessionRow]) -> dict[str, str]:
    """For the id of each recording that of the one with which its session began."""
    episode_ids = {row.session.id: _text(row.header.get("episode_id")) or row.session.id for row in rows}
    ids = {episode_id: recording for recording, episode_id in episode_ids.items()}
    sources = {episode_ids[row.session.id]: _text(row.header.get("source_episode")) for row in rows}
    return {recording: ids[first_recording(episode_id, sources)] for recording, episode_id in episode_ids.items()}


def _learning(status: SessionStatus, states: int | None, *, excluded: bool) -> LearningStatus:
    """What `read_episodes` makes of a recording. states: None: not counted."""
    if excluded:
        return "excluded"
    if status in ("recording", "unreadable"):
        return status
    if states is None:
        return "unknown"
    return "learned_from" if states >= LEAST_STATES else "no_decision"


def _is_of_ignored_file(header: dict[str, Any], ignored_sessions: IgnoredSessions) -> bool:
    """Whether the person's file that a session's header names is ignored now, in its own folder."""
    file, folder = header.get("file"), header.get("folder")
    return isinstance(file, str) and isinstance(folder, str) and ignored_sessions.ignores(file, folder)


def _title(problem_id: str | None, row: SessionRow) -> str:
    """Of a session without a file, and without a problem that is known."""
    return SCRATCH_TITLE if problem_id == SCRATCH else problem_id or row.session.id


def _text(value: object) -> str | None:
    """What a header names by a text or a number."""
    return str(value) if isinstance(value, str) or type(value) is int else None


def _milliseconds(value: object, otherwise: int | None) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2**53:
        return int(value)
    return otherwise
