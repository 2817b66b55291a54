"""What may be wrong with a text that a writer put into a file, told without knowing how it was written.

Not here: whether the text is what the person wanted (`simulation.acceptance`), who wrote it.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from actions import EXPLAIN, Decision
from comments import comment_texts, strip_comment
from delegates.python_lexer import PREDEFINED, line_tokens, token_spans
from delegates.syntax import opens_block
from indentation import indentation

NEAR = 3
"""Lines above and below of which a text repeats none."""


_GENERIC = frozenset([
    "a", "add", "adds", "again", "an", "and", "argument", "arguments", "as", "at", "becomes", "beginning", "but",
    "by", "call", "calls", "check", "checks", "class", "count", "counts", "declare", "define", "defines", "delete",
    "deletes", "dictionary", "differs", "divide", "divides", "down", "each", "element", "elements", "empty", "end",
    "ends", "equal", "equals", "exception", "false", "from", "function", "go", "goes", "greater", "if", "import",
    "imports", "in", "including", "instance", "into", "is", "it", "its", "kind", "least", "leave", "leaves", "less",
    "line", "list", "long", "loop", "make", "makes", "modulo", "most", "multiplies", "new", "next", "no", "none",
    "nonempty", "not", "number", "of", "on", "or", "other", "otherwise", "past", "places", "power", "print", "prints",
    "put", "puts", "raise", "raises", "remainder", "repeat", "repeats", "return", "returns", "round", "rounds", "set",
    "sets", "something", "start", "step", "stop", "string", "subtract", "subtracts", "sure", "swap", "swaps", "take",
    "takes", "text", "than", "that", "the", "then", "this", "through", "time", "to", "true", "tuple", "until", "up",
    "use", "uses", "value", "variable", "when", "whether", "while", "with", "within",
])  # fmt: skip
"""Words that say no more than a statement's own keyword or operator does."""


@dataclass(frozen=True, slots=True)
class WrittenLines:
    """A file after a text was put into it. before, after: lines without ends; rows: those of `after` that it wrote."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    rows: range
    decision: Decision

    @classmethod
    def of(cls, before: Sequence[str], after: Sequence[str], decision: Decision) -> WrittenLines:
        """The written rows are those between what both files begin and end with."""
        shorter = min(len(before), len(after))
        start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
        most = shorter - start
        end = next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)
        return cls(tuple(before), tuple(after), range(start, len(after) - end), decision)

    @property
    def texts(self) -> list[str]:
        """The written lines."""
        return [self.after[row] for row in self.rows]


def faults(edit: WrittenLines) -> list[str]:
    """The names of all that is wrong, in the order of `FAULTS`."""
    return [name for name, is_wrong in FAULTS.items() if is_wrong(edit)]


def _is_wrong_python(edit: WrittenLines) -> bool:
    """Whether neither the file nor what stands down to the text is a program, although it was one before."""
    if edit.decision in EXPLAIN or _tree(edit.after, edit.rows) is not None:
        return False
    return _tree(edit.before, range(edit.rows.start, edit.rows.start)) is not None or _first_error(edit)


def _first_error(edit: WrittenLines) -> bool:
    """Whether the first line that is no Python is one of the text's."""
    try:
        ast.parse("\n".join(edit.after[: edit.rows.stop]))
    except SyntaxError as error:
        return (error.lineno or 0) - 1 in edit.rows
    return False


def _has_unknown_names(edit: WrittenLines) -> bool:
    """Whether the text uses a name that nothing in the file binds, or a builtin type as if it were a value."""
    if edit.decision in EXPLAIN:
        return False
    tree = _tree(edit.after, edit.rows)
    if tree is not None:
        known = {*_bound(tree), *PREDEFINED}
        return any(node.id not in known or _is_bare_type(node, tree) for node in _loads(tree, edit.rows))
    return False


