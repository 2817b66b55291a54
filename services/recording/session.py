"""One open session: what has been recorded of it, as far as its next messages need it. Not here: files, HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from actions import Action
from errors import ConflictError
from services.messages.messages import MalformedError
from services.recording.append_log import LogFile
from state_adapter import ACTIVITY, CHANGES, LiveEpisode

RECENT_DECISIONS = 32
"""Decisions that wait for the state that carries them out; older ones were never carried out."""

_MAX_ENTRIES = 10_000
"""Attribution entries that are remembered, so that those that repeat are read once."""


class MissingEntriesError(ConflictError):
    """Changes or events came whose predecessors did not; `next` is the number that is expected."""

    def __init__(self, member: str, following: int) -> None:
        super().__init__(member, f"the next one expected is number {following}")
        self.next = following


@dataclass(frozen=True, slots=True)
class AnsweredDecision:
    """A decision that was answered: on which text, what it was, and the `(type, line from 1)` that the client got.

    The two differ where there was nothing to show: then the client got a NO-OP. milliseconds: that each stage took.
    """

    text: bytes
    action: Action
    answered: tuple[int, int]
    milliseconds: Mapping[str, float]


@dataclass(slots=True)
class NumberedLog:
    """A file beside the stream whose entries are numbered, so that they can be sent again: keystrokes, activity.

    path: made with the first entry. member: of a batch's line that holds the entries. next: number of the next entry.
    """

    path: Path
    member: str
    file: LogFile | None = None
    next: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    closed: bool = False

    def close(self) -> None:
        """Takes no more entries; what waits for the lock is refused."""
        self.closed = True
        if self.file is not None:
            self.file.close()


@dataclass(slots=True)
class Session:
    """An open session. file: path of the person's file that is edited, from `folder` on, which is a whole path.

    idempotency_key: by which its client asked for it. last_message: when it came, monotonic. copied_states: with which
    it began.
    """

    id: str
    stream: LogFile
    problem_id: str | None
    file: str | None = None
    folder: str | None = None
    idempotency_key: str | None = None
    last_message: float = 0.0
    copied_states: int = 0
    changes: NumberedLog = field(init=False)
    activity: NumberedLog = field(init=False)
    live: LiveEpisode = field(default_factory=LiveEpisode)
    following: asyncio.Future[None] | None = None
    """Works out what the states mean, in a thread."""
    _contents: dict[int, bytes] = field(default_factory=dict)
    _texts: dict[int, bytes] = field(default_factory=dict)
    _timesteps: list[int] = field(default_factory=list)
    _decisions: OrderedDict[str, AnsweredDecision] = field(default_factory=OrderedDict)
    _carried_out: dict[str, int] = field(default_factory=dict)
    """By the answer's id: timestep of the state that carried it out."""
    _entries: dict[bytes, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.changes = NumberedLog(self.stream.path.with_name(CHANGES), "changes")
        self.activity = NumberedLog(self.stream.path.with_name(ACTIVITY), "events")

    @property
    def latest_timestep(self) -> int | None:
        """Of the states that are on the disk; None: there are none."""
        return self._timesteps[-1] if self._timesteps else None

    @property
    def state_count(self) -> int:
        """States that are on the disk."""
        return len(self._timesteps)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing came since it began."""
        return self.state_count == self.copied_states and all(log.next == 0 for log in self.logs)

    @property
    def logs(self) -> tuple[NumberedLog, ...]:
        """The files beside the stream."""
        return self.changes, self.activity

    def is_repetition(self, timestep: int, content: bytes) -> bool:
        """Whether the content of this digest is the latest of its timestep."""
        return self._contents.get(timestep) == content

    def note_state(self, timestep: int, content: bytes, text: bytes) -> None:
        """Notes what is on the disk. content, text: their digests."""
        if timestep not in self._contents:
            insort(self._timesteps, timestep)
        self._contents[timestep], self._texts[timestep] = content, text

    def note_decision(self, request_id: str, decision: AnsweredDecision) -> None:
        """Keeps what was decided until a state carries it."""
        self._decisions[request_id] = decision
        while len(self._decisions) > RECENT_DECISIONS:
            oldest, _ = self._decisions.popitem(last=False)
            self._carried_out.pop(oldest, None)

    def decision_of(self, request_id: object, timestep: int, action: tuple[int, int]) -> AnsweredDecision | None:
        """The decision that a state's action `(type, line from 1)` carries out.

        By the answer's id, else the latest answer to the text of the state before that is this action and was carried
        out by no other state.
        """
        is_named = isinstance(request_id, str) and request_id in self._decisions
        answer_id = str(request_id) if is_named else self._answer_to(timestep, action)
        if answer_id is None:
            return None
        self._carried_out[answer_id] = timestep
        return self._decisions[answer_id]

    def _answer_to(self, timestep: int, action: tuple[int, int]) -> str | None:
        """The id of that answer."""
        before = bisect_left(self._timesteps, timestep) - 1
        if before < 0:
            return None
        text = self._texts[self._timesteps[before]]
        for answer_id, decision in reversed(self._decisions.items()):
            is_free = self._carried_out.get(answer_id, timestep) == timestep
            is_this = _without_line_of_no_op(decision.answered) == _without_line_of_no_op(action)
            if is_free and is_this and decision.text == text:
                return answer_id
        return None

    def parsed_attribution(self, attribution: Sequence[object]) -> list[Any]:
        """The entries of a message, of equal ones the same object."""
        if len(self._entries) > _MAX_ENTRIES:
            self._entries.clear()
        return [self._entry(bytes(entry)) if isinstance(entry, msgspec.Raw) else entry for entry in attribution]

    def _entry(self, content: bytes) -> Any:
        entry = self._entries.get(content)
        if entry is None:
            try:
                entry = self._entries[content] = msgspec.json.decode(content)
            except (ValueError, RecursionError) as error:  # of a number or a text only now looked at
                raise MalformedError("attribution", f"an entry is no JSON: {error}") from None
        return entry


def _without_line_of_no_op(action: tuple[int, int]) -> tuple[int, int]:
    return action if action[0] else (0, 0)


def digest(*parts: str | bytes) -> bytes:
    """Tells contents apart."""
    hashing = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hashing.update(len(content).to_bytes(8, "big"))
        hashing.update(content)
    return hashing.digest()
