"""The writer that needs nothing but this installation: no model file, no server, no network.

Names and lines come from an n-gram model of the standard library, the person's earlier text and the open file; comments
come from the syntax tree. It always answers within a fraction of a tenth of a second: what it has not found by then it
does without. Not here: the parts that it is made of, the order among writers.
"""

from __future__ import annotations

import keyword
import math
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actions import Decision, apply_text
from alignment import strip_line_end
from delegates.cleaning import clean, is_repetition
from delegates.embedded.attributes import AttributeFinder
from delegates.embedded.explanation import explain_block, explain_statement
from delegates.embedded.library_model import LibraryModel, idiom_model
from delegates.embedded.line_search import Line, LineStart, search_lines
from delegates.embedded.next_token import NextToken
from delegates.embedded.patterns import patterns
from delegates.embedded.place import LEAVES, Place
from delegates.embedded.plausibility import Plausibility
from delegates.embedded.recent_text import RecentText
from delegates.embedded.repairs import repaired_lines
from delegates.embedded.spelling import spell
from delegates.embedded.surroundings import surroundings
from delegates.embedded.variables import coded_stream
from delegates.embedded.vocabulary import DEDENT, INDENT, LINE_END, token_stream
from delegates.python_lexer import PREDEFINED, line_tokens, logical_lines
from delegates.secret_text import holds_secret
from delegates.syntax import opens_block
from delegates.text_writer import NO_CONTEXT, Cancellation, Completion, WritingContext
from indentation import indentation
from state import State

NAME = "embedded"

SECONDS = 0.035
"""So that a decision is answered within a tenth of a second."""

_ATTRIBUTE_SECONDS = 0.012
"""How long jedi is waited for; it answers in time where it was asked about the same object before."""

_EARLIER_TOKENS = 200_000
"""Tokens of the person's earlier text that are kept, 10 MB; of more, the latest half."""

_BLOCK_LINES = 4
"""Lines of a block that are added below its first one at most."""

_CANDIDATES = 8
"""Lines that are tried until one fits."""

_SURE = -0.9
"""Mean log-probability of a token below which a line is not added to a block."""

_LEAST_PROBABLE = -3.0
"""Log-probability of a line that is written at least: of less probable ones not one in twenty is right."""

_SURE_WORD = -0.5

_LEAST_PROBABLE_BLOCK = -4.0

_TWICE = 2.0
"""How much less probable, in nats, a line is that stands shortly above, than the n-grams have it."""

_NEAR = 8
"""Lines above that a line of a block does not repeat."""

_NOTHING_FOLLOWS = {(), *((word,) for word in LEAVES)}
"""First tokens of lines that end a block."""

_REPAIR_PROBABILITY = 0.8

_ERRORS = re.compile(r"\b(?:raises?|[Ee]rrors?|[Ee]xceptions?|\w+Error)\b")
"""What tells that a program speaks of errors."""

