"""The records of all sessions in a folder: read as training reads them, and again only where a file has changed.

Not here: what a record says (`help_records`), how it is kept between runs (`help_cache`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from errors import InputError, NotFoundError
from state_adapter import (
    SharedBeginning,
    copied_turns,
    exclusion_mark,
    first_recording,
    is_excluded,
    read_episodes,
    shared_beginnings,
)
from training.evaluation.help_cache import FileStamp, HelpCache, HelpEntry
from training.evaluation.help_records import HelpRecord, RecordedHelp, SessionRecords, session_records

SUFFIXES = (".json", ".jsonl")
"""Of files that hold sessions."""


FileRule = Callable[[str | None, str | None], bool]
"""Of a person's file and the folder that it lies in; None: unknown, or it is none."""


class HelpReader:
    """Reads the sessions of a folder; for any number of threads, which take turns.

    cache: file that keeps the records between runs; None: nowhere.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._cache = HelpCache(cache)
        self._entries: dict[str, HelpEntry] | None = None
        """None: what is kept has not been read."""

    def read(self, open_sessions: Collection[str] = (), ignores: FileRule = lambda file, folder: False) -> RecordedHelp:
        """All sessions that are learned from, but for those that are being recorded.

        ignores: whether nothing is learned from a session of this file in this folder.
        """
        with self._lock:
            paths = [path for path in self._paths() if path.name not in open_sessions]
            entries = self._update(paths)
        recorded = [session for entry in entries.values() for session in entry.sessions]
        ignored = {session.id for session in recorded if ignores(session.file, session.folder)}
        sessions = {session.id: session for session in recorded if session.id not in ignored}
        linked = _each_decision_once(sessions, ignored | {path.name for path in paths if _is_excluded_folder(path)})
        return RecordedHelp(linked, sum(entry.unreadable for entry in entries.values()))

    def forget_removed(self) -> None:
        """Forgets, in the cache too, what is not in the folder any more."""
        with self._lock:
            names = {path.name for path in self._paths()}
            before = self._cached_entries()
            entries = {name: entry for name, entry in before.items() if name in names}
            if entries != before:
                self._entries = entries
                self._cache.write(entries)

    def _cached_entries(self) -> dict[str, HelpEntry]:
        if self._entries is None:
            self._entries = self._cache.read()
        return self._entries

    def _update(self, paths: Collection[Path]) -> dict[str, HelpEntry]:
        before = self._cached_entries()
        entries = {path.name: self._entry(path, before.get(path.name)) for path in paths}
        self._entries = entries
        if entries != before:
            self._cache.write(entries)
        return entries

    def _paths(self) -> list[Path]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if not path.name.startswith("."))
        except OSError:  # nothing was ever recorded
            return []
        return [path for path in paths if path.is_dir() or _is_recording(path)]

    def _entry(self, path: Path, cached: HelpEntry | None) -> HelpEntry:
        stamp = _stamp(path)
        if cached is not None and cached.stamp == stamp:
            return cached
        try:
            episodes, _ = read_episodes(path)
        except NotFoundError:  # nothing that is learned from
            return HelpEntry(stamp, (), unreadable=False)
        except InputError:
            return HelpEntry(stamp, (), unreadable=True)
        return HelpEntry(stamp, tuple(map(session_records, episodes)), unreadable=False)


def _is_recording(path: Path) -> bool:
    """Whether a file may hold sessions that are learned from; no pipe or device does, and reading one may never end."""
    return path.suffix in SUFFIXES and path.is_file() and not is_excluded(path)


def _each_decision_once(
    sessions: Mapping[str, SessionRecords], excluded: Collection[str]
) -> tuple[SessionRecords, ...]:
    """The sessions without what they copied of another of them, or of an excluded one."""
    sessions = _with_present_sources(sessions, excluded)
    sources = {session.id: session.source_episode for session in sessions.values()}
    return tuple(
        replace(
            session,
            records=_own_records(session, sessions, excluded),
            session=first_recording(session.id, sources),
        )
        for session in sessions.values()
    )


def _with_present_sources(
    sessions: Mapping[str, SessionRecords], excluded: Collection[str]
) -> dict[str, SessionRecords]:
    """The sessions; those whose source is absent have another one that begins as they do, if there is any."""
    beginnings = {name: _timed_records(session) for name, session in sessions.items()}
    sources = {name: session.source_episode for name, session in sessions.items()}
    origins = shared_beginnings(beginnings, sources, excluded)
    return dict(sessions) | {name: _from(sessions[name], origin) for name, origin in origins.items()}


def _from(session: SessionRecords, origin: SharedBeginning) -> SessionRecords:
    last = session.records[origin.length - 1].turn
    return replace(session, source_episode=origin.recording, source_timestep=last)


def _timed_records(session: SessionRecords) -> Iterator[object]:
    """What tells the first decisions from those of any other recording that did not copy them."""
    for record in session.records:
        if record.timestamp_ms is None or record.turn is None:
            return
        yield record.turn, record.timestamp_ms, record.decision


def _own_records(
    session: SessionRecords, sessions: Mapping[str, SessionRecords], excluded: Collection[str]
) -> tuple[HelpRecord, ...]:
    source = sessions.get(session.source_episode or "")
    if source is session or (source is None and session.source_episode not in excluded):
        return session.records
    turns = [record.turn for record in session.records if record.turn is not None]
    last = None if source is None else source.last_turn
    return session.records[copied_turns(turns, session.source_timestep, last) :]


def _is_excluded_folder(path: Path) -> bool:
    """Whether a folder is that of a session that the person leaves out of learning."""
    return exclusion_mark(path / f"{path.name}.json").exists()


def _stamp(path: Path) -> FileStamp:
    """Differs once a file of an entry is another, or has other content."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stamps = []
    for file in files:
        with suppress(OSError):
            status = file.stat()
            stamps.append((file.relative_to(path.parent).as_posix(), status.st_mtime_ns, status.st_size))
    return tuple(stamps)
