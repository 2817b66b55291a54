"""A session step by step: who wrote which line, what was decided, what it was worth. Not here: files, messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rewards
from actions import Action, protected_lines
from config import RewardWeights
from errors import InputError, NotFoundError
from line_tracking import line_edits
from rewards import Reward
from sessions.session_files import SessionFile, read_header
from state import T_LAST, Cursor, Env, State
from state_adapter import Episode, Transition, read_recording

MAX_SNAPSHOT_BYTES = 32 * 2**20
"""Of a snapshot that is read although there is a stream beside it."""

_NOBODY, _HUMAN, _ASSISTANT = range(3)
AUTHORS = ("", "H", "A")
"""By the bytes of `ReplayStep.authors`."""


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """A state of a session and what led to it.

    authors: for each line, an index of `AUTHORS`. action: None: it is the first. characters: those that are not blank
    and that the assistant's action wrote. reward: of the assistant's action. pasted: whether the human pasted much.
    """

    t: int
    timestamp_ms: int | None
    lines: tuple[str, ...]
    authors: bytes
    cursor: Cursor
    env: Env | None
    action: Action | None
    characters: int
    reward: Reward | None
    pasted: bool

    @property
    def text(self) -> str:
        """The file's text, lines ended by `\\n`."""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Replay:
    """A session, step by step. problem_id: as the recording has it."""

    problem_id: str | None
    steps: tuple[ReplayStep, ...]

    @classmethod
    def from_episode(cls, episode: Episode, weights: RewardWeights) -> Replay:
        """The replay of an episode, its rewards by `rewards.reward`. Raises InputError: a registered part fails."""
        transitions = episode.transitions("A") if episode.states else []
        by_index = {transition.index + 1: transition for transition in transitions}
        steps = []
        for i, (state, action) in enumerate(zip(episode.states, episode.actions, strict=True)):
            steps.append(_step(state, action, by_index.get(i), weights))
        return cls(episode.problem_id, tuple(steps))

    def characters(self) -> int:
        """Characters that the assistant wrote and the person replied to."""
        return sum(step.characters for step in self._replied())

    def retained(self) -> int:
        """Characters of these that stood at the person's reply."""
        return round(sum(step.characters * (_retained_share(step) or 0.0) for step in self._replied()))

    def _replied(self) -> Iterator[ReplayStep]:
        return (step for step in self.steps if _retained_share(step) is not None)


def read_replay(session: SessionFile, weights: RewardWeights) -> Replay:
    """The replay of a session. Raises InputError: it is damaged; NotFoundError: it is no longer there."""
    for index, episode in enumerate(read_recording(_smaller_file(session))):
        if index == session.index:
            if isinstance(episode, InputError):
                raise episode
            return Replay.from_episode(episode, weights)
    raise NotFoundError(f"session {session.id}", "is no longer there")


def _smaller_file(session: SessionFile) -> Path:
    """The file that learning reads; of a large one the stream that it was made of, where that is smaller.

    The recorder's snapshots repeat the attribution of every line in every state, so they are ten times as large.
    """
    stream, size = session.stream, session.stamp[1]
    if stream is None or size <= MAX_SNAPSHOT_BYTES or stream == session.path or not _is_of_same_session(session):
        return session.path
    return stream if stream.stat().st_size < size else session.path


def _is_of_same_session(session: SessionFile) -> bool:
    """Whether stream and snapshot begin with the same header."""
    headers = [read_header(path) for path in (session.path, session.stream) if path is not None]
    return headers[0].get("episode_id") == headers[-1].get("episode_id") and "startTime" in headers[0]


def _step(state: State, action: Action | None, transition: Transition | None, weights: RewardWeights) -> ReplayStep:
    reward = None if transition is None else rewards.reward(transition, weights)
    return ReplayStep(
        state.t,
        state.timestamp_ms,
        state.lines,
        _authors(state),
        state.cursor,
        state.env,
        action,
        _written_characters(transition.state, state) if transition is not None else 0,
        reward,
        bool(state.pasted),
    )


def _authors(state: State) -> bytes:
    """Who changed each line last; what was there at the start is nobody's."""
    human, assistant = state.human[:, T_LAST], state.assistant[:, T_LAST]
    untouched = (np.maximum(human, assistant) < 0) | (protected_lines(state.human) & (assistant < 0))
    authors = np.where(assistant > human, _ASSISTANT, _HUMAN)
    return np.where(untouched, _NOBODY, authors).astype(np.uint8).tobytes()


def _written_characters(before: State, after: State) -> int:
    if before.lines == after.lines:
        return 0
    return sum(edit.characters for edit in line_edits(before.lines, after.lines))


def _retained_share(step: ReplayStep) -> float | None:
    return None if step.reward is None else step.reward.retention.retained
