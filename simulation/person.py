"""What a simulated person is: given what they see and what they are after, the ways in which they may reply.

A person keeps nothing between turns, so that a session may be taken up at any recorded state and a search may try many
replies to one decision. Not here: any particular person.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from errors import InputError
from simulation.goal import Goal
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

    before, move: the state that the assistant's latest decision was taken on, and that decision; None: it has not
    moved yet. goal: what the person is after; the assistant never sees it.
    """

    state: State
    goal: Goal
    before: State | None = None
    move: Action | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The state that the person's move led to, with its real attribution and cursor."""

    state: State
    move: Action


@dataclass(frozen=True, slots=True)
class Option:
    """One way to reply and how likely it is; what it leaves open (the exact text) is drawn by `carry_out`."""

    probability: float
    carry_out: Callable[[Random], Reply]


class HumanPolicy(Protocol):
    """What people do, learned from sessions. It sees states, not goals."""

    def pairs(self, states: Sequence[State]) -> list[PairProbabilities]:
        """The distribution over (decision, line) at each state."""
        ...


@runtime_checkable
class Person(Protocol):
    """Somebody who edits a file together with the assistant.

    policy: asked once a turn for all games whose person has it, the answer handed to `options`; None: not needed.
    """

    @property
    def name(self) -> str: ...

    @property
    def policy(self) -> HumanPolicy | None: ...

    def options(self, turn: Turn, pairs: PairProbabilities | None) -> Sequence[Option]:
        """The ways to reply, at most `MAX_OPTIONS`; their probabilities sum to 1."""
        ...


def reply(person: Person, turn: Turn, pairs: PairProbabilities | None, generator: Random) -> Reply:
    """One of the person's options, drawn and carried out.

    Raises:
        InputError: the options are none, too many, or no distribution.
    """
    options = person.options(turn, pairs)
    chances = [option.probability for option in options]
    if not 0 < len(chances) <= MAX_OPTIONS:
        raise InputError(person.name, f"gave {len(chances)} ways to reply, expected 1 to {MAX_OPTIONS}")
    if not (min(chances) >= 0.0 and abs(sum(chances) - 1.0) <= PROBABILITY_TOLERANCE):  # so that NaN is refused too
        given = ", ".join(f"{chance:.6g}" for chance in chances)
        raise InputError(person.name, f"gave replies with probabilities {given}, expected none below 0 and a sum of 1")
    return generator.choices(options, chances)[0].carry_out(generator)


def load_person(where: str) -> Person:
    """The person that `module:attribute` or `path/to/file.py:attribute` names: an object, or a function that makes it.

    Raises:
        InputError: there is no such module or attribute, or what it names is not a person.
    """
    module, colon, attribute = where.rpartition(":")
    if not colon or not module or not attribute:
        raise InputError(where, "expected module:attribute or path/to/file.py:attribute")
    loaded = _load_file(where, Path(module)) if module.endswith(".py") else _load_module(where, module)
    if not hasattr(loaded, attribute):
        raise InputError(where, f"{module} has no {attribute}")
    found = getattr(loaded, attribute)
    to_call = isinstance(found, type) or (callable(found) and not isinstance(found, Person))
    made = _made(found, where) if to_call else found
    if not isinstance(made, Person) or not isinstance(made.name, str):
        kind = type(made).__name__
        raise InputError(where, f"a {kind} is no person: it needs a name, a policy (or None) and options")
    return made


def _made(make: Callable[[], Any], where: str) -> Any:
    try:
        return make()
    except Exception as error:  # whatever is wrong with it, its author can mend
        raise InputError(where, f"cannot be made without arguments: {type(error).__name__}: {error}") from error


def _load_module(where: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever is wrong with it, its author can mend
        raise InputError(where, f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def _load_file(where: str, path: Path) -> Any:
    name = f"person_{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}"  # of two files with one stem, both stay
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(where, f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look up what a file's annotations mean
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise InputError(where, f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module
