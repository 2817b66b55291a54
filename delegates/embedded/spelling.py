"""How tokens are written in a line: which of them have a blank between them. Not here: which tokens they are."""

from __future__ import annotations

from collections.abc import Sequence

from delegates.python_lexer import CLOSING, OPENING, is_name

_TIGHT_BEFORE = frozenset(CLOSING) | {",", ":", ".", ";"}
_TIGHT_AFTER = frozenset(OPENING) | {".", "~"}
_SIGNS = frozenset({"+", "-", "*", "**", "~"})
_VALUE_KEYWORDS = frozenset({"None", "True", "False"})


def spell(tokens: Sequence[str], before: Sequence[str] = ()) -> str:
    """The tokens as text in the usual style (PEP 8), following `before` on the same line.

    The text begins with a blank where one stands between the last token before and the first.
    """
    parts: list[str] = []
    speller = _Speller()
    for i, token in enumerate([*before, *tokens]):
        blank = speller.blank_before(token)
        if i >= len(before):
            parts.append(" " * blank + token)
        speller.add(token)
    return "".join(parts)


class _Speller:
    """Goes through a line's tokens and knows which brackets are open."""

    def __init__(self) -> None:
        self.last = ""
        self.before_last = ""
        self.open: list[str] = []
        self.is_lambda = False
        self.is_signature = False
        self.annotated = False

    def blank_before(self, token: str) -> bool:
        last = self.last
        if "import" in (token, last) or (last == "from" and token[0] == "."):
            return bool(last)
        if not last or last in _TIGHT_AFTER or token in _TIGHT_BEFORE or self._is_sign(last, self.before_last):
            return False
        if last == "@" and not self.before_last:
            return False
        if token in ("(", "["):
            return not (is_name(last) or last in CLOSING or last[-1] in "\"'" or last in _VALUE_KEYWORDS)
        if "=" in (token, last) and self._is_keyword_argument():
            return self.annotated
        return not (last == ":" and self._is_slice())

    def add(self, token: str) -> None:
        if token in OPENING:
            call = token == "(" and (is_name(self.last) or self.last in CLOSING)
            self.open.append("call" if call else token)
        elif token in CLOSING and self.open:
            self.open.pop()
        elif token in ("def", "class"):
            self.is_signature = True
        elif token == "lambda":
            self.is_lambda = True
        elif token == ",":
            self.annotated = False
        if token == ":":
            self.annotated = self.is_signature and bool(self.open) and not self.is_lambda
            self.is_lambda = False
        self.before_last, self.last = self.last, token

    def _is_sign(self, token: str, before: str) -> bool:
        """Whether an operator stands before its only operand."""
        if token not in _SIGNS:
            return False
        value = is_name(before) or before in _VALUE_KEYWORDS or before in CLOSING
        return not (before and (value or before[0].isdigit() or before[-1] in "\"'"))

    def _is_keyword_argument(self) -> bool:
        return self.is_lambda or (bool(self.open) and self.open[-1] == "call")

    def _is_slice(self) -> bool:
        return bool(self.open) and self.open[-1] == "["
