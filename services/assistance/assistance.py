"""One request for help, from the file to the text that is shown, or not. Not here: HTTP, recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal, Protocol

from actions import Action, Decision, Review, Withheld, Writer, apply_text, is_legal
from delegates import Cancellation, Completion, TextWriter, WritingCancelledError, WritingContext
from delegates.selection import ReliableWriter
from delegates.tutor import NAME as TUTOR
from delegates.tutor import Tutor
from services.assistance.deadline import DeadlineError, run_within
from services.learning.current_models import AS_SERVED, Choice, CurrentModels, SamplingOptions
from state import Cursor, State

WRITER_SECONDS = 20.0
"""How long a request waits for texts, all together. A server's answer has less (`http_stream.TimeLimits`), so that the
embedded writer can stand in."""

OTHERWISE = (
    Decision.WRITE_SINGLE_LINE,
    Decision.FILL_PARTIAL_LINE,
    Decision.WRITE_MULTI_LINE,
    Decision.EXPLAIN_MULTI_LINES,
    Decision.EXPLAIN_SINGLE_LINES,
    Decision.EDIT_EXISTING_LINES,
)
"""Decisions that are tried where the person asked for help and the writer has no text for the one that was taken."""

OTHERWISE_SECONDS = 3.0
"""After which no further one is tried."""

Clean = Callable[[str, State, Decision, int, Sequence[str]], str]


class TextReviewer(Protocol):
    """Decides whether a written text is shown (`services.learning.current_reviewer`)."""

    def review(
        self, state: State, after: Sequence[str], action: Action, completion: Completion, generator: Random
    ) -> Review:
        """What it says of a text that `action` put into the file of `state`, so that it has the lines `after`."""
        ...


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """A file and how to decide.

    decided: a decision and its line, which the policy is then not asked for. refusal: why nobody may help with the
    file, which neither policy nor writer then sees; None: they may.
    """

    state: State
    context: WritingContext
    options: SamplingOptions = AS_SERVED
    decided: tuple[Decision, int] | None = None
    agent: Literal["assistant", "human"] = "assistant"
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """What came of a request.

    before, lines: of the file before and afterwards; the same if there is nothing to show. action: as it is recorded;
    help that was held back is in it. choice: how the decision came about. failure: why the policy or the writer could
    not answer. milliseconds: that each stage took. is_rejected: there is nothing to show because all that the writer
    has is what the person deleted or took back.
    """

    before: tuple[str, ...]
    lines: tuple[str, ...]
    action: Action
    choice: Choice
    failure: str | None = None
    milliseconds: dict[str, float] = field(default_factory=dict)
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class _Text:
    """A written text, the lines of the file with it, and who wrote it; or why there is none.

    is_rejected: there is none but what the person deleted or took back.
    """

    text: str
    lines: tuple[str, ...]
    completion: Completion | None = None
    failure: str | None = None
    is_rejected: bool = False


class Assistance:
    """The parts that answer a request for help. For any number of threads.

    tutor: writes in a problem that comes with a solution, if the person chose it; None: they did not. writer_failure:
    why the writer could not write when it was asked last; None: it could. seed: of the reviewer's draws.
    """

    def __init__(
        self,
        models: CurrentModels,
        writer: TextWriter,
        reviewer: TextReviewer,
        clean: Clean,
        *,
        tutor: Tutor | None = None,
        seed: int | None = None,
        writer_seconds: float = WRITER_SECONDS,
    ) -> None:
        self.models, self.writer, self.reviewer, self.clean = models, writer, reviewer, clean
        self.tutor = tutor
        self.writer_failure: str | None = None
        self._writer_seconds = writer_seconds
        self._random = Random(seed)

    @property
    def reads_ahead(self) -> bool:
        """Whether the writer reads files before a text is asked for."""
        return isinstance(self.writer, ReliableWriter) and self.writer.reads_ahead

    def read_ahead(self, state: State, context: WritingContext) -> None:
        """Lets the writer read a file in which a text may be wanted soon; returns at once."""
        if isinstance(self.writer, ReliableWriter):
            self.writer.read_ahead(state, context)

    def help(self, request: HelpRequest) -> Help:
        """The help for a file: decided, written, cleaned, reviewed.

        Raises WritingCancelledError, and InputError for options out of their range; what else fails is said in the
        answer, which is then a NO-OP.
        """
        if request.refusal is not None:
            return _refused(request)
        milliseconds: dict[str, float] = {}
        self.read_ahead(request.state, request.context)  # if no text is wanted now, one may be after the next keys
        with _stage(milliseconds, "policy"):
            choice = self._choose(request)
        lines = request.state.lines
        answer = Help(lines, lines, choice.action, choice, choice.failure, milliseconds)
        request.context.cancellation.raise_if_cancelled()
        if choice.action.decision is Decision.NO_OP:
            return answer

        with _stage(milliseconds, "writer"):
            deadline = time.monotonic() + self._writer_seconds
            draft = self._write(request, choice.action, deadline)
            if request.options.must_help and draft.lines == lines:
                choice, draft = self._write_otherwise(request, choice, draft, deadline)
        answer = replace(answer, choice=choice, action=choice.action)
        if draft.completion is None:
            return replace(answer, failure=draft.failure)
        action = replace(choice.action, writer=_writer(draft.completion, milliseconds["writer"]))
        if draft.lines == lines:
            return replace(answer, action=action, is_rejected=draft.is_rejected)

        with _stage(milliseconds, "reviewer"):
            review = self._review(request, action, draft)
        request.context.cancellation.raise_if_cancelled()
        action = replace(action, review=review)
        if review is not None and not review.shown:
            withheld = Withheld(action.decision, action.line, draft.text)
            return replace(answer, action=replace(action, decision=Decision.NO_OP, line=-1, withheld=withheld))
        return replace(answer, action=action, lines=draft.lines)

    def _choose(self, request: HelpRequest) -> Choice:
        """The decision: the client's if it is possible, else the policy's. Raises InputError."""
        if request.decided is None:
            return self.models.decide(request.state, request.options, request.agent)
        decision, line = request.decided
        agent: Literal["H", "A"] = "A" if request.agent == "assistant" else "H"
        if decision is Decision.NO_OP:
            return Choice(Action(agent, decision, -1))
        if agent == "A" and not is_legal(_with_cursor_at(request.state, line), decision, line, self.models.w_max()):
            reason = f"line {line + 1} is the task's own, or too long to be completed"
            return Choice(Action(agent, Decision.NO_OP, -1), failure=reason)
        return Choice(Action(agent, decision, line))

    def _write(self, request: HelpRequest, action: Action, deadline: float) -> _Text:
        """deadline: a time of `time.monotonic`. Raises WritingCancelledError."""
        state = request.state if request.decided is None else _with_cursor_at(request.state, action.line)
        context, column = request.context, state.cursor.char if state.cursor.line == action.line else None
        try:
            completion = run_within(
                deadline - time.monotonic(),
                lambda cancellation: self._completion(state, action, context, cancellation),
                context.cancellation,
            )
            text, is_rejected = completion.text, completion.is_rejected
            if text and completion.writer != TUTOR:  # it fits its pieces itself, also those that end a block
                text = self.clean(completion.text, state, action.decision, action.line, context.rejected)
                is_rejected = not text and bool(self.clean(completion.text, state, action.decision, action.line, ()))
            lines = tuple(apply_text(state.lines, action.decision, action.line, text, column))
        except WritingCancelledError:
            context.cancellation.raise_if_cancelled()
            self.writer_failure = "stopped before the text was written"
        except DeadlineError as error:
            self.writer_failure = str(error)
        except Exception as error:  # whatever a writer does, the person goes on writing
            self.writer_failure = f"{type(error).__name__}: {error}"
        else:
            self.writer_failure = None
            return _Text(text, lines, completion, is_rejected=is_rejected)
        return _Text("", state.lines, failure=f"the writer {self.writer_failure}")

    def _write_otherwise(
        self, request: HelpRequest, choice: Choice, draft: _Text, deadline: float
    ) -> tuple[Choice, _Text]:
        """The first other decision at the cursor's line whose text changes the file; else what was tried first.

        Nobody drew it, so it has no probability, like a decision that a client names. Raises WritingCancelledError.
        """
        state, last_start = request.state, min(time.monotonic() + OTHERWISE_SECONDS, deadline)
        line = state.cursor.line if state.cursor.on else choice.action.line
        is_rejected = draft.is_rejected
        ranked = [Decision(pair["decision"]) for pair in choice.alternatives]
        for decision in dict.fromkeys([*ranked, *OTHERWISE]):
            if decision in (Decision.NO_OP, choice.action.decision) or time.monotonic() >= last_start:
                continue
            other = self._choose(replace(request, decided=(decision, line)))
            if other.action.decision is not decision:
                continue
            text = self._write(replace(request, decided=(decision, line)), other.action, deadline)
            if text.completion is not None and text.lines != state.lines:
                return other, text
            is_rejected = is_rejected or text.is_rejected
        return choice, replace(draft, is_rejected=is_rejected)

    def _completion(
        self, state: State, action: Action, context: WritingContext, cancellation: Cancellation
    ) -> Completion:
        writer: TextWriter = self.writer
        if self.tutor is not None and context.problem is not None and context.problem.solution:
            writer = self.tutor
        return writer.write(state, action.decision, action.line, replace(context, cancellation=cancellation))

    def _review(self, request: HelpRequest, action: Action, draft: _Text) -> Review | None:
        """What the reviewer says; what a client asked for is shown whatever it is. None: a person's text."""
        if request.agent == "human" or draft.completion is None:
            return None
        completion = replace(draft.completion, text=draft.text)
        review = self.reviewer.review(request.state, draft.lines, action, completion, self._random)
        is_wanted = request.decided is not None or request.options.must_help
        return replace(review, shown_probability=1.0, shown=True, explored=False) if is_wanted else review


def _refused(request: HelpRequest) -> Help:
    """Of a file that nobody may help with."""
    choice = Choice(Action("A" if request.agent == "assistant" else "H", Decision.NO_OP, -1), failure=request.refusal)
    lines = request.state.lines
    return Help(lines, lines, choice.action, choice, request.refusal)


def _with_cursor_at(state: State, line: int) -> State:
    """The state of somebody who asks for help at a line: the cursor is at its end, unless it is on it already."""
    if state.cursor.on and state.cursor.line == line:
        return state
    return replace(state, cursor=Cursor(True, line, len(state.lines[line]), state.t), last_known_line=line)


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