_NAME = re.compile(r"[A-Za-z_]\w*")
_ATTRIBUTE = re.compile(r"\.([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may be answered, and the log-probability of each of its tokens."""

    text: str
    log_probs: tuple[float, ...]

    @classmethod
    def certain(cls, text: str, probability: float) -> Candidate:
        """A text that is right so often as a whole, in equal parts for each token."""
        count = max(len(line_tokens(text)), 1)
        return cls(text, (math.log(probability) / count,) * count)


class EmbeddedWriter:
    """A `TextWriter`; `start` makes it better after a few seconds. Its methods may be called from several threads."""

    name = NAME

    def __init__(self, folder: Path | None = None, *, seconds: float = SECONDS) -> None:
        """What is known of the standard library is kept in `folder` between runs; None: nowhere.

        seconds: after which a line is only finished and none is begun.
        """
        self._seconds = seconds
        self._library = LibraryModel(folder)
        self._attributes = AttributeFinder(folder)
        self._earlier, self._earlier_coded = RecentText(), RecentText()
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
            if len(self._earlier.tokens) > _EARLIER_TOKENS:
                latest, self._earlier = self._earlier.tokens[-_EARLIER_TOKENS // 2 :], RecentText()
                self._earlier.add(latest)
                self._earlier_coded = RecentText()
                self._earlier_coded.add(coded_stream(latest))
            self._earlier.add(stream)
            self._earlier_coded.add(coded_stream(stream))

    def forget_texts(self) -> None:
        """Forgets the person's earlier text."""
        with self._adding:
            self._added = set()
            self._earlier, self._earlier_coded = RecentText(), RecentText()

    def close(self) -> None:
        """Stops what goes on in the background."""
        self._attributes.close()
        self._library.close()

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`. The last log-probability of a line is that of its end; comments have none."""
        if decision == Decision.NO_OP or not 0 <= line < len(state):
            return Completion("", NAME)
        try:
            if decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
                text = clean(_explanation(state, decision, line, context), state, decision, line)
                is_rejected = is_repetition(text, state, decision, line, context.rejected)
                return Completion("" if is_rejected else text, NAME, is_rejected=is_rejected)
            return self._write_code(state, decision, line, context)
        except RecursionError:  # code that is nested too deep for a syntax tree
            return Completion("", NAME)

    def _write_code(self, state: State, decision: Decision, line: int, context: WritingContext) -> Completion:
        place = Place.of(state, decision, line)
        plausibility = _plausibility(place, context)
        if decision != Decision.EDIT_EXISTING_LINES:
            candidates = self._candidates(self._task(place, decision, context, plausibility))
        else:
            candidates = iter(()) if _is_being_typed(state, line) else _repairs(state, line)
        had_rejected = False
        for candidate in candidates:
            context.cancellation.raise_if_cancelled()
            text = clean(candidate.text, state, decision, line)
            if not text or not plausibility.accepts(_rows(place, state, decision, text)):
                continue
            if not is_repetition(text, state, decision, line, context.rejected):
                return Completion(text, NAME, candidate.log_probs)
            had_rejected = True
        return Completion("", NAME, is_rejected=had_rejected)

    def _task(self, place: Place, decision: Decision, context: WritingContext, plausibility: Plausibility) -> _Task:
        deadline = time.monotonic() + self._seconds
        model = NextToken(
            place.file_text(context.problem),
            place.above,
            self._earlier,
            self._library.model,
            self._earlier_coded,
            idiom_model(),
        )
        return _Task(place, decision, plausibility, model, context.cancellation, deadline)

    def _candidates(self, task: _Task) -> Iterator[Candidate]:
        """Texts for the decision, the most probable first."""
        place, is_block = task.place, task.decision == Decision.WRITE_MULTI_LINE
        if not place.is_code:
            return
        if _is_complete(place, task.plausibility):
            if is_block:
                yield _block(task, Line())
            return
        possible_lines = search_lines(task.model, self._start_of(place), task.cancellation, task.deadline)
        lines = [line for line in possible_lines if line.log_prob > _LEAST_PROBABLE]
        lines.sort(key=lambda line: -_fresh_log_prob(line, place))
        ruled = sorted(_ruled(place, task.decision), key=lambda candidate: -sum(candidate.log_probs))
        for line in lines[:_CANDIDATES]:
            while ruled and sum(ruled[0].log_probs) > line.log_prob:
                yield ruled.pop(0)
            if not is_block:
                yield Candidate(place.new_text(task.decision, place.completion(line)), _log_probs(line))
            elif task.plausibility.accepts([place.before + place.completion(line)]):
                yield _block(task, line)
        yield from ruled
        if place.fragment and not is_block and possible_lines and possible_lines[0].log_probs:
            yield from _whole_word(task, possible_lines[0])

    def _start_of(self, place: Place) -> LineStart:
        names = None
        if place.receiver:
            names = self._attributes.attributes(place.lines, place.line, place.receiver, _ATTRIBUTE_SECONDS)
        return LineStart(place.context, place.brackets, place.fragment, names)


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be written, and with what. deadline: by `time.monotonic`."""

    place: Place
    decision: Decision
    plausibility: Plausibility
    model: NextToken
    cancellation: Cancellation
    deadline: float


def _whole_word(task: _Task, line: Line) -> Iterator[Candidate]:
    """The word that the cursor is in, if it is sure, where the rest of the line is not."""
    word = Line(line.tokens[:1], line.log_probs[:1])
    if word.log_prob > _SURE_WORD and len(task.place.fragment) > 1:
        yield Candidate(task.place.new_text(task.decision, task.place.completion(word)), word.log_probs)


def _block(task: _Task, first: Line) -> Candidate:
    """A line and those that are likely to follow it."""
    place = task.place
    lines = [Candidate(place.before + place.completion(first), _log_probs(first))]
    tokens = [*place.context, *first.tokens]
    while len(lines) <= _BLOCK_LINES and time.monotonic() < task.deadline:
        text = lines[-1].text
        opens = opens_block(text)
        if line_tokens(text)[:1] in _NOTHING_FOLLOWS or (opens and place.has_body_below(text)):
            break
        indent = indentation(text) + (place.unit if opens else "")
        above = [*place.lines[: place.line], *(line.text for line in lines)]
        if pattern := next(patterns(above, indent), None):
            lines += [Candidate.certain(indent + row, pattern.probability) for row in pattern.lines]
            break
        tokens.append(LINE_END)
        if opens:
            tokens.append(INDENT)
        elif task.model.probabilities(tokens).get(DEDENT, 0.0) > 0.5:
            break
        following = _following(task, tokens, above)
        if following is None:
            break
        added = [*lines, Candidate(indent + spell(following.tokens), _log_probs(following))]
        if not _is_likely_block(added) or not task.plausibility.accepts([candidate.text for candidate in added]):
            break
        lines = added
        tokens += following.tokens
    while len(lines) > 1 and opens_block(lines[-1].text):
        lines.pop()
    return Candidate("\n".join(line.text for line in lines), tuple(p for line in lines for p in line.log_probs))


def _following(task: _Task, tokens: list[str], above: list[str]) -> Line | None:
    """The most probable next line that does not stand shortly above; None: none is probable."""
    recent = {line.strip() for line in above[-_NEAR:]}
    lines = search_lines(task.model, LineStart(tokens), task.cancellation, task.deadline)
    following = next((line for line in lines if spell(line.tokens) not in recent), None)
    return following if following is not None and _mean(following) >= _SURE else None


def _is_likely_block(lines: list[Candidate]) -> bool:
    return sum(p for line in lines for p in line.log_probs) >= _LEAST_PROBABLE_BLOCK


def _is_complete(place: Place, plausibility: Plausibility) -> bool:
    """Whether the line can be meant as it stands, so that nothing is to be added to it."""
    if not place.typed or place.brackets or place.after.strip() or place.typed == ("return",):
        return False
    return opens_block(place.before) or plausibility.is_statement([place.lines[place.line]])


def _is_being_typed(state: State, line: int) -> bool:
    """Whether the cursor is at the line's end: what is missing there is still to come."""
    return state.cursor.on and state.cursor.line == line and state.cursor.char >= len(strip_line_end(state.lines[line]))


def _plausibility(place: Place, context: WritingContext) -> Plausibility:
    around = surroundings(place.lines, place.line, indentation(place.lines[place.line]) or place.indent)
    text = "\n".join(place.lines)
    statement = context.problem.statement if context.problem is not None else ""
    return Plausibility(
        around,
        frozenset(_ATTRIBUTE.findall(text)),
        frozenset(_NAME.findall(text)),
        place.problem_names(context.problem),
        may_raise=bool(_ERRORS.search(text) or _ERRORS.search(statement)),
    )


def _rows(place: Place, state: State, decision: Decision, text: str) -> list[str]:
    """The rows that the text is on, in the file with it."""
    column = state.cursor.char if state.cursor.on and state.cursor.line == place.line else None
    lines = apply_text(place.lines, decision, place.line, text, column)
    return lines[place.line : place.line + 1 + len(lines) - len(place.lines)]


def _repairs(state: State, line: int) -> Iterator[Candidate]:
    for text in repaired_lines([strip_line_end(line_text) for line_text in state.lines], line):
        yield Candidate.certain(text, _REPAIR_PROBABILITY)


def _ruled(place: Place, decision: Decision) -> Iterator[Candidate]:
    """What follows by a rule from the lines above, where it goes on from what was typed."""
    typed = place.before.strip()
    for pattern in patterns(place.lines[: place.line], place.indent):
        lines = pattern.lines if decision == Decision.WRITE_MULTI_LINE else pattern.lines[:1]
        if lines[0].startswith(typed) and lines[0] != typed and not place.after.strip():
            added = lines[0] if not typed else lines[0][len(typed) :]
            first = place.new_text(decision, added if place.before else place.indent + added)
            yield Candidate.certain("\n".join([first, *(place.indent + row for row in lines[1:])]), pattern.probability)


def _log_probs(line: Line) -> tuple[float, ...]:
    return line.log_probs if line.end_log_prob is None else (*line.log_probs, line.end_log_prob)


def _fresh_log_prob(line: Line, place: Place) -> float:
    """The line's log-probability, less where the line stands shortly above: few statements are made twice."""
    return line.log_prob - (_TWICE if place.stands_above(line) else 0.0)


def _mean(line: Line) -> float:
    return line.log_prob / (len(line.tokens) + 1)


def _explanation(state: State, decision: Decision, line: int, context: WritingContext) -> str:
    lines = [strip_line_end(line_text) for line_text in state.lines]
    if _is_name_being_typed(state, lines, line):
        return ""
    stated = context.problem.statement if context.problem is not None else ""
    if decision == Decision.EXPLAIN_SINGLE_LINES:
        return explain_statement(lines, line, stated)
    return "\n".join(explain_block(lines, line, stated))


def _is_name_being_typed(state: State, lines: list[str], line: int) -> bool:
    """Whether the cursor stands behind a name at the line's end that stands nowhere else: probably half of one."""
    if not (state.cursor.on and state.cursor.line == line and state.cursor.char >= len(lines[line])):
        return False
    last = re.search(r"(?<![\w.])[^\W\d]\w*$", lines[line])
    if last is None or keyword.iskeyword(last[0]) or last[0] in PREDEFINED:
        return False
    return len(re.findall(rf"\b{last[0]}\b", "\n".join(lines))) == 1
