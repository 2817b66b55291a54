"""Who acted between two states, and with which decision. Not here: formats."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from actions import Action, Agent, Decision
from state import T_LAST, UNEDITED, State

from .decision_inference import infer_decision
from .recorded_state import RecordedAction, RecordedState


def action_between(
    before: RecordedState, after: RecordedState, cursor: int, silent: Agent | None, *, infer_human: bool = True
) -> Action:
    """The action that led from one state to the next; its line may be outside the file (`within_file`).

    cursor: its last known line in `before`, -1: unknown. silent: who acted where the recording names nobody; None: the
    agent whose attribution changed. infer_human: whether a decision of the human that is not recorded is read off the
    texts; else it is a NO-OP.
    """
    recorded = _acting(after.led_to or before.next_action, before.state, after.state)
    if recorded is not None and recorded.action is not None:
        return recorded.action
    agent = recorded.agent if recorded else silent or whose_attribution_changed(before.state, after.state)
    if agent == "H" and not infer_human:
        return Action("H", Decision.NO_OP, -1, recorded=False)
    return Action(agent, *infer_decision(before.state.lines, after.state.lines, cursor), recorded=False)


def within_file(action: Action, lines: int) -> Action:
    """The action without a line (-1) where that is outside of the `lines` of the file that it was taken on."""
    if action.line >= lines:
        action = replace(action, line=-1)
    if action.withheld is not None and action.withheld.line >= lines:
        action = replace(action, withheld=replace(action.withheld, line=-1))
    return action


def _acting(parts: tuple[RecordedAction, ...], before: State, after: State) -> RecordedAction | None:
    """Who acted; of two that are named, the one who did something, else the one whose attribution changed."""
    if len(parts) < 2:
        return parts[0] if parts else None
    active = [part for part in parts if part.is_active]
    if len(active) == 1:
        return active[0]
    agent = whose_attribution_changed(before, after)
    return next(part for part in parts if part.agent == agent)


def whose_attribution_changed(before: State, after: State) -> Agent:
    """The agent whose attribution differs; both: the one with the later edit; neither: the human."""
    human = _latest_change(before.human, after.human)
    assistant = _latest_change(before.assistant, after.assistant)
    return "A" if assistant > human else "H"


def _latest_change(before: NDArray[np.int64], after: NDArray[np.int64]) -> int:
    """The latest turn among new edits; -1: edits only vanished, -2: nothing changed. Lines that move change nothing."""
    old, new = (Counter(map(tuple, rows.tolist())) for rows in (before, after))
    added, removed = new - old, old - new
    del added[UNEDITED], removed[UNEDITED]
    return max((edit[T_LAST] for edit in added), default=-1 if removed else -2)
