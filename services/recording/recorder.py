"""Records sessions: what is acknowledged is on the disk and survives whatever happens next.

A session is a stream to which states are appended as they come, and keystrokes beside it; when it ends, its states are
tested and its snapshot is written. Not here: HTTP, tests (`snapshot_queue`), what a crash left open (`recovery`).
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from actions import Action, StageTimes
from data_paths import DataPaths
from errors import ConflictError, InputError, NotFoundError
from files import append_line
from judge import Problem
from services.messages import messages
from services.messages.messages import ActivityEvent, Change, MalformedError, StateRequest
from services.recording.append_log import AppendLog, LogFile
from services.recording.recovery import recover_sessions
from services.recording.session import AnsweredDecision, MissingEntriesError, NumberedLog, Session, digest
from services.recording.snapshot_queue import SnapshotQueue
from services.recording.source_states import count_changes, find_source, read_source
from state import State
from state_adapter import (
    TEST_RUNS,
    LiveEpisode,
    check_activity,
    parse_recorded_action,
    recorded_action,
    stream_path,
)

IDLE_SECONDS = 30 * 60.0
"""Without a message for so long, a session's tab is closed."""

_LONG_TEXT = 100_000
"""Characters from which on a state is parsed in a thread."""

_MOST_PENDING = 16
"""States that are recorded before a thread works out what they mean."""

_BEING_ERASED = "everything is being erased; try again in a moment"


class Store(StrEnum):
    """Whose sessions they are: folders of the data root."""

    PERSON = "person"
    SIMULATED = "simulated"
    SELF_PLAY = "self-play"

    def folder(self, paths: DataPaths) -> Path:
        """Where they lie."""
        return {
            Store.PERSON: paths.episodes,
            Store.SIMULATED: paths.simulated_episodes,
            Store.SELF_PLAY: paths.self_play_episodes,
        }[self]


