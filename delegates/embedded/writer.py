"""The writer that needs nothing but this installation: no model file, no server, no network.

Names and lines come from an n-gram model of the standard library, the person's earlier text and the open file; comments
come from the syntax tree. It always answers within a fraction of a tenth of a second: what it has not found by then it
does without. Not here: the parts that it is made of, the order among writers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from actions import Decision
from alignment import strip_line_end
from comments import strip_comment
from delegates.cleaning import clean
from delegates.embedded.attributes import AttributeFinder
from delegates.embedded.explanation import explain_block, explain_statement
from delegates.embedded.library_model import LibraryModel
from delegates.embedded.line_search import Line, Start, search_lines
from delegates.embedded.next_token import NextToken
from delegates.embedded.recent_text import RecentText
from delegates.embedded.spelling import spell
from delegates.embedded.vocabulary import DEDENT, INDENT, LINE_END, indent_signs, token_stream
from delegates.python_lexer import LogicalLine, line_tokens, logical_lines, open_brackets
from delegates.secret_text import holds_secret
from delegates.syntax import opens_block
from delegates.text_writer import NO_CONTEXT, Completion, WritingContext
from indentation import DEFAULT_WIDTH, indent_style, indentation
from state import State

NAME = "embedded"

SECONDS = 0.035
"""Time after which no further line of a block is begun."""

_ATTRIBUTE_SECONDS = 0.012
"""How long jedi is waited for; it answers in time where it was asked about the same object before."""

_OWN_TOKENS = 200_000
"""Tokens of the person's earlier text that are kept, 10 MB; of more, the latest half."""

_LINES_ABOVE, _LINES_BELOW = 300, 100
"""Lines around the cursor that are read."""

_BLOCK_LINES = 4
"""Lines of a block that are added below its first one at most."""

_CANDIDATES = 8
"""Lines that are tried until one fits."""

_SURE = -0.9
"""Mean log-probability of a token below which a line is not added to a block."""

_LEAVES = frozenset({"return", "raise", "break", "continue", "pass"})


class EmbeddedWriter:
    """A `TextWriter`; `start` makes it better after a few seconds. Its methods may be called from several threads."""

    name = NAME

    def __init__(self, folder: Path | None = None) -> None:
        """folder: where what is counted of the standard library is kept between runs; None: nowhere."""
        self._library = LibraryModel(folder)
        self._attributes = AttributeFinder(folder)
        self._own = RecentText()
        self._added: set[int] = set()
        self._adding = threading.Lock()

    def start(self) -> None:
        """Begins to count the standard library, or to read what was counted, in a thread, and starts jedi's process."""
        self._library.start()
        self._attributes.start()

    @property
    def ready(self) -> bool:
        """Whether it knows the standard library; without it writes from the open file and the person's text."""
        return self._library.model is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it is ready, at most `timeout` seconds; returns whether it is."""
        return self._library.wait(timeout)

    def add_text(self, text: str) -> None:
        """Learns from a text that the person wrote before; lines with keys or passwords are left out."""
        allowed = "\n".join(line for line in text.split("\n") if not holds_secret(line))
        stream = [LINE_END, *token_stream(logical_lines(allowed))]
        with self._adding:
            if (key := hash(tuple(stream))) in self._added:
                return
            self._added.add(key)
            if len(self._own.tokens) > _OWN_TOKENS:
                latest, self._own = self._own.tokens[-_OWN_TOKENS // 2 :], RecentText()
                self._own.add(latest)
            self._own.add(stream)

    def close(self) -> None:
        """Stops what goes on in the background."""
        self._attributes.close()
        self._library.close()

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`. The last log-probability of a line is that of its end; comments have none."""
        if decision == Decision.NO_OP or not 0 <= line < len(state):
            return Completion("", NAME)
        if decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
            text = _explanation(state, decision, line)
            return Completion(clean(text, state, decision, line, context.rejected), NAME)
        return self._write_code(state, decision, line, context)

    def _write_code(self, state: State, decision: Decision, line: int, context: WritingContext) -> Completion:
        if decision == Decision.EDIT_EXISTING_LINES:
            return Completion("", NAME)
        for text, log_probs in self._candidates(state, decision, line, context):
            context.cancellation.raise_if_cancelled()
            if cleaned := clean(text, state, decision, line, context.rejected):
                return Completion(cleaned, NAME, log_probs)
        return Completion("", NAME)

    def _candidates(
        self, state: State, decision: Decision, line: int, context: WritingContext
    ) -> Iterator[tuple[str, tuple[float, ...]]]:
        """Texts for the decision, the best first, with the log-probabilities of their tokens."""
        deadline = time.monotonic() + SECONDS
        place = Place.of(state, decision, line)
        if not place.is_code:
            return
        model = NextToken(place.file_text(), place.above, self._own, self._library.model)
        lines = search_lines(model, self._start_of(place), context.cancellation)
        for found in lines[:_CANDIDATES]:
            text = place.completion(found)
            if decision == Decision.FILL_PARTIAL_LINE:
                yield text, _log_probs(found)
            elif decision == Decision.WRITE_SINGLE_LINE:
                yield place.before + text, _log_probs(found)
            else:
                yield self._block(model, place, found, context, deadline)

    def _start_of(self, place: Place) -> Start:
        names = None
        if place.receiver:
            names = self._attributes.attributes(place.lines, place.line, place.receiver, _ATTRIBUTE_SECONDS)
        return Start(place.context, place.brackets, place.fragment, names)

    def _block(
        self, model: NextToken, place: Place, first: Line, context: WritingContext, deadline: float
    ) -> tuple[str, tuple[float, ...]]:
        """The line and those that are likely to follow it."""
        texts, log_probs = [place.before + place.completion(first)], list(_log_probs(first))
        tokens = [*place.context, *first.tokens]
        while len(texts) <= _BLOCK_LINES and time.monotonic() < deadline:
            last = line_tokens(texts[-1])
            opens = opens_block(texts[-1])
            if not last or last[0] in _LEAVES:
                break
            tokens.append(LINE_END)
            if opens:
                tokens.append(INDENT)
            elif model.probabilities(tokens).get(DEDENT, 0.0) > 0.5:
                break
            following = search_lines(model, Start(tokens), context.cancellation)
            if not following or (_mean(following[0]) < _SURE and not opens):
                break
            indent = indentation(texts[-1]) + (place.unit if opens else "")
            texts.append(indent + spell(following[0].tokens))
            tokens += following[0].tokens
            log_probs += _log_probs(following[0])
        while len(texts) > 1 and opens_block(texts[-1]):
            texts.pop()
        return "\n".join(texts), tuple(log_probs)


