"""A session while it is recorded: the state that a decision is taken on, as training will read it later.

Attribution that follows lines and the history of earlier decisions come from the whole session, not from one message,
so whoever records follows it state by state. Not here: files.
"""

from __future__ import annotations

from collections import Counter
from copy import copy

from state import State

from .episode_builder import EpisodeBuilder
from .recorded_state import RecordedState
from .snapshot import SnapshotCache, parse_snapshot_state

MAX_PENDING = 64
"""States that are taken in before they are followed; a few are cheap to remember, and most are never asked for."""


class LiveEpisode:
    """The states of one session as they come. Remembers the latest ones only."""

    def __init__(self) -> None:
        self._builder = EpisodeBuilder(Counter(), silent="H", realign=True)
        self._pending: list[RecordedState] = []

    def add(self, value: object) -> None:
        """Takes a state as a stream has it; one of the turn that came last replaces that.

        An earlier turn that comes late changes no later state: only the finished recording has it in its place.
        Raises InputError: it is malformed.
        """
        record = parse_snapshot_state(value, "state", SnapshotCache())
        if not self._pending or record.state.t > self._pending[-1].state.t:
            self._pending.append(record)
        elif record.state.t == self._pending[-1].state.t:
            self._pending[-1] = record
        if len(self._pending) > MAX_PENDING:
            self._follow()

    def latest(self) -> State | None:
        """The state that came last; None: none has come."""
        if not self._pending:
            return None
        self._follow()
        builder = copy(self._builder)  # the latest may still be replaced
        return builder.add(self._pending[0]).state

    def _follow(self) -> None:
        """Hands on all but the latest."""
        for record in self._pending[:-1]:
            self._builder.add(record)
        del self._pending[:-1]
