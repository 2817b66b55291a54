"""From recorded states to an episode: order, who moved, line-aligned attribution, history. Not here: formats, files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from actions import Action, Agent
from line_tracking import carry_attribution
from state import State

from .action_attribution import action_between, within_file
from .episode import Episode
from .history import attach
from .recorded_state import RecordedState

OUT_OF_ORDER = "episodes with states out of order"
LINE_OUTSIDE = "decisions at a line outside their file, whose line is taken as unknown"
SAME_TURN = "states replaced by a later one of the same timestep"


def assemble(
    recorded: Sequence[RecordedState],
    repaired: Counter[str],
    *,
    episode_id: str,
    source: str,
    problem_id: str | None = None,
    cut_off: bool = False,
    silent: Agent | None = None,
    realign: bool = False,
) -> Episode:
    """The episode that recorded states make up; `repaired` is counted up.

    silent: who moved where the recording names nobody; None: the agent whose attribution changed. realign: compute
    attribution from the texts, line-aligned, beginning with the first state's; else each state's is taken as it is.
    """
    ordered = _in_order(recorded)
    states: list[State] = []
    actions: list[Action | None] = []
    for i, record in enumerate(ordered):
        state, action = record.state, None
        if i:
            before = states[-1]
            if state.last_known_line < 0 <= before.last_known_line:
                state = replace(state, last_known_line=before.last_known_line)
            recorded_action = action_between(ordered[i - 1], record, before.last_known_line, silent)
            action = within_file(recorded_action, len(before))
            if action is not recorded_action:
                repaired[LINE_OUTSIDE] += 1
            if action.agent == "H":
                state = _undone(before, state, record)
            if realign:
                state = _realigned(before, state, action.agent)
        states.append(state)
        actions.append(action)
    turns = [record.state.t for record in recorded]
    if turns != sorted(turns):
        repaired[OUT_OF_ORDER] += 1
    if len(states) < len(turns):
        repaired[SAME_TURN] += len(turns) - len(states)
    return Episode(episode_id, source, problem_id, attach(states, actions), tuple(actions), cut_off)


def _in_order(recorded: Sequence[RecordedState]) -> list[RecordedState]:
    """By timestep; of several with the same, the last."""
    latest = {record.state.t: record for record in recorded}
    return [latest[t] for t in sorted(latest)]


def _undone(before: State, state: State, record: RecordedState) -> State:
    """With the undos whose turn is that of the state they were made on, unless they had led to that one."""
    lines = [line for line, turn in record.undos.items() if turn == before.t]
    return state if not lines or before.undone else replace(state, undone=state.undone.union(lines))


def _realigned(before: State, state: State, mover: Agent) -> State:
    if state.lines == before.lines:
        human, assistant = before.human, before.assistant
    else:
        human, assistant = carry_attribution(before, state.lines, mover, state.t)
    return replace(state, human=human, assistant=assistant)
