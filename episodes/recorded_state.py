"""What a recording says, state by state, before it is put in order; and what it says about who acted.

Not here: formats of states, what a recording leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from actions import Action, Agent, Decision, Review, StageTimes, Withheld, Writer, parse_decision
from errors import InputError
from state import State

from .validation import (
    Place,
    as_object,
    integer,
    optional_boolean,
    optional_integer,
    optional_number,
    optional_text,
    place_text,
    text,
)


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """An agent's part of a recorded action, whose line may be outside the file. action None: no decision is given."""

    agent: Agent
    action: Action | None = None

    @property
    def is_active(self) -> bool:
        """Whether it is given and no NO-OP."""
        return self.action is not None and self.action.decision is not Decision.NO_OP


@dataclass(frozen=True, slots=True)
class RecordedState:
    """A state as recorded. led_to: who led to it; next_action: who acted on it; empty: it does not say.

    undos, pastes: turns of the human's edits that took something back, and of their large pastes, by line.
    """

    state: State
    led_to: tuple[RecordedAction, ...] = ()
    next_action: tuple[RecordedAction, ...] = ()
    undos: Mapping[int, int] = field(default_factory=dict)
    pastes: Mapping[int, int] = field(default_factory=dict)


def parse_action(value: object, place: Place, first_line: int) -> tuple[RecordedAction, ...]:
    """The agents that an action names. `first_line`: the number that the format gives to a file's first line.

    Numbers below it mean no line, but not below -1. Raises InputError: unknown decision, or a part that is not of
    its type.
    """
    if value is None:
        return ()
    parts = as_object(value, place)
    agents: tuple[Agent, Agent] = ("H", "A")
    named = [agent for agent in agents if parts.get(agent) is not None]
    return tuple([_recorded_action(agent, parts[agent], (place, agent), first_line) for agent in named])


def _recorded_action(agent: Agent, value: object, place: Place, first_line: int) -> RecordedAction:
    part = as_object(value, place)
    if part.get("type") is None:
        _line(part, place, None, first_line)
        return RecordedAction(agent)
    decision = parse_decision(part["type"], place_text((place, "type")))
    action = Action(
        agent,
        decision,
        _line(part, place, decision, first_line),
        probability=_positive(part.get("probability"), (place, "probability")),
        decision_probability=_positive(part.get("decision_probability"), (place, "decision_probability")),
        model=optional_text(part.get("model"), (place, "model")),
        policy_probability=optional_number(part.get("policy_probability"), (place, "policy_probability"), 0, 1),
        value=optional_number(part.get("value"), (place, "value")),
        kept=optional_number(part.get("kept"), (place, "kept"), 0, 1),
        writer=_writer(part.get("writer"), (place, "writer")),
        review=_review(part.get("review"), (place, "review")),
        withheld=_withheld(part.get("withheld"), (place, "withheld"), decision, first_line),
        milliseconds=_stage_times(part.get("milliseconds")),
        dropped=optional_text(part.get("dropped"), (place, "dropped")),
    )
    return RecordedAction(agent, action)


def _line(part: dict[str, object], place: Place, decision: Decision | None, first_line: int) -> int:
    """The line counted from 0; -1: none."""
    if part.get("line") is None:
        return -1
    line = integer(part["line"], (place, "line"), least=-1)
    return -1 if decision is Decision.NO_OP or line < first_line else line - first_line


_ROUNDING = 1e-9
"""By which a recorded probability may exceed 1, as sums of many do."""


def _positive(value: object, place: Place) -> float | None:
    if isinstance(value, float) and 1.0 < value <= 1.0 + _ROUNDING:
        return 1.0
    probability = optional_number(value, place, 0, 1)
    if probability == 0:
        raise InputError(place_text(place), "found 0, expected the positive probability of a decision that was taken")
    return probability


def _writer(value: object, place: Place) -> Writer | None:
    if value is None:
        return None
    part = as_object(value, place)
    return Writer(
        optional_text(part.get("name"), (place, "name")),
        optional_number(part.get("mean_log_prob"), (place, "mean_log_prob")),
        optional_number(part.get("min_log_prob"), (place, "min_log_prob")),
        optional_number(part.get("first_log_prob"), (place, "first_log_prob")),
        optional_integer(part.get("tokens"), (place, "tokens"), least=0),
        optional_number(part.get("latency_ms"), (place, "latency_ms"), 0),
    )


def _review(value: object, place: Place) -> Review | None:
    if value is None:
        return None
    part = as_object(value, place)
    return Review(
        optional_number(part.get("kept"), (place, "kept"), 0, 1),
        optional_number(part.get("threshold"), (place, "threshold")),
        optional_number(part.get("shown_probability"), (place, "shown_probability"), 0, 1),
        optional_boolean(part.get("shown"), (place, "shown")),
        optional_boolean(part.get("explored"), (place, "explored")),
    )


def _withheld(value: object, place: Place, recorded: Decision, first_line: int) -> Withheld | None:
    if value is None:
        return None
    part = as_object(value, place)
    decision = parse_decision(part.get("type"), place_text((place, "type")))
    if recorded is not Decision.NO_OP:
        raise InputError(place_text(place), f"found withheld help beside type {int(recorded)}, expected type 0")
    return Withheld(decision, _line(part, place, decision, first_line), text(part.get("text"), (place, "text")))


def _stage_times(value: object) -> StageTimes | None:
    """What is no such measurement is another program's, and says nothing."""
    if not isinstance(value, dict):
        return None
    return StageTimes(*[_spent(value.get(stage)) for stage in ("policy", "writer", "reviewer")])


def _spent(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return float(value)
