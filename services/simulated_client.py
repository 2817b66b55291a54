"""A simulated person who solves a problem through HTTP, in the page's role.

They post what the page would: their state after each turn, a request for help, the assistant's state, their reply. Not
here: who they are (`simulation`), the server, many at once (`simulated_sessions`).
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from actions import Action, Decision
from alignment import strip_line_end
from errors import InputError
from judge import Problem
from line_tracking import carry_attribution
from simulation.goal import Goal
from simulation.person import Person, Turn, draw_reply
from simulation.rollout import ASSISTANT_TURN_MS, HUMAN_TURN_MS
from simulation.sessions import MAX_ROUNDS, ROUNDS_AFTER_GOAL, first_state
from state import Cursor, State
from state_adapter import recorded_state

BACKEND = "/api/backend"
REQUEST_SECONDS = 60.0


class BackendClient:
    """Requests to a service on this machine, over one connection; for one thread. prefix: of the service."""

    def __init__(self, host: str, port: int, prefix: str = BACKEND) -> None:
        self._prefix = prefix
        self._connection = http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)

    def post(self, path: str, body: object) -> dict[str, Any]:
        """The answer's object. Raises InputError: it is refused, or nobody answers."""
        where = f"POST {self._prefix}{path}"
        try:
            self._connection.request(
                "POST", self._prefix + path, json.dumps(body), {"Content-Type": "application/json"}
            )
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise InputError(where, f"was not answered: {type(error).__name__}: {error}") from error
        if response.status != http.client.OK:
            raise InputError(where, f"was answered by {response.status}: {content[:500]!r}")
        answer: dict[str, Any] = json.loads(content)
        return answer

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """Who solves what. seed: of all that the person leaves to chance."""

    person: Person
    problem: Problem
    seed: str


def play_session(client: BackendClient, session: SimulatedSession, is_stopped: Callable[[], bool]) -> str:
    """Plays a whole session, or until `is_stopped`; it is ended either way. Returns its id. Raises InputError."""
    answer = client.post("/episodes/start?simulation=true", {"problem_id": session.problem.id})
    episode_id: str = answer["episode_id"]
    try:
        player = _Player(client, episode_id, session)
        player.reply()
        for _ in range(MAX_ROUNDS):
            if is_stopped() or player.rounds_since_goal >= ROUNDS_AFTER_GOAL:
                break
            player.ask_for_help()
            player.reply()
    finally:
        client.post(f"/episodes/{episode_id}/end", {})
    return episode_id


class _Player:
    """A person in a session. rounds_since_goal: -1: the goal is not reached yet."""

    def __init__(self, client: BackendClient, episode_id: str, session: SimulatedSession) -> None:
        self._client, self._episode_id = client, episode_id
        self._person, self._goal = session.person, Goal.from_problem(session.problem)
        self._random = Random(session.seed)
        self._state = first_state(session.problem)
        self._before: State | None = None
        self._action: Action | None = None
        self.rounds_since_goal = -1

    def reply(self) -> None:
        """The person's turn."""
        turn = Turn(self._state, self._goal, self._before, self._action)
        policy = self._person.policy
        pairs = None if policy is None else policy.pair_probabilities([self._state])[0]
        self._post(
            draw_reply(self._person, turn, pairs, self._random).state, self._random.randint(*HUMAN_TURN_MS), None
        )
        if self.rounds_since_goal >= 0:
            self.rounds_since_goal += 1
        elif self._goal.progress(self._state.lines).done:
            self.rounds_since_goal = 0

    def ask_for_help(self) -> None:
        """The assistant's turn: what it answers is put into the file and recorded."""
        state = self._state
        answer = self._client.post("/inference", self._inference_request())
        metadata = answer["metadata"]
        kind, line = metadata["action"]
        decision = Decision(kind)
        self._before = state
        self._action = Action("A", decision, -1 if decision is Decision.NO_OP else line - 1)
        lines = tuple(metadata["new_text"].split("\n")) if answer["unified_diff"] else state.lines
        part = {"type": kind, "line": line, "request_id": metadata["request_id"]}
        self._post(state_after_help(state, lines), ASSISTANT_TURN_MS, {"H": None, "A": part})

    def _inference_request(self) -> dict[str, object]:
        state = self._state
        message = recorded_state(self._episode_id, state, None)
        return {
            "episode_id": self._episode_id,
            "text": message["text"],
            "timestep": state.t,
            "attribution": message["attribution"],
            "context": {"file_type": "python", "file_length": len(state), "cursorOffset": cursor_offset(state)},
        }

    def _post(self, after: State, milliseconds: int, action: dict[str, object] | None) -> None:
        """Records the state that a turn led to, on the session's own clock."""
        state = replace(after, timestamp_ms=(self._state.timestamp_ms or 0) + milliseconds)
        message = {**recorded_state(self._episode_id, state, None), "action": action}
        self._client.post(f"/episodes/{self._episode_id}/state", message)
        self._state = state


def state_after_help(state: State, lines: tuple[str, ...]) -> State:
    """The state after the assistant turned the text into `lines`: the cursor is off, its line is followed."""
    t = state.t + 1
    human, assistant = (
        carry_attribution(state, lines, "A", t) if lines != state.lines else (state.human, state.assistant)
    )
    seen = state.cursor.line if state.cursor.on else state.last_known_line
    return replace(
        state,
        lines=lines,
        t=t,
        human=human,
        assistant=assistant,
        cursor=Cursor(),
        env=None,
        last_known_line=_moved(seen, state.lines, lines),
        undone=frozenset(),
    )


def _moved(line: int, old: tuple[str, ...], new: tuple[str, ...]) -> int:
    """Where a line is once `old` has become `new`: behind what was changed it moves along."""
    kept_before = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    grown = len(new) - len(old)
    return min(line if line <= kept_before else line + grown, len(new) - 1)


def cursor_offset(state: State) -> int:
    """Characters before the cursor; where it was last seen, at the end of that line."""
    line = min(state.cursor.line if state.cursor.on else state.last_known_line, len(state) - 1)
    if line < 0:
        return 0
    text = strip_line_end(state.lines[line])
    column = min(state.cursor.char, len(text)) if state.cursor.on else len(text)
    return sum(len(previous) + 1 for previous in state.lines[:line]) + column
