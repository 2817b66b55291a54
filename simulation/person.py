"""What a simulated person is: given what they see and what they are after, the ways in which they may reply.

A person keeps nothing between turns, so that a session may be taken up at any recorded state and a search may try many
replies to one decision. Not here: any particular person, loading one from outside the repository (`person_loader`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from errors import InputError
from simulation.goal import Goal
from simulation.goal_progress import GoalProgress
from state import State
from state_adapter import Action

MAX_OPTIONS = 8
"""Ways to reply that a search tells apart."""

PROBABILITY_TOLERANCE = 1e-5
"""How far from 1 the probabilities of the ways to reply may sum; rounding to 32 bits stays below this."""

PairProbabilities = NDArray[np.float64]
"""Probability of each decision at each line of one file, `(7, lines)`; the NO-OP's stands at `[0, 0]`."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person replies to.

    before, action: the state that the assistant's latest decision was taken on, and that decision; None: it has not
    acted yet. goal: what the person is after; the assistant never sees it.
    """

    state: State
    goal: Goal
    before: State | None = None
    action: Action | None = None

    @property
    def progress(self) -> GoalProgress:
        """How far the text is on its way to the goal."""
        return self.goal.progress(self.state.lines)


@dataclass(frozen=True, slots=True)
class Reply:
    """The state that the person's action led to, with its real attribution and cursor."""

    state: State
    action: Action


@dataclass(frozen=True, slots=True)
class Option:
    """One way to reply and how likely it is; what it leaves open (the exact text) is drawn by `carry_out`."""

    probability: float
    carry_out: Callable[[Random], Reply]


class HumanPolicy(Protocol):
    """What people do, learned from sessions. It sees states, not goals."""

    def pair_probabilities(self, states: Sequence[State]) -> list[PairProbabilities]:
        """The distribution over (decision, line) at each state."""
        ...


@runtime_checkable
class Person(Protocol):
    """Somebody who edits a file together with the assistant.

    policy: asked once a turn for all rollouts whose person has it, the answer handed to `options`; None: not needed.
    """

    @property
    def name(self) -> str: ...

    @property
    def policy(self) -> HumanPolicy | None: ...

    def options(self, turn: Turn, pairs: PairProbabilities | None) -> Sequence[Option]:
        """The ways to reply, at most `MAX_OPTIONS`; their probabilities sum to 1."""
        ...


def draw_reply(person: Person, turn: Turn, pairs: PairProbabilities | None, generator: Random) -> Reply:
    """One of the person's options, drawn and carried out.

    Raises:
        InputError: the options are none, too many, or no distribution.
    """
    options = person.options(turn, pairs)
    probabilities = [option.probability for option in options]
    if not 0 < len(probabilities) <= MAX_OPTIONS:
        raise InputError(person.name, f"gave {len(probabilities)} ways to reply, expected 1 to {MAX_OPTIONS}")
    sums_to_one = abs(sum(probabilities) - 1.0) <= PROBABILITY_TOLERANCE
    if not (min(probabilities) >= 0.0 and sums_to_one):  # so that NaN is refused too
        listed_values = ", ".join(f"{probability:.6g}" for probability in probabilities)
        raise InputError(
            person.name, f"gave replies with probabilities {listed_values}, expected none below 0 and a sum of 1"
        )
    return generator.choices(options, probabilities)[0].carry_out(generator)
