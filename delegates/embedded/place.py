"""Where code is to be written, as the n-gram model sees it: the tokens before, and how found tokens become text.

Not here: which tokens are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from actions import Decision
from alignment import strip_line_end
from comments import strip_comment
from delegates.embedded.line_search import Line
from delegates.embedded.recent_text import RecentText
from delegates.embedded.spelling import spell
from delegates.embedded.vocabulary import LINE_END, indent_signs, token_stream
from delegates.python_lexer import LogicalLine, is_name, line_tokens, logical_lines, open_brackets
from indentation import DEFAULT_WIDTH, indent_style, indentation
from judge import Problem
from state import State

_LINES_ABOVE, _LINES_BELOW = 300, 100
"""Lines around the cursor that are read."""

_NEAR = 8
"""Lines above among which few are repeated."""

_NAME_IN_PROSE = re.compile(r"`([A-Za-z_]\w*)`")
"""A name that a problem's statement quotes."""

LEAVES = frozenset({"return", "raise", "break", "continue", "pass"})
"""Words of statements that nothing of the same block follows."""


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
        lines = tuple([strip_line_end(text) for text in state.lines])
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
        return above.indent.removesuffix(self.unit) if above.tokens[0] in LEAVES else above.indent

    @cached_property
    def brackets(self) -> list[str]:
        """Brackets that are open where the text begins."""
        return open_brackets([*self.line_start, *self.typed])

    def has_body_below(self, header: str) -> bool:
        """Whether the lines below are a block that belongs to the line."""
        below = next((line for line in self.lines[self.line + 1 :] if line.strip()), "")
        return len(indentation(below)) > len(indentation(header))

    def stands_above(self, line: Line) -> bool:
        """Whether a found line is one of the last lines above."""
        text = (self.before + self.completion(line)).strip()
        return any(text == above.strip() for above in self.lines[max(self.line - _NEAR, 0) : self.line])

    def new_text(self, decision: Decision, added: str) -> str:
        """What is added, with what stands before it where the decision writes the line anew."""
        return added if decision == Decision.FILL_PARTIAL_LINE else self.before + added

    def file_text(self, problem: Problem | None) -> RecentText:
        """The file's tokens, those above last, after what the problem gives."""
        text = RecentText()
        if problem is not None:
            text.add(token_stream(logical_lines(f"{problem.preamble}\n{problem.starter_code}")))
            text.add(_NAME_IN_PROSE.findall(problem.statement))
        below = "\n".join(self.lines[self.line + 1 : self.line + 1 + _LINES_BELOW])
        text.add(token_stream(logical_lines(below)))
        text.add([LINE_END, *self.above])
        return text

    def problem_names(self, problem: Problem | None) -> frozenset[str]:
        """Names that the problem's statement quotes, or its starter code has."""
        if problem is None:
            return frozenset()
        starter = line_tokens(f"{problem.preamble}\n{problem.starter_code}")
        return frozenset([*_NAME_IN_PROSE.findall(problem.statement), *filter(is_name, starter)])

    def completion(self, line: Line) -> str:
        """The found tokens as text that follows `before`."""
        typed = self.typed[:-1] if self.fragment else self.typed
        text = spell(line.tokens, typed)
        if self.fragment:
            return text.lstrip().removeprefix(self.fragment)
        if not self.before.strip():
            return (self.indent if not self.before else "") + text.lstrip()
        return text.lstrip() if self.before.endswith((" ", "\t")) else text
