"""A writer for problems that come with a solution: the next missing piece of it, fitted to what the person wrote.

It is no model of anybody's code: it knows the solution, so it is labelled as a tutor, writes only for those who chose
it, and what is kept of its text tells nothing of other writers. Where the person goes another way it is silent: it
writes only between statements of the person's that say what the solution says there, and only if most of their text
does. Not here: which statement is which (`delegates.solution_alignment`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from actions import EXPLAIN, Decision, apply_text
from alignment import similarity, strip_line_end
from delegates.python_lexer import lines_within_statements, open_brackets
from delegates.solution_alignment import (
    LEAST_SIMILARITY,
    SolutionAlignment,
    align_with_solution,
    continuation,
)
from delegates.statements import Solution, Statement, read_solution, read_statements
from delegates.syntax import fits
from delegates.text_writer import NO_CONTEXT, Completion, WritingContext
from indentation import DEFAULT_WIDTH, indent_style, indentation
from state import State

NAME = "tutor"

MOST_FILE_LINES = 500
"""Lines of a text that it reads; a longer one is no text for one problem, and would take too long."""

LEAST_CONFIDENCE = 0.6
"""Share of the person's own statements that must say what the solution says, by their weight."""

MOST_ROWS = 4
"""Rows of a piece: one statement with as much of its block as fits; more where it could not stand alone otherwise."""

_VERY_SIMILAR = 0.8
"""Similarity from which a statement that begins with another word may be meant to be the solution's."""

_CLAUSES = frozenset({"else", "elif", "except", "finally"})
"""First words of what goes on with the statement above it."""
_PLACEHOLDERS = ("pass", "...")
_SIDE_STEPS = frozenset({*_PLACEHOLDERS, "print"})
"""First words of statements that are no step of a solution."""


