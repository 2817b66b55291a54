"""The sessions below one folder: listed at once, what takes long counted in a thread and remembered between runs.

Not here: deleting (`removal`), HTTP.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from config import RewardWeights
from errors import InputError, NotFoundError
from files import atomic_write, read_regular_file, sync_folder, translate_os_errors
from sessions.removal import remove_session
from sessions.replay import Replay, read_replay
from sessions.session_files import SEPARATOR, SessionFile, find_sessions, read_header
from state_adapter import TESTS, exclusion_mark, is_excluded, read_recording

MAX_AUTOMATIC_BYTES = 32 * 2**20
"""Of a file that is counted before somebody opens it."""

WAIT_SECONDS = 0.3
"""How long a list waits for what is being counted."""

CACHE_VERSION = 1

_OPEN_REPLAYS = 2

Stamp = tuple[int, ...]


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
class SessionRow:
    """A session in a list. header: what its file says before its states."""

    session: SessionFile
    header: dict[str, Any]
    counts: Counts
    excluded: bool
    bytes: int


class SessionLibrary:
    """The sessions below a folder. For any number of threads.

    cache: file that keeps what was counted; None: nowhere. weights: of the rewards in replays.
    """

    def __init__(self, folder: Path, cache: Path | None = None, weights: RewardWeights | None = None) -> None:
        self.folder, self._cache, self._weights = folder, cache, weights or RewardWeights()
        self._sessions: dict[str, SessionFile] = {}
        self._headers: dict[Path, tuple[Stamp, dict[str, Any]]] = {}
        self._sizes: dict[Path, tuple[Stamp, int]] = {}
        self._episodes: dict[Path, tuple[Stamp, int]] = {}
        self._counts: dict[str, tuple[Stamp, Counts]] = {}
        self._waiting: OrderedDict[str, SessionFile] = OrderedDict()
        self._changed = threading.Condition()
        self._counter: threading.Thread | None = None
        self._replays: OrderedDict[str, tuple[Stamp, Replay]] = OrderedDict()
        self._replaying = threading.Lock()
        self._read_cache()

    def sessions(self) -> list[SessionFile]:
        """All of them, as they lie on the disk now; several for a file that holds several."""
        listed = [each for session in find_sessions(self.folder) for each in self._split(session)]
        self._sessions = {session.id: session for session in listed}
        return listed

    def rows(self, recording: Collection[str] = (), *, wait: float = WAIT_SECONDS) -> list[SessionRow]:
        """All sessions, the latest first. What is not counted yet is counted from now on, for `wait` seconds at most.

        recording: ids of those that are open, which are not counted.
        """
        sessions = self.sessions()
        ended = [session for session in sessions if session.id not in recording]
        self._count(ended, wait)
        rows = [(self._modified(session), self._row(session)) for session in sessions]
        return [row for _, row in sorted(rows, key=lambda pair: pair[0], reverse=True)]

    def session(self, session_id: str) -> SessionFile:
        """Raises NotFoundError: there is none of this id."""
        session = self._sessions.get(session_id)
        if session is None or not session.path.is_file():
            session = {each.id: each for each in self.sessions()}.get(session_id)
        if session is None:
            raise NotFoundError(f"session {session_id[:60]}", "is unknown")
        return session

    def summary(self, session_id: str, *, with_counts: bool = True) -> SessionRow:
        """One session. with_counts: reads it if it was not counted before. Raises NotFoundError."""
        session = self.session(session_id)
        if with_counts:
            self._count_one(session)
        return self._row(session)

    def replay(self, session_id: str) -> Replay:
        """Raises NotFoundError: there is no such session; InputError: it is damaged."""
        session = self.session(session_id)
        with self._replaying:
            stamp = _stamp(session)
            if (cached := self._replays.get(session_id)) is not None and cached[0] == stamp:
                self._replays.move_to_end(session_id)
                return cached[1]
            replay = read_replay(session, self._weights)
            self._replays[session_id] = stamp, replay
            while len(self._replays) > _OPEN_REPLAYS:
                self._replays.popitem(last=False)
        self._remember(session, stamp, _counts_of(replay))
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
            self._sessions.pop(session_id, None)
            self._counts.pop(session_id, None)
        with self._replaying:
            self._replays.pop(session_id, None)

    def forget(self) -> None:
        """Forgets everything: the sessions are others now."""
        with self._changed:
            self._waiting.clear()
            for cache in (self._sessions, self._headers, self._sizes, self._episodes, self._counts):
                cache.clear()
            self._changed.notify_all()
        with self._replaying:
            self._replays.clear()

    def _split(self, session: SessionFile) -> Iterator[SessionFile]:
        count = self._episode_count(session)
        if count == 1:
            yield session
            return
        for index in range(count):
            yield replace(session, id=f"{session.id}{SEPARATOR}{index + 1}", index=index, count=count)

    def _episode_count(self, session: SessionFile) -> int:
        """Episodes in its file: 1, but for a list of several."""
        stamp = _stamp(session)
        cached = self._episodes.get(session.path)
        if cached is None or cached[0] != stamp:
            cached = self._episodes[session.path] = stamp, _count_episodes(session.path)
        return cached[1]

    def _row(self, session: SessionFile) -> SessionRow:
        stamp = _stamp(session)
        header = self._headers.get(session.path)
        if header is None or header[0] != stamp:
            header = self._headers[session.path] = stamp, read_header(session.path)
        size = self._sizes.get(session.path)
        if size is None or size[0] != stamp:
            size = self._sizes[session.path] = stamp, session.bytes()
        cached = self._counts.get(session.id)
        counts = cached[1] if cached is not None and cached[0] == stamp else UNCOUNTED
        return SessionRow(session, header[1] if session.count == 1 else {}, counts, is_excluded(session.path), size[1])

    def _modified(self, session: SessionFile) -> int:
        return max(_stamp(session)[0:1])

    def _count(self, sessions: list[SessionFile], wait: float) -> None:
        """Lets the thread count what has changed, and waits for it for a while."""
        with self._changed:
            for session in sessions:
                stamp = _stamp(session)
                cached = self._counts.get(session.id)
                if (cached is None or cached[0] != stamp) and 0 <= stamp[1] <= MAX_AUTOMATIC_BYTES:
                    self._waiting[session.id] = session
            if not self._waiting:
                return
            if self._counter is None:
                self._counter = threading.Thread(target=self._count_waiting, name="session-counts", daemon=True)
                self._counter.start()
            self._changed.wait_for(lambda: not self._waiting, wait)

    def _count_waiting(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._counter = None
                    break
                session = next(iter(self._waiting.values()))
            self._count_one(session)
            with self._changed:
                self._waiting.pop(session.id, None)
                self._changed.notify_all()
        self._write_cache()

    def _count_one(self, session: SessionFile) -> None:
        stamp = _stamp(session)
        cached = self._counts.get(session.id)
        if cached is not None and cached[0] == stamp:
            return
        try:
            counts = _counts_of(read_replay(session, self._weights))
        except InputError as error:
            counts = Counts(reason=str(error))
        except Exception as error:  # whatever is wrong with one session, the others are listed
            counts = Counts(reason=f"{type(error).__name__}: cannot be read")
        self._remember(session, stamp, counts)

    def _remember(self, session: SessionFile, stamp: Stamp, counts: Counts) -> None:
        with self._changed:
            self._counts[session.id] = stamp, counts

    def _read_cache(self) -> None:
        if self._cache is None:
            return
        with suppress(InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            content = json.loads(read_regular_file(self._cache))
            if content["version"] == CACHE_VERSION:
                self._counts = {
                    name: (tuple(row["stamp"]), Counts(**row["counts"])) for name, row in content["sessions"].items()
                }

    def _write_cache(self) -> None:
        """Keeps what is counted; a disk that refuses only means that it is counted again."""
        if self._cache is None or not self.folder.is_dir():
            return
        with self._changed:
            rows = {
                name: {"stamp": stamp, "counts": asdict(counts)}
                for name, (stamp, counts) in self._counts.items()
                if name in self._sessions
            }
        with suppress(InputError):
            atomic_write(self._cache, json.dumps({"version": CACHE_VERSION, "sessions": rows}))


def _stamp(session: SessionFile) -> Stamp:
    """Differs once the session's file or tests are others: time, size, inode; -1 where there is nothing."""
    paths = [session.path]
    if session.path == session.stream:
        paths.append(session.path.with_name(TESTS))
    stamp: list[int] = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            stamp += [-1, -1, -1]
        else:
            stamp += [status.st_mtime_ns, status.st_size, status.st_ino]
    return tuple(stamp)


def _counts_of(replay: Replay) -> Counts:
    times = [step.timestamp_ms for step in replay.steps if step.timestamp_ms is not None]
    started, ended = (times[0], times[-1]) if times else (None, None)
    return Counts(len(replay.steps), replay.written(), replay.retained(), started, ended)


def _count_episodes(path: Path) -> int:
    """Episodes in a file; 1 also of one that cannot be read, so that it is listed."""
    if path.suffix.lower() == ".jsonl":
        return 1
    try:
        with path.open("rb") as file:
            is_list = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
        return max(sum(1 for _ in read_recording(path)), 1) if is_list else 1
    except (OSError, InputError):
        return 1
