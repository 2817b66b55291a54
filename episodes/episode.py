"""An episode: the states of one session, who moved between them, and the transitions that learning sees.

Not here: reading files, deciding who moved, rewards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from actions import Action, Agent, Decision
from line_tracking import undone_so_far
from state import PastDecision, State, noop_streak


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
    history: tuple[PastDecision, ...] | None
    done: bool
    action: Action


@dataclass(frozen=True, slots=True)
class Episode:
    """One session. `actions[i]` led to `states[i]`; the first state has no predecessor, `actions[0]` is None.

    source: the file it was read from. cut_off: the recording ends before the session did. file: path of the person's
    file that was edited, from `folder` on, which is a whole path; None: a problem, or not recorded.
    source_episode: id of the recording that it goes on from, whose states up to turn `source_timestep` (None: all) come
    first; None: it begins anew. copied: how many of them another episode of the same set has too (`continuations`).
    first_recording: id of the recording with which the session began, if it is in the set; None: this one.
    """

    id: str
    source: str
    problem_id: str | None
    states: tuple[State, ...]
    actions: tuple[Action | None, ...]
    cut_off: bool = False
    file: str | None = None
    source_episode: str | None = None
    source_timestep: int | None = None
    copied: int = 0
    first_recording: str | None = None
    folder: str | None = None

    @property
    def session(self) -> str:
        """Names the session that this is a recording of: what must not be learned from and held out at once."""
        return self.first_recording or self.id

    def transitions(self, agent: Agent) -> list[Transition]:
        """The agent's decisions in order, each paired with the state it was taken on.

        Those that led to copied states are the other episode's; they only enter the history and the streak.
        """
        turns = [(i, action) for i, action in enumerate(self.actions) if action is not None and action.agent == agent]
        transitions = []
        streak = noop_streak(self.states[0]) if agent == "A" else 0
        states = self._states_with_all_undone()
        for i, action in turns:
            state = self.states[i - 1]
            if i >= self.copied:
                transitions.append(
                    Transition(
                        agent=agent,
                        index=i - 1,
                        state=state,
                        decision=action.decision,
                        line=action.line,
                        next=self.states[i],
                        reply=states[i + 1] if i + 1 < len(states) else None,
                        last=states[-1],
                        streak=streak,
                        history=state.history,
                        done=i == turns[-1][0],
                        action=action,
                    )
                )
            streak = streak + 1 if action.decision is Decision.NO_OP else 0
        return transitions

    def without_pastes(self) -> Episode:
        """The same episode, its large pastes taken for typing."""
        if not any(state.pasted for state in self.states):
            return self
        states = tuple(replace(state, pasted=frozenset()) if state.pasted else state for state in self.states)
        return replace(self, states=states)

    def _states_with_all_undone(self) -> tuple[State, ...]:
        """The states; the last one knows what was taken back before its own turn, too."""
        undone = undone_so_far(self.states)
        if not undone or undone == self.states[-1].undone:
            return self.states
        return (*self.states[:-1], replace(self.states[-1], undone=undone))
