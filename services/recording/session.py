"""One open session: what has been recorded of it, as far as its next messages need it. Not here: files, HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from actions import Action
from errors import ConflictError
from services.recording.append_log import LogFile

RECENT_DECISIONS = 32
"""Decisions that wait for the state that carries them out; older ones were never carried out."""


class MissingChangesError(ConflictError):
    """Changes came whose predecessors did not; `next` is the number that is expected."""

    def __init__(self, following: int) -> None:
        super().__init__("changes", f"the next one expected is number {following}")
        self.next = following


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was answered: on which text, and what it was."""

    text: bytes
    action: Action


@dataclass(slots=True)
class Session:
    """An open session. digests: of the latest content of each timestep. next_change: number of the next keystroke."""

    id: str
    stream: LogFile
    problem_id: str | None
    changes: LogFile | None = None
    next_change: int = 0
    changes_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    digests: dict[int, bytes] = field(default_factory=dict)
    last_text: bytes = b""
    decisions: OrderedDict[str, Decided] = field(default_factory=OrderedDict)

    def is_repetition(self, timestep: int, content: bytes) -> bool:
        """Whether this very content is the latest of its timestep."""
        return self.digests.get(timestep) == digest(content)

    def add_state(self, timestep: int, content: bytes, text: str) -> None:
        """Notes what is on the disk."""
        self.digests[timestep] = digest(content)
        self.last_text = digest(text.encode("utf-8", "surrogatepass"))

    def note_decision(self, request_id: str, text: str, action: Action) -> None:
        """Keeps what was decided until a state carries it."""
        self.decisions[request_id] = Decided(digest(text.encode("utf-8", "surrogatepass")), action)
        while len(self.decisions) > RECENT_DECISIONS:
            self.decisions.popitem(last=False)

    def decision_of(self, request_id: str | None, decision: int, line: int) -> Action | None:
        """The answer that a state's action carries out: by its id, else the last one on the previous state's text.

        line: from 0, -1: none.
        """
        if request_id is not None and request_id in self.decisions:
            return self.decisions[request_id].action
        for decided in reversed(self.decisions.values()):
            action = decided.action
            if decided.text == self.last_text and (int(action.decision), action.line) == (decision, line):
                return action
        return None


def digest(content: bytes) -> bytes:
    """Tells contents apart."""
    return hashlib.blake2b(content, digest_size=16).digest()
