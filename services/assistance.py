"""One request for help, from the file to the answer. Not here: HTTP, recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal, Protocol

from actions import Action, Decision, Review, Withheld, Writer, apply_text, is_legal
from delegates import Completion, TextWriter, WritingContext
from delegates.selection import ReliableWriter
from errors import InputError
from services.current_models import AS_SERVED, Choice, CurrentModels, SamplingOptions
from state import State

Clean = Callable[[str, State, Decision, int, Sequence[str]], str]


class TextReviewer(Protocol):
    """Decides whether a written text is shown (`models.reviewer`)."""

    def review(self, state: State, action: Action, completion: Completion, generator: Random) -> Review:
        """What it says of the text."""
        ...


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """A file and how to decide. decided: a decision and its line, which the policy is then not asked for."""

    state: State
    context: WritingContext
    options: SamplingOptions = AS_SERVED
    decided: tuple[Decision, int] | None = None
    agent: Literal["assistant", "human"] = "assistant"


@dataclass(slots=True)
class Help:
    """What came of a request: the action as it is recorded, the file's lines after it, and how long each stage took.

    action: of a NO-OP if there is nothing to show. failure: why the policy or the writer could not answer.
    """

    action: Action
    lines: tuple[str, ...]
    choice: Choice | None = None
    completion: Completion | None = None
    failure: str | None = None
    milliseconds: dict[str, float] = field(default_factory=dict)


class Assistance:
    """The parts that answer a request for help."""

    def __init__(self, models: CurrentModels, writer: TextWriter, reviewer: TextReviewer, clean: Clean) -> None:
        self.models, self.writer, self.reviewer, self.clean = models, writer, reviewer, clean
        self._random = Random()

    def help(self, request: HelpRequest) -> Help:
        """The help for a file, for any number of threads. Raises WritingCancelledError, InputError (bad options)."""
        state, cancellation = request.state, request.context.cancellation
        if isinstance(self.writer, ReliableWriter):
            self.writer.read_ahead(state, request.context)  # if no text is wanted now, one may be after the next keys
        milliseconds: dict[str, float] = {}
        with _stage(milliseconds, "policy"):
            choice, failure = self._choose(request)
        action = choice.action
        nothing = Help(action, state.lines, choice, None, failure, milliseconds)
        if action.decision is Decision.NO_OP:
            return nothing
        cancellation.raise_if_cancelled()
        with _stage(milliseconds, "writer"):
            completion = self.writer.write(state, action.decision, action.line, request.context)
            text = self.clean(completion.text, state, action.decision, action.line, request.context.rejected)
        cancellation.raise_if_cancelled()
        action = replace(action, writer=_writer(completion, milliseconds["writer"]))
        column = state.cursor.char if state.cursor.on and state.cursor.line == action.line else None
        lines = tuple(apply_text(state.lines, action.decision, action.line, text, column))
        if lines == state.lines:
            return replace(nothing, action=action, completion=completion)
        with _stage(milliseconds, "reviewer"):
            review = self.reviewer.review(state, action, replace(completion, text=text), self._random)
        action = replace(action, review=review)
        if not review.shown:
            withheld = Withheld(action.decision, action.line, text)
            action = replace(action, decision=Decision.NO_OP, line=-1, withheld=withheld)
            return replace(nothing, action=action, completion=completion)
        return replace(nothing, action=action, lines=lines, completion=completion)

    def _choose(self, request: HelpRequest) -> tuple[Choice, str | None]:
        """The decision; a NO-OP and the reason if the policy cannot answer."""
        state = request.state
        if request.decided is not None:
            decision, line = request.decided
            return Choice(Action("A", decision, line)), None
        try:
            return self.models.decide(state, request.options, request.agent), None
        except InputError as error:
            return Choice(Action("A", Decision.NO_OP, -1, recorded=True)), str(error)


def is_possible(state: State, decision: Decision, line: int, w_max: int) -> bool:
    """Whether a decision that a client asks for can be carried out."""
    return is_legal(state, decision, line, w_max)


def _writer(completion: Completion, milliseconds: float) -> Writer:
    return Writer(
        completion.writer,
        completion.mean_log_prob,
        completion.min_log_prob,
        completion.first_log_prob,
        completion.token_count,
        milliseconds,
    )


@contextmanager
def _stage(milliseconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        milliseconds[name] = (time.perf_counter() - start) * 1000
