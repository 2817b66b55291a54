"""What a recording says, state by state, before it is put in order; and what it says about who moved.

Not here: formats of states, what a recording leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actions import Agent, Decision, parse_decision
from errors import InputError
from state import State

from .validation import Place, as_object, integer, number, place_text, text


@dataclass(frozen=True, slots=True)
class Named:
    """An agent's part of an action. decision None: not given. line: from 0, maybe outside the file; -1: none."""

    agent: Agent
    decision: Decision | None
    line: int
    place: Place
    probability: float | None = None
    decision_probability: float | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedState:
    """A state as recorded. led_to: who led to it; taken: who moved next; empty: it does not say.

    undos: turns of the human's edits that took something back, by line.
    """

    state: State
    led_to: tuple[Named, ...] = ()
    taken: tuple[Named, ...] = ()
    undos: Mapping[int, int] = field(default_factory=dict)


def parse_action(value: object, place: Place, first_line: int) -> tuple[Named, ...]:
    """The agents that an action names. `first_line`: the number that the format gives to a file's first line.

    Numbers below it mean no line, but not below -1. Raises InputError: unknown decision, or a part that is not of
    its type.
    """
    if value is None:
        return ()
    parts = as_object(value, place)
    agents: tuple[Agent, Agent] = ("H", "A")
    named = [agent for agent in agents if parts.get(agent) is not None]
    return tuple([_named(agent, parts[agent], (place, agent), first_line) for agent in named])


def _named(agent: Agent, value: object, place: Place, first_line: int) -> Named:
    part = as_object(value, place)
    said = part.get("type")
    decision = None if said is None else parse_decision(said, place_text((place, "type")))
    line = -1
    if part.get("line") is not None:
        line = integer(part["line"], (place, "line"), least=-1)
    if decision is Decision.NO_OP or line < first_line:
        line = -1
    else:
        line -= first_line
    model = part.get("model")
    return Named(
        agent,
        decision,
        line,
        place,
        _probability(part.get("probability"), (place, "probability")),
        _probability(part.get("decision_probability"), (place, "decision_probability")),
        None if model is None else text(model, (place, "model")),
    )


def _probability(value: object, place: Place) -> float | None:
    if value is None:
        return None
    probability = number(value, place, 0, 1)
    if probability == 0:
        raise InputError(place_text(place), "found 0, expected the positive probability of a decision that was taken")
    return probability
