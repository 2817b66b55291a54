"""From recorded states to an episode: order, who moved, line-aligned attribution, history. Not here: formats, files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from actions import Action, Agent
from line_tracking import carry_attribution, retained_share
from state import PastDecision, State, history_after, with_reply

from .action_attribution import action_between, within_file
from .episode import Episode
from .recorded_state import RecordedState

OUT_OF_ORDER = "episodes with states out of order"
LINE_OUTSIDE = "decisions at a line outside their file, whose line is taken as unknown"
SAME_TURN = "states replaced by a later one of the same timestep"


class Origin(NamedTuple):
    """The recording that an episode goes on from, up to a turn (None: all of it); `episode` None: it begins anew."""

    episode: str | None = None
    timestep: int | None = None


NO_ORIGIN = Origin()


def assemble(
    recorded: Sequence[RecordedState],
    repaired: Counter[str],
    *,
    episode_id: str,
    source: str,
    problem_id: str | None = None,
    file: str | None = None,
    folder: str | None = None,
    origin: Origin = NO_ORIGIN,
    cut_off: bool = False,
    silent: Agent | None = None,
    realign: bool = False,
) -> Episode:
    """The episode that recorded states make up; `repaired` is counted up.

    origin: the recording that it goes on from.
    silent: who moved where the recording names nobody; None: the agent whose attribution changed. realign: compute
    attribution from the texts, line-aligned, beginning with the first state's; else each state's is taken as it is.
    """
    builder = EpisodeBuilder(repaired, silent=silent, realign=realign)
    steps = [builder.add(record) for record in _in_order(recorded)]
    turns = [record.state.t for record in recorded]
    if turns != sorted(turns):
        repaired[OUT_OF_ORDER] += 1
    if len(steps) < len(turns):
        repaired[SAME_TURN] += len(turns) - len(steps)
    states, actions = tuple(step.state for step in steps), tuple(step.action for step in steps)
    return Episode(
        id=episode_id,
        source=source,
        problem_id=problem_id,
        states=states,
        actions=actions,
        cut_off=cut_off,
        file=file,
        source_episode=origin.episode,
        source_timestep=origin.timestep,
        folder=folder,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """A state of an episode and the action that led to it; None: it is the first."""

    state: State
    action: Action | None


class EpisodeBuilder:
    """An episode state by state, each as it is known when it comes; only the latest ones are remembered.

    Arguments as for `assemble`. infer_human: whether decisions of the human that are not recorded are read off the
    texts, which takes longer than all the rest; else they are a NO-OP that is not recorded.
    """

    def __init__(
        self, repaired: Counter[str], *, silent: Agent | None = None, realign: bool = False, infer_human: bool = True
    ) -> None:
        self._repaired, self._silent, self._realign = repaired, silent, realign
        self._infer_human = infer_human
        self._record: RecordedState | None = None
        self._steps: tuple[Step, ...] = ()
        """The two latest."""

    def add(self, record: RecordedState) -> Step:
        """The next state, later than all before, with its line-aligned attribution, the action that led to it and the
        history of what came before.
        """
        state, action, history = record.state, None, record.state.history or ()
        if self._steps and self._record is not None:
            before = self._steps[-1].state
            if state.last_known_line < 0 <= before.last_known_line:
                state = replace(state, last_known_line=before.last_known_line)
            recorded_action = action_between(
                self._record, record, before.last_known_line, self._silent, infer_human=self._infer_human
            )
            action = within_file(recorded_action, len(before))
            if action is not recorded_action:
                self._repaired[LINE_OUTSIDE] += 1
            if action.agent == "H":
                state = _with_earlier_flags(before, state, record)
            if self._realign:
                state = _realigned(before, state, action.agent)
            history = next_history(self._steps, state, action)
        step = Step(replace(state, history=history), action)
        self._record, self._steps = record, (*self._steps[-1:], step)
        return step


def next_history(steps: Sequence[Step], state: State, action: Action) -> tuple[PastDecision, ...]:
    """What is known at `state`, to which `action` led, of the assistant's earlier decisions.

    steps: the two latest before it, or the only one. What of a decision was kept is known from its reply on: a state
    never knows what came after it.
    """
    history = steps[-1].state.history or ()
    reply_to = steps[-1].action
    if reply_to is not None and reply_to.agent == "A":
        history = with_reply(history, retained_share(reply_to.decision, steps[0].state, steps[-1].state, state))
    if action.agent == "A":
        history = history_after(history, steps[-1].state.t, int(action.decision))
    return history


def _in_order(recorded: Sequence[RecordedState]) -> list[RecordedState]:
    """By timestep; of several with the same, the last."""
    latest = {record.state.t: record for record in recorded}
    return [latest[t] for t in sorted(latest)]


def _with_earlier_flags(before: State, state: State, record: RecordedState) -> State:
    """With undos and pastes whose turn is that of the state they were made on, unless they had led to that one."""
    undone = [] if before.undone else [line for line, turn in record.undos.items() if turn == before.t]
    pasted = [] if before.pasted else [line for line, turn in record.pastes.items() if turn == before.t]
    if not undone and not pasted:
        return state
    return replace(state, undone=state.undone.union(undone), pasted=state.pasted.union(pasted))


def _realigned(before: State, state: State, mover: Agent) -> State:
    if state.lines == before.lines:
        human, assistant = before.human, before.assistant
    else:
        human, assistant = carry_attribution(before, state.lines, mover, state.t)
    return replace(state, human=human, assistant=assistant)