def _log_probs(line: Line) -> tuple[float, ...]:
    return line.log_probs if line.end_log_prob is None else (*line.log_probs, line.end_log_prob)


def _mean(line: Line) -> float:
    return line.log_prob / (len(line.tokens) + 1)


def _explanation(state: State, decision: Decision, line: int) -> str:
    lines = [strip_line_end(each) for each in state.lines]
    if decision == Decision.EXPLAIN_SINGLE_LINES:
        return explain_statement(lines, line)
    return "\n".join(explain_block(lines, line))


@dataclass(frozen=True)
class Place:
    """Where code is to be written. lines: of the file, without line ends. before: what the new text goes on from."""

    lines: tuple[str, ...]
    line: int
    before: str
    after: str

    @classmethod
    def of(cls, state: State, decision: Decision, line: int) -> Place:
        """A completion goes on at the cursor; a line or a block goes on from what stands on its line."""
        lines = tuple([strip_line_end(each) for each in state.lines])
        at = len(lines[line])
        if decision == Decision.FILL_PARTIAL_LINE and state.cursor.on and state.cursor.line == line:
            at = min(max(state.cursor.char, 0), at)
        return cls(lines, line, lines[line][:at], lines[line][at:])

    @cached_property
    def typed(self) -> tuple[str, ...]:
        """Tokens of what stands before on the line."""
        return line_tokens(self.before)

    @property
    def is_code(self) -> bool:
        """Whether the place is in no comment and no string."""
        if strip_comment(self.before) != self.before.rstrip():
            return False
        last = self.typed[-1] if self.typed else ""
        opening = last.lstrip("rRbBuUfF")[:1]
        return opening not in ("'", '"') or (len(last) > 1 and last[-1] == opening)

    @cached_property
    def fragment(self) -> str:
        """The name that the cursor stands at the end of; "": none."""
        ends_in_name = self.before[-1:].isalnum() or self.before[-1:] == "_"
        return self.typed[-1] if ends_in_name and self.typed and self.typed[-1].isidentifier() else ""

    @property
    def receiver(self) -> str:
        """The line up to the dot whose attribute is to be written; "": there is none."""
        text = self.before.removesuffix(self.fragment)
        return text if text.endswith(".") and not text.endswith("..") else ""

    @cached_property
    def unit(self) -> str:
        """One level of the file's indentation."""
        style = indent_style(self.lines)
        return style.unit if style else " " * DEFAULT_WIDTH

    @cached_property
    def above(self) -> tuple[str, ...]:
        """Tokens of the lines above; a statement that goes on in this line has no end."""
        stream = token_stream(self._statements)
        return tuple(stream[:-1] if self._goes_on else stream)

    @cached_property
    def _statements(self) -> list[LogicalLine]:
        return list(logical_lines("\n".join(self.lines[max(self.line - _LINES_ABOVE, 0) : self.line])))

    @cached_property
    def _goes_on(self) -> bool:
        return bool(self._statements) and bool(open_brackets(self._statements[-1].tokens))

    @cached_property
    def line_start(self) -> tuple[str, ...]:
        """Tokens of the statement up to the line's beginning."""
        return self._statements[-1].tokens if self._goes_on else ()

    @cached_property
    def context(self) -> list[str]:
        """Tokens before the first that is written."""
        typed = self.typed[:-1] if self.fragment else self.typed
        if self._goes_on:
            return [*self.above, *typed]
        above = len(self._statements[-1].indent.expandtabs(8)) if self._statements else None
        return [*self.above, *indent_signs(above, len(self.indent.expandtabs(8))), *typed]

    @cached_property
    def indent(self) -> str:
        """The indentation that the line has, or is expected to have where it is empty."""
        if self.before or not self._statements:
            return indentation(self.before)
        above = self._statements[-1]
        if above.tokens[-1] == ":":
            return above.indent + self.unit
        return above.indent.removesuffix(self.unit) if above.tokens[0] in _LEAVES else above.indent

    @cached_property
    def brackets(self) -> list[str]:
        """Brackets that are open where the text begins."""
        return open_brackets([*self.line_start, *self.typed])

    def file_text(self) -> RecentText:
        """The file's tokens, those above last."""
        text = RecentText()
        below = "\n".join(self.lines[self.line + 1 : self.line + 1 + _LINES_BELOW])
        text.add(token_stream(logical_lines(below)))
        text.add([LINE_END, *self.above])
        return text

    def completion(self, line: Line) -> str:
        """The found tokens as text that follows `before`."""
        typed = self.typed[:-1] if self.fragment else self.typed
        text = spell(line.tokens, typed)
        if self.fragment:
            return text.lstrip().removeprefix(self.fragment)
        if not self.before.strip():
            return (self.indent if not self.before else "") + text.lstrip()
        return text.lstrip() if self.before.endswith((" ", "\t")) else text
