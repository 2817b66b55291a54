"""The assistant's earlier decisions, as they were known at each state of a session. Not here: what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actions import Action
from line_tracking import retained_share
from state import State, history_after, with_reply


def attach(states: Sequence[State], actions: Sequence[Action | None]) -> tuple[State, ...]:
    """The states with their histories: what the first one brings along, then this session's decisions.

    `actions[i]` led to `states[i]`. What of a decision was kept is known from its reply on: a state never knows what
    came after it.
    """
    history = states[0].history or () if states else ()
    attached = []
    for i, (state, action) in enumerate(zip(states, actions, strict=True)):
        previous = actions[i - 1] if i > 1 else None
        if previous is not None and previous.agent == "A":
            history = with_reply(history, retained_share(previous.decision, states[i - 2], states[i - 1], state))
        if action is not None and action.agent == "A":
            history = history_after(history, states[i - 1].t, int(action.decision))
        attached.append(replace(state, history=history))
    return tuple(attached)
