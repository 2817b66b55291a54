"""Lets a writer in this process read the file while the person types, between their requests for help.

Keystrokes say what the file is now; from a posted state on they are followed as long as they lead to the next ones.
Not here: reading (`delegates.gguf`), recording.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor

from services.assistance.assistance import Assistance
from services.assistance.session_help import SessionHelp
from services.failure_log import FailureLog
from services.messages.messages import Change
from state import Cursor, State, unedited

MOST_CHARACTERS = 1_000_000
"""Of a file that is followed."""

_MOST_EXPECTED = 4
"""Posted texts to which the keystrokes may still lead: they are sent later than the states that follow from them."""

_MOST_PENDING = 10_000


class TypedText:
    """A file as the keystrokes since a posted state leave it. For any number of threads. text: None: not known."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.offset = 0
        self._next_change: int | None = None
        self._expected: deque[str] = deque()
        self._pending: deque[str | Change] = deque()
        self._lock = threading.Lock()
        self._is_followed = False
        self._turn = threading.Lock()
        """Of the one before."""

    def note_state(self, text: str) -> None:
        """Takes a state that was posted."""
        self._pending.append(text)

    def note_changes(self, first: int, changes: Sequence[Change]) -> None:
        """Takes recorded keystrokes, of which `first` is the number of the first one, each once."""
        start = first if self._next_change is None else self._next_change
        self._pending.extend(changes[max(start - first, 0) :])
        self._next_change = max(start, first + len(changes))

    def begin_following(self) -> bool:
        """Whether nobody works out what was taken; from now on the caller does, as long as `goes_on`."""
        with self._turn:
            is_free, self._is_followed = not self._is_followed, True
        return is_free

    def goes_on(self) -> bool:
        """Whether something was taken that is not worked out; if not, whoever did that has ended."""
        with self._turn:
            self._is_followed = bool(self._pending)
            return self._is_followed

    def end_following(self) -> None:
        """Whoever worked it out has ended, whatever is left."""
        with self._turn:
            self._is_followed = False

    def follow(self) -> bool:
        """Works out what has been taken; says whether the person typed."""
        has_typed = False
        with self._lock:
            if len(self._pending) > _MOST_PENDING:
                self._forget()
            for _ in range(len(self._pending)):
                event = self._pending.popleft()
                if isinstance(event, str):
                    self._compare(event)
                elif self.text is not None:
                    self._apply(event)
                    has_typed = True
        return has_typed

    def state(self) -> State | None:
        """The file with the cursor behind the latest keystroke."""
        with self._lock:
            if self.text is None:
                return None
            lines = tuple(line.removesuffix("\r") for line in self.text.split("\n"))
            before = self.text[: self.offset].split("\n")
        cursor = Cursor(True, len(before) - 1, min(len(before[-1]), len(lines[len(before) - 1])), 0)
        return State(lines, 0, unedited(len(lines)), unedited(len(lines)), cursor, last_known_line=cursor.line)

    def _compare(self, text: str) -> None:
        """Begins with a posted text, or goes on to the next."""
        if len(text) > MOST_CHARACTERS or len(self._expected) >= _MOST_EXPECTED:
            self._forget()  # keystrokes are not all that changes this file
        elif self.text is None:
            self.text, self.offset = text, len(text)
        elif text != self.text:
            self._expected.append(text)

    def _apply(self, change: Change) -> None:
        assert self.text is not None
        _, position, deleted, inserted, _ = change
        if position + deleted > len(self.text):
            self._forget()
            return
        self.text = self.text[:position] + inserted + self.text[position + deleted :]
        self.offset = position + len(inserted)
        if self.text in self._expected:
            while self._expected.popleft() != self.text:
                pass

    def _forget(self) -> None:
        self.text = None
        self._expected.clear()


class ReadingAhead:
    """Follows the open sessions while their writer reads ahead.

    executor: in which it is worked out. failures: where unexpected errors are noted.
    """

    def __init__(self, assistance: Assistance, sessions: SessionHelp, executor: Executor, failures: FailureLog) -> None:
        self._assistance, self._sessions, self._executor = assistance, sessions, executor
        self._failures = failures
        self._typed: dict[str, TypedText] = {}

    def note_state(self, episode_id: str, text: str) -> None:
        """Takes a state that was recorded."""
        if not self._assistance.reads_ahead:
            return
        if episode_id not in self._typed:
            still_open = set(self._sessions.recorder.open_sessions())
            self._typed = {session_id: typed for session_id, typed in self._typed.items() if session_id in still_open}
            self._typed[episode_id] = TypedText()
        typed = self._typed[episode_id]
        typed.note_state(text)
        self._follow(episode_id, typed)

    def note_changes(self, episode_id: str, first: int, changes: Sequence[Change]) -> None:
        """Takes keystrokes that were recorded; returns at once."""
        if (typed := self._typed.get(episode_id)) is not None:
            typed.note_changes(first, changes)
            self._follow(episode_id, typed)

    def _follow(self, episode_id: str, typed: TypedText) -> None:
        if typed.begin_following():
            self._executor.submit(self._read, episode_id, typed)

    def _read(self, episode_id: str, typed: TypedText) -> None:
        try:
            while typed.goes_on():
                if not typed.follow() or (state := typed.state()) is None:
                    continue
                if self._sessions.refusal(episode_id, state.lines[0]) is None:
                    self._assistance.read_ahead(state, self._sessions.context(episode_id))
        except Exception as error:
            typed.end_following()
            self._failures.add(error, "none", "reading ahead")
