"""Local variables by how lately they were used instead of by name, so that what others wrote fits one's own names.

`total += price` becomes `<v1> += <v0>` where `price` was used last and `total` before it; a variable that is new is
`<new>` (move-to-front coding, Bentley et al. 1986). Attributes, functions, modules and built-in names stay as they are.
Not here: how probable such tokens are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from delegates.embedded.vocabulary import DEDENT, INDENT, LINE_END
from delegates.python_lexer import BUILTINS, is_name

NEW = "<new>"
"""A variable that was not there before."""

MOST_RANKS = 9
"""Variables that are told apart; those used longer ago stay as they are named."""

RANKS = tuple(f"<v{rank}>" for rank in range(MOST_RANKS))

_NO_VARIABLES = frozenset({"self", "cls", "_"})


@dataclass(slots=True)
class VariableCoder:
    """Codes a program's tokens one by one. names: the variables of the function, the latest used first."""

    names: list[str] = field(default_factory=list)
    is_line_start: bool = True
    is_target: bool = False
    depth: int = 0
    last: str = LINE_END
    is_header: bool = False

    def copy(self) -> VariableCoder:
        """Another one that goes on from here."""
        return VariableCoder(
            list(self.names), self.is_line_start, self.is_target, self.depth, self.last, self.is_header
        )

    def code(self, token: str, following: str = "") -> str:
        """The token's code. following: the token after it, if it is known."""
        coded = token
        if token in (LINE_END, INDENT, DEDENT):
            self.is_line_start, self.is_target, self.depth, self.is_header = True, False, 0, False
            self.last = token
            return coded
        if token in ("def", "class") and self.is_line_start:
            self.names.clear()
            self.is_header = True
        elif is_name(token):
            coded = self._code_name(token, following)
        self._follow(token)
        return coded

    def _code_name(self, token: str, following: str) -> str:
        if self.last == "." or token in _NO_VARIABLES or token in BUILTINS:
            return token
        if self.depth and following == "=" and not self.is_header:  # a keyword argument
            return token
        if token in self.names:
            rank = self.names.index(token)
            del self.names[rank]
            self.names.insert(0, token)
            return RANKS[rank] if rank < MOST_RANKS else token
        binds = self._binds(following)
        if binds:
            self.names.insert(0, token)
        return NEW if binds else token

    def _binds(self, following: str) -> bool:
        if self.is_header:
            return self.last in ("(", ",", "*", "**") and self.depth == 1
        if self.last in ("def", "class", "import", "from"):
            return False
        if self.is_target or self.last == "as":
            return True
        return self.is_line_start and following not in ("(", ".", "[")

    def _follow(self, token: str) -> None:
        if token in ("(", "[", "{"):
            self.depth += 1
        elif token in (")", "]", "}"):
            self.depth -= 1
        if token == "for":
            self.is_target = True
        elif token == "in":
            self.is_target = False
        begins = self.last in (LINE_END, INDENT, DEDENT, ",")
        if token != "," and not (is_name(token) and begins):
            self.is_line_start = False
        self.last = token

    def decode(self, coded: str) -> str:
        """The token that a code stands for here; "": none."""
        if coded == NEW:
            return ""
        if coded in _RANK_OF:
            rank = _RANK_OF[coded]
            return self.names[rank] if rank < len(self.names) else ""
        return coded


_RANK_OF = {coded: rank for rank, coded in enumerate(RANKS)}


def coded_stream(tokens: Sequence[str], coder: VariableCoder | None = None) -> list[str]:
    """The codes of a program's tokens."""
    coder = coder or VariableCoder()
    return [coder.code(token, following) for token, following in zip(tokens, [*tokens[1:], ""], strict=False)]
