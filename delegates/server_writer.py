"""A writer that asks a server of language models: streamed, cancelled when the text is no longer wanted, in time.

What a server cannot do is found out by its first refusal and remembered as long as the writer lives. Not here: which
server (`selection`), the cleaning of the text.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress

from actions import Decision
from delegates.dialects import Dialect, Question, Way
from delegates.fill_in_middle import tokens_of
from delegates.http_stream import ModelServer, ServerRefusedError
from delegates.prompts import SERVER_WINDOW, AnswerCollector, Window, best_answer, build_prompt
from delegates.text_writer import NO_CONTEXT, Completion, WriterUnavailableError, WritingContext
from errors import printable
from state import State

FEATURE_REFUSALS = frozenset({400, 404, 405, 415, 422, 501})
"""Statuses by which a server says that it does not do this; others may pass (it is loading, busy, or failed)."""

SERVER_LOADING_SECONDS = 120.0


class ServerWriter:
    """A `TextWriter` that asks `model` of `server`.

    offered: names of all the server's models that write text.
    """

    def __init__(
        self,
        server: ModelServer,
        dialect: Dialect,
        model: str,
        *,
        offered: tuple[str, ...] = (),
        window: Window = SERVER_WINDOW,
    ) -> None:
        self.server, self.dialect, self.model = server, dialect, model
        self.name, self.offered = printable(f"{dialect.name}: {model}"), offered or (model,)
        self._tokens, self._window = tokens_of(model), window
        self._refused: set[tuple[Way, bool]] = set()
        self._lock = threading.Lock()

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`. What is asked for a text has the server's time for an answer together."""
        deadline = time.monotonic() + self.server.limits.whole
        return best_answer(
            lambda temperature, sees_after: self._write(
                state, decision, line, context, deadline, temperature=temperature, sees_after=sees_after
            ),
            state,
            line,
            context.rejected,
        )

    @property
    def fills(self) -> bool:
        """Whether special tokens for the text after the place are known of the model's family."""
        return self._tokens is not None

    def load(self) -> None:
        """Makes the server load the model, in `SERVER_LOADING_SECONDS`; a failure shows when a text is asked for."""
        if request := self.dialect.loading(self.model):
            with suppress(ServerRefusedError, WriterUnavailableError):
                self.server.post(*request, SERVER_LOADING_SECONDS)

    def ways(self) -> list[tuple[Way, bool]]:
        """The ways of asking that the server did not refuse, the best one first, each with and without
        log-probabilities."""
        ways = self.dialect.ways(self._tokens)
        with self._lock:
            return [
                pair for log_probs in (True, False) for way in ways if (pair := (way, log_probs)) not in self._refused
            ]

    def _write(
        self,
        state: State,
        decision: Decision,
        line: int,
        context: WritingContext,
        deadline: float,
        *,
        temperature: float,
        sees_after: bool,
    ) -> Completion:
        reason = "it refused before"
        for way, log_probs in self.ways():
            if (way, log_probs) in self._refused:
                continue
            prompt = build_prompt(state, decision, line, context, self._window, fills=sees_after and way != Way.PREFIX)
            if way == Way.SUFFIX and not prompt.after.strip():
                continue
            question = Question(prompt, self.model, way, self._tokens, log_probs, temperature)
            try:
                return self._ask(question, context, deadline)
            except ServerRefusedError as error:
                reason = printable(f"{error.status} {error.reason[:200]}")
                if error.status not in FEATURE_REFUSALS:
                    break
                self._remember(way, log_probs, error)
        else:
            with self._lock:
                self._refused.clear()  # whatever it was, it was not one of these
        raise WriterUnavailableError(f"{self.server.address} refuses to write: {reason}")

    def _ask(self, question: Question, context: WritingContext, deadline: float) -> Completion:
        """The answer to one question. Raises as `ModelServer.stream` does."""
        path, body = self.dialect.request(question)
        collector = AnswerCollector(question.prompt, self._tokens.ends if self._tokens else ())
        limits = self.server.limits.until(deadline)
        with closing(self.server.stream(path, body, context.cancellation, limits)) as lines:
            for line in lines:
                chunk = self.dialect.parse(line)
                if any(collector.add(token) for token in chunk.tokens) or chunk.is_last:
                    return collector.completion(self.name)
        raise WriterUnavailableError(f"{self.server.address} broke off in the middle of its answer")

    def _remember(self, way: Way, log_probs: bool, error: ServerRefusedError) -> None:
        about_log_probs = log_probs and any(word in error.reason.lower() for word in ("logprob", "n_probs"))
        with self._lock:
            for refused in self.dialect.ways(self._tokens) if about_log_probs else (way,):
                self._refused.add((refused, log_probs))
            if way in (Way.INFILL, Way.SUFFIX) and not about_log_probs:
                self._refused.add((way, not log_probs))
