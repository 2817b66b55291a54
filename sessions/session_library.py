"""The sessions below one folder: listed at once, what takes long counted in a thread and remembered between runs.

Not here: what removing means (`removal`), HTTP.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from config import RewardWeights
from errors import InputError, NotFoundError, printable
from files import atomic_write, read_regular_file, sync_folder, translate_os_errors
from sessions.removal import remove_session
from sessions.replay import Replay, read_replay
from sessions.session_files import SEPARATOR, SessionFile, Stamp, find_sessions, read_header
from state_adapter import exclusion_mark, is_excluded, read_recording

MAX_AUTOMATIC_BYTES = 32 * 2**20
"""Of a file that is counted before somebody opens it."""

WAIT_SECONDS = 0.3
"""How long a list waits for what is being counted."""

WORTH_WAITING = 20
"""Sessions up to which they may be counted in that time."""

CACHE_VERSION = 2

_OPEN_REPLAYS = 2


@dataclass(frozen=True)
class Counts:
    """What a session holds. started, ended: ms since 1970 of its first and last state. reason: why it is unreadable."""

    states: int | None = None
    written: int | None = None
    retained: int | None = None
    started: int | None = None
    ended: int | None = None
    reason: str | None = None


UNCOUNTED = Counts()


@dataclass(frozen=True)
class Facts:
    """What is read of a session at once. header: what its file says before its states. episodes: in its file."""

    header: dict[str, Any]
    bytes: int
    episodes: int


@dataclass(frozen=True)
class SessionRow:
    """A session in a list. header: what its file says before its states."""

    session: SessionFile
    header: dict[str, Any]
    counts: Counts
    excluded: bool
    bytes: int


class SessionLibrary:
    """The sessions below a folder. For any number of threads.

    cache: file that keeps what was read and counted; None: nowhere. weights: of the rewards in replays.
    """

    def __init__(self, folder: Path, cache: Path | None = None, weights: RewardWeights | None = None) -> None:
        self.folder, self._cache, self._weights = folder, cache, weights or RewardWeights()
        self._sessions: dict[str, SessionFile] = {}
        self._facts: dict[str, tuple[Stamp, Facts]] = {}
        """By the id of a file, which is that of its session if it has one."""
        self._counts: dict[str, tuple[Stamp, Counts]] = {}
        self._waiting: OrderedDict[str, SessionFile] = OrderedDict()
        self._changed = threading.Condition()
        """Of all of these."""
        self._counter: threading.Thread | None = None
        self._lists = 0
        """That are being made, for which the counting thread waits."""
        self._replays: OrderedDict[str, tuple[Stamp, Replay]] = OrderedDict()
        self._replaying = threading.Lock()
        self._writing = threading.Lock()
        """Of the cache."""
        self._read_cache()

    def sessions(self) -> list[SessionFile]:
        """All of them, as they lie on the disk now; several for a file that holds several."""
        with self._list_being_made():
            sessions = [part for session in find_sessions(self.folder) for part in self._split(session)]
            with self._changed:
                self._sessions = {session.id: session for session in sessions}
        return sessions

    def rows(self, recording: Collection[str] = (), *, wait: float = WAIT_SECONDS) -> list[SessionRow]:
        """All sessions, the latest first. What is not counted yet is counted from now on, for `wait` seconds at most.

        recording: ids of those that are open, which are not counted.
        """
        sessions = self.sessions()
        self._count([session for session in sessions if session.id not in recording], wait)
        with self._list_being_made():
            return [self._row(session) for session in sorted(sessions, key=_modified, reverse=True)]

    def session(self, session_id: str) -> SessionFile:
        """Raises NotFoundError: there is none of this id."""
        session = self._sessions.get(session_id)
        if session is None or not session.path.is_file():
            session = {other.id: other for other in self.sessions()}.get(session_id)
        if session is None:
            raise NotFoundError(f"session {session_id[:60]}", "is unknown")
        return replace(session, stamp=session.current_stamp())

    def row(self, session_id: str) -> SessionRow:
        """One session, counted. Raises NotFoundError."""
        session = self.session(session_id)
        self._count_one(session)
        return self._row(session)

    def replay(self, session_id: str) -> Replay:
        """Raises NotFoundError: there is no such session; InputError: it is damaged."""
        session = self.session(session_id)
        with self._replaying:
            with self._changed:
                cached = self._replays.get(session_id)
                if cached is not None and cached[0] == session.stamp:
                    self._replays.move_to_end(session_id)
                    return cached[1]
            replay = read_replay(session, self._weights)
            counts = _counts_of(replay)
            with self._changed:
                if session_id in self._sessions:  # else it was removed meanwhile
                    self._counts[session_id] = session.stamp, counts
                    self._replays[session_id] = session.stamp, replay
                while len(self._replays) > _OPEN_REPLAYS:
                    self._replays.popitem(last=False)
        return replay

    def set_excluded(self, session_id: str, excluded: bool) -> None:
        """Puts the mark beside a session, or takes it away. Raises NotFoundError, InputError: the disk refuses."""
        session = self.session(session_id)
        for mark in {exclusion_mark(path) for path in (session.path, session.stream) if path is not None}:
            if excluded:
                atomic_write(mark, b"")
            else:
                with translate_os_errors(mark):
                    mark.unlink(missing_ok=True)
                    sync_folder(mark.parent)

    def remove(self, session_id: str) -> None:
        """Removes a session from the disk. Raises NotFoundError: there is none; as `remove_session` does."""
        sessions = self.sessions()
        session = self.session(session_id)
        remove_session(session, [other for other in sessions if other.id != session_id], self.folder)
        with self._changed:
            self._waiting.pop(session_id, None)
            for table in (self._sessions, self._facts, self._counts, self._replays):
                table.pop(session_id, None)
        self._write_cache()

    def forget(self) -> None:
        """Forgets everything, in the cache too: the sessions are others now."""
        with self._writing:  # what was being written is there before it is removed
            with self._changed:
                for table in (self._waiting, self._sessions, self._facts, self._counts, self._replays):
                    table.clear()
                self._changed.notify_all()
            self._remove_cache()

    def _split(self, session: SessionFile) -> Iterator[SessionFile]:
        episodes = self._facts_of(session).episodes
        if episodes == 1:
            yield session
            return
        for index in range(episodes):
            yield replace(session, id=f"{session.id}{SEPARATOR}{index + 1}", index=index, count=episodes)

    def _facts_of(self, session: SessionFile) -> Facts:
        """Of the session, or of the file that holds several."""
        file_id = _file_id(session)
        cached = self._facts.get(file_id)
        if cached is None or cached[0] != session.stamp:
            facts = Facts(read_header(session.path), session.bytes(), _episode_count(session.path))
            with self._changed:
                cached = self._facts[file_id] = session.stamp, facts
        return cached[1]

    def _row(self, session: SessionFile) -> SessionRow:
        facts, cached = self._facts_of(session), self._counts.get(session.id)
        counts = cached[1] if cached is not None and cached[0] == session.stamp else UNCOUNTED
        header = facts.header if session.count == 1 else {}
        return SessionRow(session, header, counts, is_excluded(session.path), facts.bytes)

    def _count(self, sessions: Sequence[SessionFile], wait: float) -> None:
        """Lets the thread count what has changed, and waits for it for a while."""
        with self._changed:
            for session in sessions:
                if not self._is_counted(session) and 0 <= session.stamp[1] <= MAX_AUTOMATIC_BYTES:
                    self._waiting[session.id] = session
            if not self._waiting:
                return
            if self._counter is None:
                self._counter = threading.Thread(target=self._count_waiting, name="session-counts", daemon=True)
                self._counter.start()
            if len(self._waiting) <= WORTH_WAITING:
                self._changed.wait_for(lambda: not self._waiting, wait)

    def _count_waiting(self) -> None:
        while (session := self._next_waiting()) is not None:
            self._count_one(session)
            with self._changed:
                self._waiting.pop(session.id, None)
                is_last = not self._waiting
                self._changed.notify_all()
            if is_last:
                self._write_cache()

    def _next_waiting(self) -> SessionFile | None:
        """The session to count next; None: there is none, and the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lists)
            session = next(iter(self._waiting.values()), None)
            if session is None:
                self._counter = None
            return session

    def _count_one(self, session: SessionFile) -> None:
        if self._is_counted(session):
            return
        try:
            counts = _counts_of(read_replay(session, self._weights))
        except InputError as error:
            counts = Counts(reason=_reason(error, session.path))
        except Exception as error:  # whatever is wrong with one session, the others are listed
            counts = Counts(reason=f"cannot be read: {type(error).__name__}")
        self._remember(session, counts)

    def _is_counted(self, session: SessionFile) -> bool:
        cached = self._counts.get(session.id)
        return cached is not None and cached[0] == session.stamp

    def _remember(self, session: SessionFile, counts: Counts) -> None:
        with self._changed:
            if session.id in self._sessions:
                self._counts[session.id] = session.stamp, counts

    @contextmanager
    def _list_being_made(self) -> Iterator[None]:
        """The counting thread waits meanwhile: somebody waits for the list."""
        with self._changed:
            self._lists += 1
        try:
            yield
        finally:
            with self._changed:
                self._lists -= 1
                self._changed.notify_all()

    def _read_cache(self) -> None:
        if self._cache is None:
            return
        with suppress(InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            content = json.loads(read_regular_file(self._cache))
            if content["version"] == CACHE_VERSION:
                facts = {name: (tuple(stamp), Facts(**fields)) for name, stamp, fields in content["facts"]}
                counts = {name: (tuple(stamp), Counts(**fields)) for name, stamp, fields in content["counts"]}
                self._facts, self._counts = facts, counts

    def _write_cache(self) -> None:
        """Keeps what was read and counted; a disk that refuses only means that it is done again."""
        if self._cache is None or not self.folder.is_dir():
            return
        with self._writing:
            with self._changed:
                self._drop_removed()
                facts = [(name, stamp, asdict(fields)) for name, (stamp, fields) in self._facts.items()]
                counts = [(name, stamp, asdict(fields)) for name, (stamp, fields) in self._counts.items()]
            if not facts:
                return self._remove_cache()
            content = {"version": CACHE_VERSION, "facts": facts, "counts": counts}
            with suppress(InputError):
                atomic_write(self._cache, json.dumps(content))

    def _remove_cache(self) -> None:
        if self._cache is not None:
            with suppress(OSError):
                self._cache.unlink()

    def _drop_removed(self) -> None:
        """Drops what was read of sessions that are no longer there."""
        file_ids = set(map(_file_id, self._sessions.values()))
        self._facts = {file_id: entry for file_id, entry in self._facts.items() if file_id in file_ids}
        self._counts = {session_id: entry for session_id, entry in self._counts.items() if session_id in self._sessions}


def _file_id(session: SessionFile) -> str:
    """The id of its file, which is the session's own if it holds no other one."""
    return session.id if session.count == 1 else session.id.rpartition(SEPARATOR)[0]


def _modified(session: SessionFile) -> int:
    return session.stamp[0]


def _counts_of(replay: Replay) -> Counts:
    times = [step.timestamp_ms for step in replay.steps if step.timestamp_ms is not None]
    started, ended = (times[0], times[-1]) if times else (None, None)
    return Counts(len(replay.steps), replay.characters(), replay.retained(), started, ended)


def _reason(error: InputError, path: Path) -> str:
    """Why a session is unreadable, and where in its file, which who reads it knows by another name."""
    where = error.where.removeprefix(printable(str(path))).lstrip(", ")
    return f"{where}: {error.reason}" if where else error.reason


def _episode_count(path: Path) -> int:
    """Episodes in a file; 1 also of one that cannot be read, so that it is in the list."""
    if path.suffix.lower() == ".jsonl":
        return 1
    try:
        with path.open("rb") as file:
            is_list = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
        return max(sum(1 for _ in read_recording(path)), 1) if is_list else 1
    except (OSError, InputError):
        return 1