def _tree(lines: Sequence[str], rows: range) -> ast.Module | None:
    """Of the whole file, or of it down to the rows; a header without a body gets one. None: neither parses."""
    for end in (len(lines), rows.stop):
        visible_lines = list(lines[:end])
        with_bodies = [
            f"{line} pass" if opens_block(line) and not _has_body(visible_lines, i) else line
            for i, line in enumerate(visible_lines)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return ast.parse("\n".join(with_bodies))
            except (SyntaxError, ValueError):
                continue
    return None


def _has_body(lines: Sequence[str], row: int) -> bool:
    below = next((line for line in lines[row + 1 :] if strip_comment(line).strip()), "")
    return len(indentation(below)) > len(indentation(lines[row]))


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]


def _loads(tree: ast.Module, rows: range) -> Iterator[ast.Name]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.lineno - 1 in rows:
            yield node


def _is_bare_type(name: ast.Name, tree: ast.Module) -> bool:
    """Whether a builtin stands where only a value makes sense: gone through, compared, added, assigned, returned."""
    if not callable(getattr(builtins, name.id, None)) or name.id in set(_bound(tree)):
        return False
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        match node:
            case ast.For() | ast.comprehension():
                values = [node.iter]
            case ast.BinOp():
                values = [node.left, node.right]
            case ast.Return() | ast.Assign() | ast.AugAssign() | ast.Expr():
                values = [node.value]
            case ast.If() | ast.While():
                values = [node.test]
            case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
                values = [node.left, *node.comparators]
        if name in values:
            return True
    return False


def _repeats(edit: WrittenLines) -> bool:
    """Whether the text begins with the lines above it or ends with those below."""
    if edit.decision in EXPLAIN:
        return False
    texts = [line.strip() for line in edit.texts if line.strip()]
    above = [line.strip() for line in edit.after[: edit.rows.start] if line.strip()][-NEAR:]
    below = [line.strip() for line in edit.after[edit.rows.stop :] if line.strip()][:NEAR]
    return any(_says_something(text) and text in [*above, *below] for text in texts)


def _says_something(text: str) -> bool:
    return bool(re.search(r"\w", text)) and text not in ("else:", "try:", "break", "continue")


def _restates(edit: WrittenLines) -> bool:
    """Whether a comment has no word that is not in its statement, or about any statement."""
    if edit.decision not in EXPLAIN:
        return False
    added = set(comment_texts(edit.after)) - set(comment_texts(edit.before))
    code = " ".join(strip_comment(line) for line in edit.after[edit.rows.start : edit.rows.stop + 4])
    known = set(_words(code)) | _GENERIC
    return bool(added) and all(word in known or word.removesuffix("s") in known for word in _words(" ".join(added)))


def _words(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text)]


def _has_odd_blanks(edit: WrittenLines) -> bool:
    """Whether there are two blanks between tokens of one line, or some at its end."""
    if edit.decision in EXPLAIN:
        return False
    for row in edit.rows:
        text = strip_comment(edit.after[row])
        spans = token_spans(text.lstrip())
        gaps = [start - end for (_, _, end), (_, start, _) in pairwise(spans)]
        if any(gap > 1 for gap in gaps) or (text.strip() and text != text.rstrip()):
            return True
    return False


def _does_nothing(edit: WrittenLines) -> bool:
    """Whether a statement of the text has no effect: a bare name, a comparison, `x = x`, `pass`."""
    return edit.decision not in EXPLAIN and any(map(_has_no_effect, edit.texts))


def _has_no_effect(line: str) -> bool:
    if line_tokens(line) in (("pass",), ("...",)):
        return True
    try:
        (statement,) = ast.parse(textwrap.dedent(line)).body
    except (SyntaxError, ValueError):
        return False
    match statement:
        case ast.Expr(value=ast.Name() | ast.Compare() | ast.BinOp() | ast.Attribute() | ast.Subscript()):
            return True
        case ast.Assign(targets=[target], value=value):
            return ast.unparse(target) == ast.unparse(value)
    return False


FAULTS: dict[str, Callable[[WrittenLines], bool]] = {
    "wrong Python": _is_wrong_python,
    "unknown name": _has_unknown_names,
    "repeats": _repeats,
    "restates": _restates,
    "blanks": _has_odd_blanks,
    "no effect": _does_nothing,
}
"""What tells each kind of fault."""
