"""An episode: the states of one session, who moved between them, and the transitions that learning sees.

Not here: reading files, deciding who moved, rewards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from actions import Decision
from line_tracking import taken_back_so_far
from state import Past, State, silence

Agent = Literal["H", "A"]
"""The human or the assistant."""


@dataclass(frozen=True, slots=True)
class Move:
    """What one agent did in one turn.

    line: from 0, in the file that the decision was taken on; -1: none.
    recorded: False if the decision was read off the difference of the two texts.
    probability, decision_probability: of the pair (decision, line) and of the decision, when it was taken; None:
    unknown. model: which model took it; None: unknown.
    """

    agent: Agent
    decision: Decision
    line: int
    recorded: bool
    probability: float | None = None
    decision_probability: float | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One decision of one agent: what it saw, what it did, what came of it.

    index: of `state` in the episode. next: the state that the decision led to. reply: the one after, None: there is
    none. last: the episode's last; there, `undone` is what the human's last edit of a line took back in whichever turn.
    streak: NO-OPs of this agent directly before, with those before the episode's first state that its history tells of.
    history: the assistant's earlier decisions as known at `state`.
    done: the agent never moves again.
    """

    agent: Agent
    index: int
    state: State
    decision: Decision
    line: int
    next: State
    reply: State | None
    last: State
    streak: int
    history: tuple[Past, ...] | None
    done: bool
    move: Move


@dataclass(frozen=True, slots=True)
class Episode:
    """One session. `moves[i]` led to `states[i]`; the first state has no predecessor, `moves[0]` is None.

    source: the file it was read from. cut_off: the recording ends before the session did.
    """

    id: str
    source: str
    problem_id: str | None
    states: tuple[State, ...]
    moves: tuple[Move | None, ...]
    cut_off: bool = False

    def transitions(self, agent: Agent) -> list[Transition]:
        """The agent's decisions in order, each paired with the state it was taken on."""
        own = [(i, move) for i, move in enumerate(self.moves) if move is not None and move.agent == agent]
        found = []
        streak = silence(self.states[0]) if agent == "A" else 0
        states = self._states_with_a_memory()
        for i, move in own:
            state = self.states[i - 1]
            found.append(
                Transition(
                    agent=agent,
                    index=i - 1,
                    state=state,
                    decision=move.decision,
                    line=move.line,
                    next=self.states[i],
                    reply=states[i + 1] if i + 1 < len(states) else None,
                    last=states[-1],
                    streak=streak,
                    history=state.history,
                    done=i == own[-1][0],
                    move=move,
                )
            )
            streak = streak + 1 if move.decision is Decision.NO_OP else 0
        return found

    def _states_with_a_memory(self) -> tuple[State, ...]:
        """The states; the last one knows what was taken back before its own turn, too."""
        undone = taken_back_so_far(self.states)
        if not undone or undone == self.states[-1].undone:
            return self.states
        return (*self.states[:-1], replace(self.states[-1], undone=undone))
