"""Who moved between two states, and with which decision. Not here: formats."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from actions import Action, Agent, Decision
from errors import InputError
from state import T_LAST, UNEDITED, State

from .decision_inference import infer_decision
from .recorded_state import Named, RecordedState
from .validation import place_text


def action_between(before: RecordedState, after: RecordedState, cursor: int, silent: Agent | None) -> Action:
    """The move that led from one state to the next.

    cursor: its last known line in `before`, -1: unknown. silent: who moved where the recording names nobody; None: the
    agent whose attribution changed. Raises InputError: the recorded line is outside the file it was taken on.
    """
    named = _mover(after.led_to or before.taken, before.state, after.state)
    if named is None:
        agent = silent or whose_attribution_changed(before.state, after.state)
        return Action(agent, *infer_decision(before.state.lines, after.state.lines, cursor), recorded=False)
    if named.decision is None:
        return Action(named.agent, *infer_decision(before.state.lines, after.state.lines, cursor), recorded=False)
    if named.line >= len(before.state):
        raise InputError(
            place_text((named.place, "line")),
            f"is line {named.line + 1} of a file of {len(before.state)} (counted from 1); expected a line of the file "
            "that the decision was taken on",
        )
    return Action(
        named.agent,
        named.decision,
        named.line,
        recorded=True,
        probability=named.probability,
        decision_probability=named.decision_probability,
        model=named.model,
    )


def _mover(named: tuple[Named, ...], before: State, after: State) -> Named | None:
    """The one who moved; of two that are named, the one who did something, else the one whose attribution changed."""
    if len(named) < 2:
        return named[0] if named else None
    active = [one for one in named if one.decision not in (None, Decision.NO_OP)]
    if len(active) == 1:
        return active[0]
    agent = whose_attribution_changed(before, after)
    return next(one for one in named if one.agent == agent)


def whose_attribution_changed(before: State, after: State) -> Agent:
    """The agent whose attribution differs; both: the one with the later edit; neither: the human."""
    human = _latest_change(before.human, after.human)
    assistant = _latest_change(before.assistant, after.assistant)
    return "A" if assistant > human else "H"


def _latest_change(before: NDArray[np.int64], after: NDArray[np.int64]) -> int:
    """The latest turn among new edits; -1: edits only went, -2: nothing changed. Lines that move change nothing."""
    old, new = (Counter(map(tuple, rows.tolist())) for rows in (before, after))
    came, went = new - old, old - new
    del came[UNEDITED], went[UNEDITED]
    return max((edit[T_LAST] for edit in came), default=-1 if went else -2)
