"""The statements of a text and of a problem's solution, their tokens, and the names that a person may choose.

Not here: which statements belong together (`solution_alignment`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from comments import comment_words, split
from delegates.python_lexer import CLOSING, OPENING, is_name, logical_lines, token_spans
from delegates.syntax import parses
from indentation import indent_style

_COMPARISONS = frozenset({"==", "!=", "<=", ">="})


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a statement's line. variable: whether its name is the text's own choice."""

    text: str
    start: int
    end: int
    variable: bool = False


@dataclass(frozen=True)
class Statement:
    """A statement's line, with all rows that it spans.

    row, end: its rows in the text, `end` exclusive, with a docstring below it. depth: blocks that it is in. indent: the
    blanks before it.
    lines: its rows without comments.
    """

    row: int
    end: int
    depth: int
    indent: str
    lines: tuple[str, ...]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Tokens of all rows; a name is a variable where it is no attribute and no keyword argument."""
        return code_tokens("\n".join(self.lines))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokens' texts, strings in one form."""
        return tuple(normal_form(token.text) for token in self.tokens)

    @cached_property
    def assigned(self) -> frozenset[str]:
        """Names to which it may give a value: the variables before its last `=`, or between `for` and `in`."""
        words = self.words
        last = max((i for i, word in enumerate(words) if word.endswith("=") and word not in _COMPARISONS), default=0)
        if words[0] == "for" and "in" in words:
            last = words.index("in")
        return frozenset(token.text for token in self.tokens[:last] if token.variable)

    @property
    def opens_block(self) -> bool:
        """Whether a block must follow."""
        return self.words[-1:] == (":",)


@dataclass(frozen=True, eq=False)
class Solution:
    """The solution of a problem, read once.

    bound: names that it binds itself, so that a person may have chosen others. notes: of each statement, what the
    comments above it and at its end say. skeleton: statements that are given to the person.
    """

    statements: tuple[Statement, ...]
    bound: frozenset[str]
    notes: tuple[str, ...]
    skeleton: int


@lru_cache(maxsize=64)
def read_solution(lines: tuple[str, ...], skeleton: int, entry_point: str) -> Solution:
    """The solution whose first `skeleton` lines are given to the person."""
    statements = tuple(read_statements(lines))
    skeleton_statements = sum(statement.row < skeleton for statement in statements)
    fixed = {*re.findall(r"\w+", entry_point), "self", "cls"}
    return Solution(statements, frozenset(_bound_names(lines) - fixed), _notes(lines, statements), skeleton_statements)


def read_statements(lines: Sequence[str]) -> Iterator[Statement]:
    """The statements of a text in order; strings that are statements of their own are left out."""
    code, notes = zip(*split(lines), strict=True) if lines else ((), ())
    logical = [line for line in logical_lines("\n".join(code)) if not _is_string(line.tokens)]
    depths = _depths([line.indent for line in logical])
    ends = [*(line.row for line in logical[1:]), len(lines)]
    for line, following, depth in zip(logical, ends, depths, strict=False):
        code_end = next((i for i in range(following, line.row, -1) if code[i - 1].strip()), line.row + 1)
        docstring_end = next((i for i in range(following, code_end, -1) if _is_docstring(notes[i - 1])), code_end)
        rows = tuple(code[line.row : code_end])
        end = docstring_end if line.tokens[-1] == ":" else code_end
        statement = Statement(line.row, end, depth, line.indent, rows)
        if statement.tokens:  # none: a backslash alone
            yield statement


def _is_docstring(note: str) -> bool:
    return bool(note) and not note.startswith("#")


def _is_string(tokens: Sequence[str]) -> bool:
    """Whether a statement is nothing but a string."""
    return len(tokens) == 1 and tokens[0][-1] in "\"'"


def _depths(indents: Sequence[str]) -> list[int]:
    """Levels of indentations: by their width where the text has one, else by how many others are less deep.

    So the rest of a block whose first line was deleted is still as deep as it was.
    """
    columns = [len(indent.expandtabs(8)) for indent in indents]
    levels = sorted(set(columns))
    style = indent_style(tuple(f"{indent}x" for indent in indents))
    width = len(style.unit.expandtabs(8)) if style is not None else 0
    if width and min(columns) == 0 and levels[1] == width and not any(column % width for column in columns):
        return [column // width for column in columns]
    return [levels.index(column) for column in columns]


@lru_cache(maxsize=4096)
def code_tokens(text: str) -> tuple[Token, ...]:
    """Tokens with their places; those of the expressions in an f-string one by one."""
    pieces = [piece for token, start, _ in token_spans(text) for piece in _pieces(token, start) if piece[0]]
    brackets, tokens = list[str](), list[Token]()
    for i, (piece, start) in enumerate(pieces):
        before = pieces[i - 1][0] if i else ""
        after = pieces[i + 1][0] if i + 1 < len(pieces) else ""
        if piece in OPENING:
            is_parameters = i == 2 and pieces[0][0] == "def"
            is_call = not is_parameters and (is_name(before) or before in tuple(CLOSING))
            brackets.append("call" if is_call else piece)
        elif piece in CLOSING and brackets:
            brackets.pop()
        is_keyword = after == "=" and brackets[-1:] == ["call"] and before in ("(", ",")
        tokens.append(Token(piece, start, start + len(piece), is_name(piece) and before != "." and not is_keyword))
    return tuple(tokens)


_F_STRING = re.compile(r"[rR]?[fF][rR]?[\"']")
_REPLACEMENT = re.compile(r"(?<!\{)\{(?!\{)([^{}:!=]+)")


def _pieces(token: str, start: int) -> Iterator[tuple[str, int]]:
    """The token with its place; an f-string as its literal parts and the tokens of its expressions."""
    done = 0
    if _F_STRING.match(token):
        for expression in _REPLACEMENT.finditer(token):
            yield token[done : expression.start(1)], start + done
            for inner, inner_start, _ in token_spans(expression[1]):
                yield inner, start + expression.start(1) + inner_start
            done = expression.end(1)
    yield token[done:], start + done


@lru_cache(maxsize=4096)
def normal_form(token: str) -> str:
    """A string without backslashes with the quotes that `repr` gives it; another token as it is."""
    if token[-1:] in ("'", '"') and len(token) > 1 and "\\" not in token:
        try:
            return repr(ast.literal_eval(token))
        except (SyntaxError, ValueError):
            pass
    return token


def _bound_names(lines: Sequence[str]) -> set[str]:
    """Names that are parameters, assigned to, or of functions within the text; none if it is no Python."""
    text = "\n".join(lines)
    if not parses(text):
        return set()
    bound, methods = set(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods |= {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
    return bound - methods


def _notes(lines: Sequence[str], statements: Sequence[Statement]) -> tuple[str, ...]:
    """What the comments directly above each statement and on its rows say, without `#`."""
    comments = [comment_words(line.note) if line.note.startswith("#") else "" for line in split(lines)]
    notes, begin = [], 0
    for statement in statements:
        notes.append(" ".join(note for note in comments[begin : statement.end] if note))
        begin = statement.end
    return tuple(notes)
