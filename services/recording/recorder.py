"""Records sessions: what is acknowledged is on the disk and survives whatever happens next.

A session is a stream to which states are appended as they come, and keystrokes beside it; when it ends, its states are
tested and its snapshot is written. Not here: HTTP, tests (`snapshot_queue`), what a crash left open (`recovery`).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from actions import Action
from data_paths import DataPaths
from errors import InputError, NotFoundError
from files import append_line, read_regular_file
from judge import Problem
from services.messages import Change, StateRequest
from services.recording.append_log import AppendLog, LogFile
from services.recording.session import MissingChangesError, Session
from services.recording.snapshot_queue import SnapshotQueue
from state_adapter import check_recorded_state, parse_recorded_action, recorded_action

_EPISODE_ID = re.compile(r"[\w-]{1,100}")

CHANGES = "changes.jsonl"
"""File of a session's keystrokes, beside its stream."""


TEST_RUNS = "test_runs.jsonl"
"""File of the tests that the person ran, beside the session's stream; nothing is learned from them."""


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
    """Open sessions and their files. For one event loop.

    snapshots: tests and writes what has ended. clock: seconds since 1970.
    """

    def __init__(self, paths: DataPaths, snapshots: SnapshotQueue, *, clock: Callable[[], float] = time.time) -> None:
        self._paths, self.snapshots, self._clock = paths, snapshots, clock
        self._log = AppendLog()
        self._sessions: dict[str, Session] = {}
        self.problem_of_disk: str | None = None
        """Why the last append was refused; None: recording works."""

    async def start(
        self,
        problem_id: str,
        *,
        store: Store = Store.PERSON,
        source_episode: str | None = None,
        source_timestep: int | None = None,
        model: str | None = None,
    ) -> str:
        """Begins a session; returns its id. Raises InputError (no problem id, or the disk refuses), NotFoundError."""
        if not problem_id.strip():
            raise InputError("problem_id", "is empty, expected the id of a problem")
        episode_id = str(uuid.uuid4())
        header: dict[str, Any] = {
            "episode_id": episode_id,
            "problem_id": problem_id,
            "model": model,
            "startTime": self._now(),
        }
        lines = [header]
        if source_episode is not None:
            header |= {"source_episode": source_episode, "source_timestep": source_timestep}
            lines += await asyncio.to_thread(self._source_states, store, source_episode, source_timestep)
        path = store.folder(self._paths) / episode_id / "raw" / f"{episode_id}.jsonl"
        session = Session(episode_id, await asyncio.to_thread(LogFile, path), problem_id)
        await self._append(session.stream, b"".join(map(_line, lines)))
        self._sessions[episode_id] = session
        return episode_id

    async def add_state(self, episode_id: str, request: StateRequest) -> None:
        """Returns once the state is on the disk; one that came before is not written again.

        Raises InputError (malformed, or the disk refuses), NotFoundError (unknown or ended).
        """
        session = self._session(episode_id)
        state = {
            "episode_id": episode_id,
            "timestep": request.timestep,
            "timestamp_ms": self._now() if request.timestamp_ms is None else int(request.timestamp_ms),
            "text": request.text,
            "attribution": request.attribution or [],
            "action": request.action,
        }
        check_recorded_state(state)
        content = _line({**state, "timestamp_ms": None})
        if session.is_repetition(request.timestep, content):
            return
        state["action"] = _with_record(session, request.action)
        await self._append(session.stream, _line(state))
        session.add_state(request.timestep, content, request.text)

    async def add_changes(self, episode_id: str, first: int, changes: list[Change]) -> int:
        """Returns the number of the change that is expected next; those that came before are not written again.

        Raises InputError, NotFoundError, MissingChangesError.
        """
        session = self._session(episode_id)
        async with session.changes_lock:  # a batch that comes meanwhile goes on from here
            if first > session.next_change:
                raise MissingChangesError(session.next_change)
            fresh = changes[session.next_change - first :]
            if fresh:
                if session.changes is None:
                    path = session.stream.path.with_name(CHANGES)
                    session.changes = await asyncio.to_thread(LogFile, path)
                await self._append(session.changes, _line({"first": session.next_change, "changes": fresh}))
                session.next_change += len(fresh)
            return session.next_change

    async def end(self, episode_id: str) -> None:
        """Ends a session and queues its tests and snapshot. Raises InputError, NotFoundError."""
        session = self._session(episode_id)
        del self._sessions[episode_id]
        try:
            await self._append(session.stream, _line({"endTime": self._now()}))
        except InputError:
            self._sessions[episode_id] = session
            raise
        session.stream.close()
        if session.changes is not None:
            session.changes.close()
        self.snapshots.add(session.stream.path)

    def note_decision(self, episode_id: str | None, request_id: str, text: str, action: Action) -> None:
        """Keeps an answered decision's record until the state that carries it out comes."""
        if (session := self._sessions.get(episode_id or "")) is not None:
            session.note_decision(request_id, text, action)
        elif episode_id is None:
            for session in self._sessions.values():
                session.note_decision(request_id, text, action)

    def problem(self, episode_id: str | None) -> Problem | None:
        """The problem of an open session; None: it is unknown, or the session is."""
        session = self._sessions.get(episode_id or "")
        return None if session is None or session.problem_id is None else self.snapshots.problem(session.problem_id)

    def rejected_texts(self, episode_id: str | None) -> tuple[str, ...]:
        """Texts of the assistant's that the person deleted or took back in this session, the latest last."""
        return ()

    def note_test_run(self, episode_id: str, run: dict[str, Any]) -> None:
        """Keeps a line about tests that the person ran in an open session, without texts. Raises InputError."""
        if (session := self._sessions.get(episode_id)) is None:
            return
        results = [{"test_id": result["test_id"], "passed": result["passed"]} for result in run["test_results"]]
        line = {**run, "timestamp_ms": self._now(), "test_results": results}
        append_line(session.stream.path.with_name(TEST_RUNS), json.dumps(line))

    def open_sessions(self) -> list[str]:
        """Ids of the sessions that have not ended."""
        return list(self._sessions)

    async def close(self) -> None:
        """Ends all open sessions and the thread that writes."""
        for episode_id in self.open_sessions():
            await self.end(episode_id)
        await asyncio.to_thread(self._log.close)

    def _session(self, episode_id: str) -> Session:
        session = self._sessions.get(episode_id)
        if session is None:
            raise NotFoundError(f"episode {episode_id[:60]}", "is unknown or has ended")
        return session

    def _source_states(self, store: Store, source: str, timestep: int | None) -> list[dict[str, Any]]:
        """The states of an earlier session up to a timestep. Raises NotFoundError: there is no such session."""
        if not _EPISODE_ID.fullmatch(source):
            raise NotFoundError("source_episode", "is no id of a session")
        stream = store.folder(self._paths) / source / "raw" / f"{source}.jsonl"
        lines = [json.loads(row) for row in read_regular_file(stream).splitlines() if row.strip()]
        states = [line for line in lines if "text" in line]
        return [state for state in states if timestep is None or state["timestep"] <= timestep]

    async def _append(self, file: LogFile, content: bytes) -> None:
        try:
            await asyncio.wrap_future(self._log.append(file, content))
        except InputError as error:
            self.problem_of_disk = str(error)
            raise
        self.problem_of_disk = None

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, allow_nan=False).encode("ascii") + b"\n"


def _with_record(session: Session, action: dict[str, Any] | None) -> dict[str, Any] | None:
    """The action with what was recorded of how it was decided, if it carries out an answer of this server."""
    carried = parse_recorded_action(action)
    if action is None or carried is None or carried.agent != "A":
        return action
    decided = session.decision_of(action["A"].get("request_id"), int(carried.decision), carried.line)
    return action if decided is None else {**action, "A": {**action["A"], **recorded_action(decided)}}
