"""A session while it is recorded: the state that a decision is taken on, as training will read it later.

Attribution that follows lines and the history of earlier decisions come from the whole session, not from one message,
so whoever records follows it state by state. Not here: files.
"""

from __future__ import annotations

import threading
from collections import Counter
from copy import copy

from state import State

from .episode_builder import EpisodeBuilder, Step
from .recorded_state import RecordedState
from .rejected_texts import RejectedTexts
from .snapshot import SnapshotCache, parse_snapshot_state

MAX_PENDING = 64
"""States that are taken in before they are followed; a few are cheap to remember, and most are never asked for."""

_MAX_ENTRIES = 20_000


class LiveEpisode:
    """The states of one session as they come; for any number of threads. Remembers the latest ones only."""

    def __init__(self) -> None:
        self._builder = EpisodeBuilder(Counter(), silent="H", realign=True, infer_human=False)
        self._rejected = RejectedTexts()
        self._pending: list[RecordedState] = []
        self._cache = SnapshotCache()
        self._lock = threading.Lock()
        """Of what has been worked out."""
        self._pending_lock = threading.Lock()
        """Held for a moment only: whoever takes a state waits for nobody who works out what it means."""

    def add(self, value: object) -> None:
        """Takes a state as a stream has it. Raises InputError: it is malformed."""
        self.add_record(self.parse(value))
        if len(self._pending) > MAX_PENDING:
            self.follow()

    def parse(self, value: object) -> RecordedState:
        """The state in a message, which is not taken yet. For one thread.

        Parts of attribution that are the same objects as in an earlier message are parsed once. Raises InputError: it
        is malformed.
        """
        if len(self._cache.entries) > _MAX_ENTRIES:
            self._cache.entries.clear()
        return parse_snapshot_state(value, "state", SnapshotCache(entries=self._cache.entries))

    def add_record(self, record: RecordedState) -> None:
        """Takes a state, whose consequences are not worked out before anybody asks or `follow`s.

        One of the turn that came last replaces that. An earlier turn that comes late changes no later state: only the
        finished recording has it in its place.
        """
        with self._pending_lock:
            if not self._pending or record.state.t > self._pending[-1].state.t:
                self._pending.append(record)
            elif record.state.t == self._pending[-1].state.t:
                self._pending[-1] = record

    @property
    def pending(self) -> int:
        """States that are not followed yet; the latest one never is, as it may still be replaced."""
        return len(self._pending)

    def follow(self) -> None:
        """Works out what the states that have come mean; takes less than a millisecond for most of them."""
        with self._lock:
            self._follow()

    def latest(self) -> State | None:
        """The state that came last; None: none has come."""
        with self._lock:
            step = self._latest()
        return None if step is None else step.state

    def rejected_texts(self) -> tuple[str, ...]:
        """Texts of the assistant's that the human deleted or took back, the latest last."""
        with self._lock:
            step = self._latest()
            return () if step is None else self._rejected.after(step)

    def _latest(self) -> Step | None:
        record = self._follow()
        return None if record is None else copy(self._builder).add(record)  # the latest may still be replaced

    def _follow(self) -> RecordedState | None:
        """Hands on all but the latest, which it returns; None: none has come."""
        with self._pending_lock:
            earlier, latest = self._pending[:-1], self._pending[-1:]
            del self._pending[:-1]
        for record in earlier:
            self._rejected.add(self._builder.add(record))
        return latest[0] if latest else None