class Recorder:
    """Open sessions and their files. For one event loop; what only asks may be called from any thread.

    snapshots: tests and writes what has ended. clock: seconds since 1970. idle_seconds: how long an open session may
    be without a message.
    """

    def __init__(
        self,
        paths: DataPaths,
        snapshots: SnapshotQueue,
        *,
        clock: Callable[[], float] = time.time,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._paths, self.snapshots, self._clock, self._idle_seconds = paths, snapshots, clock, idle_seconds
        self._log = AppendLog()
        self._sessions: dict[str, Session] = {}
        self._openings: set[asyncio.Task[None]] = set()
        self._keyed_starts = asyncio.Lock()
        self._idle_check: asyncio.Task[None] | None = None
        self._is_closed = False
        self._closings = 0
        """How often all sessions were given up."""
        self.problem_of_disk: str | None = None
        """Why the last append was refused; None: recording works."""

    def recover(self) -> list[str]:
        """Ends what was left open and queues what has no snapshot, before the first session; a line for each."""
        return recover_sessions([store.folder(self._paths) for store in Store], self.snapshots.add, self._now)

    async def start(
        self,
        problem_id: str,
        *,
        store: Store = Store.PERSON,
        source_episode: str | None = None,
        source_timestep: int | None = None,
        model: str | None = None,
        file: str | None = None,
        folder: str | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Begins a session; returns its id.

        source_episode: begins with that session's states, up to `source_timestep`. file: path of the person's file that
        is edited, from `folder` on, which is a whole path. idempotency_key: of the client's own for this session, which
        it sends again where no answer came; the session is begun once then. Raises InputError (no problem id, or the
        disk refuses), NotFoundError (no such source), ConflictError (`without_sessions`).
        """
        if not problem_id.strip():
            raise InputError("problem_id", "is empty, expected the id of a problem")
        async with self._start_once(idempotency_key) as begun:
            if begun is not None:
                return begun.id
            closings = self._closings
            episode_id = str(uuid.uuid4())
            header = {"episode_id": episode_id, "problem_id": problem_id, "model": model, "startTime": self._now()}
            header |= {key: value for key, value in (("file", file), ("folder", folder)) if value is not None}
            states: list[dict[str, Any]] = []
            live = LiveEpisode()
            if source_episode is not None:
                states = await asyncio.to_thread(
                    self._source_states, store, source_episode, source_timestep, episode_id
                )
                latest = states[-1]["timestep"] if states else source_timestep
                header |= {"source_episode": source_episode, "source_timestep": latest}
                await asyncio.to_thread(_follow_all, live, states)
            if self._is_closed or closings != self._closings:  # what was read of the source is gone too
                raise ConflictError("recording", _BEING_ERASED)
            opening = asyncio.create_task(self._open(store, header, states, live, idempotency_key))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)
            await asyncio.shield(opening)
            if closings != self._closings:
                raise ConflictError("recording", _BEING_ERASED)
            return episode_id

    async def add_state(self, episode_id: str, request: StateRequest) -> None:
        """Returns once the state is on the disk; one that came before is not written again.

        Raises InputError (malformed, or the disk refuses), NotFoundError (unknown or ended).
        """
        session = self._session(episode_id)
        state = self._state(session, request)
        parse = session.live.parse
        try:
            record = parse(state) if len(request.text) < _LONG_TEXT else await asyncio.to_thread(parse, state)
        except InputError as error:
            raise MalformedError(error.where, error.reason) from None
        content, text = _digests(state)
        if session.is_repetition(request.timestep, content):
            return
        joined = _with_decision(session, request.timestep, request.action)
        await self._append(session.stream, _state_line(state, joined, request.attribution))
        session.note_state(request.timestep, content, text)
        session.live.add_record(record)
        self._follow(session)

    async def add_changes(self, episode_id: str, first: int, changes: Sequence[Change]) -> int:
        """Returns the number of the change that is expected next; those that came before are not written again.

        Raises InputError, NotFoundError, MissingEntriesError.
        """
        return await self._add_numbered(self._session(episode_id).changes, first, changes)

    async def add_activity(self, episode_id: str, first: int, events: Sequence[ActivityEvent]) -> int:
        """As `add_changes` for what the person did beside typing. Raises MalformedError: an event is none."""
        session = self._session(episode_id)
        try:
            check_activity(events)
        except InputError as error:
            raise MalformedError(error.where, error.reason) from None
        return await self._add_numbered(session.activity, first, events)

    async def end(self, episode_id: str) -> None:
        """Ends a session and queues its tests and snapshot. Raises InputError, NotFoundError."""
        session = self._session(episode_id)
        del self._sessions[episode_id]  # what comes from now on is too late, whatever waits before it
        try:
            async with session.changes.lock, session.activity.lock:
                await self._append(session.stream, _line({"endTime": self._now()}), is_last=True)
                for log in session.logs:
                    log.close()
        except InputError:
            self._sessions[episode_id] = session
            raise
        self.snapshots.add(session.stream.path)

    def note_decision(
        self,
        episode_id: str | None,
        request_id: str,
        text: str,
        action: Action,
        answered: tuple[int, int],
        *,
        milliseconds: Mapping[str, float] | None = None,
    ) -> None:
        """Keeps an answered decision's record until the state that carries it out comes.

        answered: `(type, line from 1)` as the client got it. milliseconds: that each stage took. A decision for no
        session may be any one's.
        """
        decision = AnsweredDecision(digest(text), action, answered, milliseconds or {})
        sessions = list(self._sessions.values())
        for session in sessions if episode_id is None else [self._sessions.get(episode_id)]:
            if session is not None:
                self._touch(session)
                session.note_decision(request_id, decision)

    def live_state(self, episode_id: str | None) -> State | None:
        """The latest state as training will read it, with attribution and history; None: there is none."""
        session = self._sessions.get(episode_id or "")
        return None if session is None else session.live.latest()

    def rejected_texts(self, episode_id: str | None) -> tuple[str, ...]:
        """Texts of the assistant's that the person deleted or took back in this session, the latest last."""
        session = self._sessions.get(episode_id or "")
        return () if session is None else session.live.rejected_texts()

    def problem(self, episode_id: str | None) -> Problem | None:
        """The problem of an open session; None: it is unknown, or the session is."""
        session = self._sessions.get(episode_id or "")
        return None if session is None or session.problem_id is None else self.snapshots.problem(session.problem_id)

    def file(self, episode_id: str | None) -> str | None:
        """Path of the person's file that is edited in an open session; None: there is none."""
        session = self._sessions.get(episode_id or "")
        return None if session is None else session.file

    def folder(self, episode_id: str | None) -> str | None:
        """Whole path of the folder in which that file lies; None: there is no file."""
        session = self._sessions.get(episode_id or "")
        return None if session is None else session.folder

    def note_test_run(self, episode_id: str, run: dict[str, Any]) -> None:
        """Keeps a line about tests that the person ran in an open session, without texts, if the disk takes it."""
        if (session := self._sessions.get(episode_id)) is None:
            return
        results = [{"test_id": result["test_id"], "passed": result["passed"]} for result in run["test_results"]]
        line = {**run, "timestamp_ms": self._now(), "test_results": results}
        try:
            append_line(session.stream.path.with_name(TEST_RUNS), json.dumps(line), makes_folder=False)
        except InputError as error:  # also NotFoundError: the folder was removed meanwhile
            self.note_refusal(error)

    def note_refusal(self, error: InputError) -> None:
        """Says as `problem_of_disk` that the disk refused something."""
        if not isinstance(error, NotFoundError | ConflictError):
            self.problem_of_disk = str(error)

    def open_sessions(self) -> list[str]:
        """Ids of the sessions that have not ended."""
        return list(self._sessions)

    def latest_timestep(self, episode_id: str) -> int | None:
        """Of the states of an open session; None: it has none, or is not open."""
        session = self._sessions.get(episode_id)
        return None if session is None else session.latest_timestep

    async def count_source_changes(self, store: Store, source_episode: str) -> int:
        """Keystrokes of a session with which another one began. Raises NotFoundError."""
        return await asyncio.to_thread(lambda: count_changes(self._source_path(store, source_episode)))

    def state_count(self, episode_id: str) -> int | None:
        """States of an open session; None: it is not open."""
        session = self._sessions.get(episode_id)
        return None if session is None else session.state_count

    async def end_idle(self) -> None:
        """Ends the sessions that have had no message for long; one that the disk refuses stays open."""
        latest = time.monotonic() - self._idle_seconds
        for session in [session for session in self._sessions.values() if session.last_message < latest]:
            with suppress(InputError):
                await self.end(session.id)

    async def close(self) -> None:
        """Ends all open sessions and the threads that write; what the disk refuses is ended at the next start."""
        if self._idle_check is not None:
            self._idle_check.cancel()
        for episode_id in self.open_sessions():
            with suppress(InputError):
                await self.end(episode_id)
        await asyncio.to_thread(self._log.close)

    @asynccontextmanager
    async def without_sessions(self) -> AsyncIterator[None]:
        """No session is open in the block and none begins: those that were are given up, without an end."""
        self._is_closed = True
        self._closings += 1
        try:
            if self._openings:
                await asyncio.wait(self._openings)
            for session in list(self._sessions.values()):
                self._sessions.pop(session.id, None)
                await self._give_up(session)
            yield
        finally:
            self._is_closed = False

    async def _give_up(self, session: Session) -> None:
        """Closes the session's files as they are."""
        async with session.changes.lock, session.activity.lock:
            with suppress(InputError):
                await asyncio.wrap_future(self._log.append(session.stream, b"", is_last=True))
            session.stream.close()
            for log in session.logs:
                log.close()

    def _session(self, episode_id: str) -> Session:
        session = self._sessions.get(episode_id)
        if session is None:
            raise NotFoundError(f"episode {episode_id[:60]}", "is unknown or has ended")
        self._touch(session)
        return session

    def _touch(self, session: Session) -> None:
        session.last_message = time.monotonic()
        if self._idle_check is None:
            self._idle_check = asyncio.get_running_loop().create_task(self._check_idle())

    async def _check_idle(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_seconds / 4, 60.0))
            await self.end_idle()

    def _source_path(self, store: Store, source: str) -> Path:
        stores = [store, *(other for other in Store if other is not store)]
        return find_source([other.folder(self._paths) for other in stores], source)

    def _source_states(self, store: Store, source: str, timestep: int | None, episode_id: str) -> list[dict[str, Any]]:
        path = self._source_path(store, source)
        return [{**state, "episode_id": episode_id} for state in read_source(path, timestep)]

    @asynccontextmanager
    async def _start_once(self, key: str | None) -> AsyncIterator[Session | None]:
        """Yields the open session that was begun by the same key, if nothing came since; none is begun meanwhile."""
        if key is None:
            yield None
            return
        async with self._keyed_starts:
            if self._openings:  # of a client that has gone
                await asyncio.wait(self._openings)
            sessions = (session for session in self._sessions.values() if session.idempotency_key == key)
            yield next((session for session in sessions if session.is_untouched), None)

    async def _open(
        self,
        store: Store,
        header: dict[str, Any],
        states: Sequence[dict[str, Any]],
        live: LiveEpisode,
        idempotency_key: str | None,
    ) -> None:
        """Makes a session's stream, which begins with `states`, and opens it."""
        episode_id = header["episode_id"]
        path = stream_path(store.folder(self._paths) / episode_id, episode_id)
        stream = await self._new_file(path)
        try:
            await self._append(stream, b"".join([_line(line) for line in (header, *states)]))
        except InputError:  # nothing is left of a session that has not begun
            stream.close()
            with suppress(OSError):
                path.unlink()
                path.parent.rmdir()
                path.parent.parent.rmdir()
            raise
        session = Session(episode_id, stream, header["problem_id"], header.get("file"), header.get("folder"), live=live)
        session.idempotency_key = idempotency_key
        for state in states:
            session.note_state(state["timestep"], *_digests(state))
        session.copied_states = session.state_count
        self._sessions[episode_id] = session
        self._touch(session)

    def _state(self, session: Session, request: StateRequest) -> dict[str, Any]:
        """The message as a stream has it, its attribution parsed. Raises MalformedError."""
        attribution = session.parsed_attribution(messages.decode_entries(request.attribution))
        return {
            "episode_id": session.id,
            "timestep": request.timestep,
            "timestamp_ms": self._now() if request.timestamp_ms is None else int(request.timestamp_ms),
            "text": request.text,
            "attribution": attribution,
            "action": request.action,
        }

    async def _add_numbered(self, log: NumberedLog, first: int, entries: Sequence[object]) -> int:
        """Appends the entries, numbered from `first`, that have not come before; returns the next number."""
        async with log.lock:  # a batch that comes meanwhile goes on from here
            if log.closed:
                raise NotFoundError(f"session {log.path.parent.parent.name}", "has ended")
            if first > log.next:
                raise MissingEntriesError(log.member, log.next)
            new_entries = entries[log.next - first :]
            if new_entries:
                file = log.file = log.file or await self._new_file(log.path)
                await self._append(file, _line({"first": log.next, log.member: new_entries}))
                log.next += len(new_entries)
            return log.next

    async def _new_file(self, path: Path) -> LogFile:
        try:
            return await asyncio.to_thread(LogFile, path)
        except InputError as error:
            self.note_refusal(error)
            raise

    def _follow(self, session: Session) -> None:
        """Lets a thread work out what the states mean, so that the next decision does not wait for that."""
        if session.live.pending > _MOST_PENDING and (session.following is None or session.following.done()):
            session.following = asyncio.get_running_loop().run_in_executor(None, session.live.follow)

    async def _append(self, file: LogFile, content: bytes, *, is_last: bool = False) -> None:
        try:
            await asyncio.wrap_future(self._log.append(file, content, is_last=is_last))
        except InputError as error:
            self.note_refusal(error)
            raise
        self.problem_of_disk = None

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _digests(state: dict[str, Any]) -> tuple[bytes, bytes]:
    """Of the whole state but its time, and of its text."""
    text = digest(state["text"])
    return digest(text, _line({"attribution": state.get("attribution"), "action": state.get("action")})), text


def _follow_all(live: LiveEpisode, states: list[dict[str, Any]]) -> None:
    for state in states:
        live.add(state)


def _with_decision(session: Session, timestep: int, action: dict[str, Any] | None) -> dict[str, Any] | None:
    """The action with what is known of how it was decided, if it carries out an answer of this server."""
    named = parse_recorded_action(action)
    if action is None or named is None or named.agent != "A":
        return action
    part = action["A"]
    if named.dropped is not None:
        return action
    decision = session.decision_of(part.get("request_id"), timestep, (int(named.decision), named.line + 1))
    if decision is None:
        return action
    times = StageTimes(**{stage: round(spent, 3) for stage, spent in decision.milliseconds.items()})
    recorded = recorded_action(replace(decision.action, milliseconds=times if decision.milliseconds else None))
    return {**action, "A": {**recorded, **{key: part[key] for key in ("request_id",) if key in part}}}


def _state_line(state: dict[str, Any], action: dict[str, Any] | None, attribution: msgspec.Raw) -> bytes:
    """The stream's line of a state; its attribution as it came, which is most of it."""
    in_one_line = bytes(attribution).translate(_BLANK_LINE_ENDS)
    return _line({**state, "attribution": msgspec.Raw(in_one_line), "action": action}, state["attribution"])


_BLANK_LINE_ENDS = bytes.maketrans(b"\n\r", b"  ")


def _line(fields: dict[str, Any], attribution: object = None) -> bytes:
    """A line of JSON. attribution: parsed, for texts that are no Unicode (half of an emoji), which are escaped."""
    try:
        return msgspec.json.encode(fields) + b"\n"
    except (UnicodeEncodeError, msgspec.EncodeError):
        plain = fields if attribution is None else {**fields, "attribution": attribution}
        return json.dumps(plain, allow_nan=False).encode("ascii") + b"\n"
