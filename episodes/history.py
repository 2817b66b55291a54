"""The assistant's earlier decisions, as they were known at each state of a session. Not here: what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actions import Action, Decision
from line_tracking import retained_share
from state import HISTORY_LENGTH, PastDecision, State


def attach(states: Sequence[State], actions: Sequence[Action | None]) -> tuple[State, ...]:
    """The states with their histories: what the first one brings along, then this session's decisions.

    `actions[i]` led to `states[i]`. What of a decision was kept is known from its reply on: a state never knows what
    came after it.
    """
    past = states[0].history or () if states else ()
    attached = []
    for i, state in enumerate(states):
        if i > 1 and _by_assistant(actions[i - 1]):
            past = (*past[:-1], replace(past[-1], kept=_kept(actions[i - 1], states[i - 2], states[i - 1], state)))
        if (action := actions[i]) and _by_assistant(action):
            past = (*past, PastDecision(states[i - 1].t, int(action.decision), None))[-HISTORY_LENGTH:]
        attached.append(replace(state, history=past))
    return tuple(attached)


def _by_assistant(action: Action | None) -> bool:
    return action is not None and action.agent == "A"


def _kept(action: Action | None, state: State, after: State, reply: State) -> float | None:
    """The share of what a decision wrote that stands at its reply; None: it wrote nothing."""
    if action is None or action.decision is Decision.NO_OP:
        return None
    return retained_share(state, after, reply)