class Tutor:
    """A `TextWriter` that knows the problem's solution; without one it has nothing to say."""

    name = NAME

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`. Its log-probabilities are unknown, as it has no tokens."""
        context.cancellation.raise_if_cancelled()
        problem = context.problem
        is_possible = decision != Decision.NO_OP and 0 <= line < len(state) <= MOST_FILE_LINES
        if problem is None or not problem.solution or not is_possible:
            return Completion("", NAME)
        solution = read_solution(problem.solution, problem.skeleton, problem.entry_point)
        if decision in EXPLAIN:
            text = _note(_stripped_lines(state), line, solution)
        elif _passes(state):
            return Completion("", NAME)
        else:
            text = _code(state, decision, line, solution)
        if not _is_fitting(text, state, decision, line):
            return Completion("", NAME)
        is_rejected = _without_blanks(text) in {_without_blanks(deleted) for deleted in context.rejected}
        return Completion("" if is_rejected else text, NAME, is_rejected=is_rejected)


def _passes(state: State) -> bool:
    """Whether the text is known to pass all tests."""
    return state.env is not None and bool(state.env.tests_total) and state.env.tests_passed == state.env.tests_total


def _is_fitting(text: str, state: State, decision: Decision, line: int) -> bool:
    """Whether the text changes something and is right Python in its place."""
    if not text.strip():
        return False
    lines = _stripped_lines(state)
    edited = apply_text(lines, decision, line, text, _column(state, line))
    if tuple(edited) == lines or decision in EXPLAIN:
        return tuple(edited) != lines
    return fits(edited, line, line + 1 + len(edited) - len(lines), [lines[line]])


def _without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _stripped_lines(state: State) -> tuple[str, ...]:
    return tuple(strip_line_end(line) for line in state.lines)


def _column(state: State, line: int) -> int | None:
    """The cursor's column if it is on the line."""
    return state.cursor.char if state.cursor.on and state.cursor.line == line else None


class _Kind(Enum):
    """What a line is, beside the solution.

    FREE: blank, or a placeholder. BEGUN: the beginning of a statement that is missing. COMPLETE: the end of one that is
    there. DIFFERS: meant to be one, but says something else.
    """

    FREE = "free"
    BEGUN = "begun"
    COMPLETE = "complete"
    DIFFERS = "differs"


@dataclass(frozen=True, eq=False)
class _Place:
    """A line of a text, and what of the solution is missing there.

    lines: of the text. alignment: of its statements, without the line's own unless it is complete; `above` of them are
    above the line (or are it). missing_indices: of the solution's statements that are due at the line, or below a
    complete one. remainder: what a begun line lacks.
    """

    lines: tuple[str, ...]
    line: int
    kind: _Kind
    alignment: SolutionAlignment
    above: int
    missing_indices: range
    remainder: str = ""

    @property
    def text(self) -> str:
        """The line."""
        return self.lines[self.line]

    def indent(self, j: int) -> str | None:
        """The blanks that statement `j` of the solution has where it belongs here; None: it has no place here."""
        statements = self.alignment.solution.statements
        depth = statements[j].depth
        for above, k in zip(
            reversed(self.alignment.statements[: self.above]),
            reversed(self.alignment.of_text[: self.above]),
            strict=True,
        ):
            if k >= 0 and statements[k].depth == depth:
                return above.indent
            if k >= 0 and statements[k].depth < depth:
                return above.indent + self.unit if statements[k].depth == depth - 1 and above.opens_block else None
        return "" if depth == 0 else None

    @property
    def unit(self) -> str:
        """What a level of indentation is written with."""
        style = indent_style(self.lines)
        return style.unit if style is not None else " " * DEFAULT_WIDTH

    def rows(self, j: int, indent: str) -> list[str]:
        """The rows of statement `j` with the person's names, at an indentation."""
        return [row and indent + row for row in self.alignment.rendered(j)]

    def piece(self, most_rows: int) -> list[str]:
        """The rows of the next missing statement, with what of its block fits into so many rows.

        More where it would end with the beginning of a block, or with a `try` alone.
        """
        if not self.missing_indices:
            return []
        statements = self.alignment.solution.statements
        first = self.missing_indices[0]
        indent = self.indent(first)
        if indent is None:
            return []
        rows: list[str] = []
        for steps in _steps(statements, self.missing_indices):
            if steps[0] > first and not _belongs_to(statements[first], statements[steps[0]]):
                break
            more = [row for j in steps for row in self.rows(j, indent + self._deeper(first, j))]
            if rows and len(rows) + len(more) > most_rows and not _is_try_alone(statements[first : steps[0]]):
                break
            rows += more
        return rows

    def _deeper(self, first: int, j: int) -> str:
        """The blanks that statement `j` of the solution has more than the first."""
        statements = self.alignment.solution.statements
        return (statements[j].depth - statements[first].depth) * self.unit


def _steps(statements: Sequence[Statement], missing_indices: range) -> Iterator[list[int]]:
    """The missing statements, each with the beginnings of blocks directly above it, without which it cannot stand."""
    openings: list[int] = []
    for j in missing_indices:
        openings.append(j)
        if not statements[j].opens_block:
            yield openings
            openings = []
    if openings:
        yield openings


def _belongs_to(first: Statement, later: Statement) -> bool:
    """Whether a statement stands in the block of an earlier one, or goes on with it."""
    return later.depth > first.depth or (later.depth == first.depth and later.words[0] in _CLAUSES)


def _is_try_alone(statements: Sequence[Statement]) -> bool:
    """Whether the first of these is a `try` that nothing catches yet."""
    return statements[0].words[0] == "try" and all(other.depth > statements[0].depth for other in statements[1:])


def _code(state: State, decision: Decision, line: int, solution: Solution) -> str:
    """The text for a decision that writes code; "": nothing."""
    place = _place(_stripped_lines(state), line, _column(state, line), solution)
    if place is None or not place.missing_indices:
        return ""
    if place.kind is _Kind.COMPLETE:
        rows = place.piece(MOST_ROWS) if decision is Decision.WRITE_MULTI_LINE else []
        return "\n".join([place.text, *rows]) if rows else ""
    if decision is Decision.EDIT_EXISTING_LINES:
        return "\n".join(place.piece(1))
    is_in_place = not place.text or indentation(place.text) == place.indent(place.missing_indices[0])
    return _new_text(place, decision) if is_in_place and place.kind is not _Kind.DIFFERS else ""


def _new_text(place: _Place, decision: Decision) -> str:
    """What a line that is blank or begun becomes."""
    if decision is Decision.WRITE_MULTI_LINE:
        return "\n".join(place.piece(MOST_ROWS))
    if decision is Decision.WRITE_SINGLE_LINE:
        return _single(place)
    if place.kind is _Kind.BEGUN:
        return "" if "\n" in place.remainder else place.remainder
    return "" if place.text.strip() else _single(place).removeprefix(place.text)


def _single(place: _Place) -> str:
    """The next missing statement if it is one row."""
    j = place.missing_indices[0]
    rows = place.rows(j, place.indent(j) or "")
    return rows[0] if len(rows) == 1 else ""


def _place(lines: tuple[str, ...], line: int, column: int | None, solution: Solution) -> _Place | None:
    """What the line is beside the solution; None: nothing, or the person goes another way."""
    code = lines[line].strip()
    if code and code not in _PLACEHOLDERS and (complete := _complete(lines, line, solution)) is not None:
        return complete
    if re.match(r"print\b|#", code) or lines_within_statements(lines[: line + 1])[-1]:
        return None
    unwritten = indentation(lines[line]) + _PLACEHOLDERS[0] if code else ""
    alignment = _aligned((*lines[:line], unwritten, *lines[line + 1 :]), solution)
    above = sum(statement.row < line for statement in alignment.statements)
    missing_indices = _missing_indices(alignment, above) if _follows(alignment) else range(0)
    place = _Place(lines, line, _Kind.FREE, alignment, above, missing_indices)
    if not code or code in _PLACEHOLDERS:
        return place
    return _begun(place, column) or _differing(place)


@lru_cache(maxsize=32)
def _aligned(lines: tuple[str, ...], solution: Solution) -> SolutionAlignment:
    """The alignment of a text's statements with the solution's, without those that are no step of a solution."""
    statements = [statement for statement in read_statements(lines) if statement.words[0] not in _SIDE_STEPS]
    return align_with_solution(statements, solution)


def _complete(lines: tuple[str, ...], line: int, solution: Solution) -> _Place | None:
    """The place if the line ends a statement that says what the solution says; None: it does not."""
    alignment = _aligned(lines, solution)
    at = next((i for i, statement in enumerate(alignment.statements) if statement.end == line + 1), -1)
    j = alignment.of_text[at] if at >= 0 else -1
    if j < 0 or not alignment.exact[j]:
        return None
    missing_indices = _missing_indices(alignment, at + 1) if _follows(alignment) else range(0)
    return _Place(lines, line, _Kind.COMPLETE, alignment, at + 1, missing_indices)


def _begun(place: _Place, column: int | None) -> _Place | None:
    """The place if the line up to the cursor is the beginning of a missing statement, and nothing stands behind."""
    column = len(place.text) if column is None else column
    typed = place.text[:column].lstrip()
    if place.text[column:].strip():
        return None
    for j in place.missing_indices:
        beginning = continuation(typed, j, place.alignment)
        if beginning is not None and beginning.remainder.strip():
            alignment = replace(place.alignment, names=beginning.names)
            missing_indices = range(j, place.missing_indices.stop)
            return replace(
                place,
                kind=_Kind.BEGUN,
                alignment=alignment,
                missing_indices=missing_indices,
                remainder=beginning.remainder,
            )
    return None


def _differing(place: _Place) -> _Place | None:
    """The place if the line is like a missing statement, and this one defines all that the line does."""
    statements = list(read_statements([place.text]))
    if len(statements) != 1 or open_brackets(statements[0].words):
        return None
    (typed,) = statements
    for j in place.missing_indices:
        (solution_statement,) = read_statements(place.rows(j, ""))
        same_place = indentation(place.text) == place.indent(j) and typed.opens_block == solution_statement.opens_block
        if same_place and _is_meant_to_be(typed, solution_statement):
            return replace(place, kind=_Kind.DIFFERS, missing_indices=range(j, j + 1))
    return None


def _is_meant_to_be(typed: Statement, solution_statement: Statement) -> bool:
    """Whether one statement is like another one, which gives values to all names to which it does."""
    alike = similarity("\0".join(typed.words), "\0".join(solution_statement.words))
    least = LEAST_SIMILARITY if typed.words[0] == solution_statement.words[0] else _VERY_SIMILAR
    return alike >= least and typed.assigned <= solution_statement.assigned


def _missing_indices(alignment: SolutionAlignment, above: int) -> range:
    """Statements of the solution that belong directly below the first `above` of the text and are not there.

    None if a statement beside the place is the person's own: then how it goes on is theirs, too. They end before one
    that the text has in another order.
    """
    of_text, exact = alignment.of_text, alignment.exact
    before = of_text[above - 1] if above else -1
    after = of_text[above] if above < len(of_text) else len(exact)
    if above and (before < 0 or not exact[before]):
        return range(0)
    if above < len(of_text) and (after < 0 or not exact[after]):
        return range(0)
    return range(before + 1, next((j for j in range(before + 1, after) if j in alignment.elsewhere), after))


def _follows(alignment: SolutionAlignment) -> bool:
    """Whether the person goes the solution's way: the given definitions are there, and most of the rest is alike."""
    skeleton = alignment.solution.skeleton
    definitions = [j for j in range(skeleton) if alignment.solution.statements[j].opens_block]
    later = [j for j in alignment.of_text if not 0 <= j < skeleton]
    alike = sum(alignment.weight[j] for j in later if j >= 0 and alignment.exact[j])
    return all(alignment.exact[j] for j in definitions) and alike >= LEAST_CONFIDENCE * len(later)


def _note(lines: tuple[str, ...], line: int, solution: Solution) -> str:
    """Why the solution does what the line's statement does: its comment there, of a block that in it; "": nothing."""
    alignment = _aligned(lines, solution)
    at = next((i for i, statement in enumerate(alignment.statements) if statement.row <= line < statement.end), -1)
    j = alignment.of_text[at] if at >= 0 else -1
    if j < solution.skeleton or not alignment.exact[j] or not _follows(alignment):
        return ""
    note = next((solution.notes[k] for k in _with_block(solution, j) if solution.notes[k]), "")
    return "" if note and note in "\n".join(lines) else note


def _with_block(solution: Solution, j: int) -> list[int]:
    """Statement `j` and, if it opens a block, those in it."""
    depth = solution.statements[j].depth
    inside = [j]
    for k in range(j + 1, len(solution.statements)):
        if solution.statements[k].depth <= depth:
            break
        inside.append(k)
    return inside
