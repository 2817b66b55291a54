"""What stands around a place in a half-written file: names that are bound there, the block, the function, the loops.

Lines that are no Python are passed over, so that one of them elsewhere hides little. Not here: what may be written.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from delegates.python_lexer import PREDEFINED, is_name
from delegates.syntax import opens_block
from indentation import indentation

MOST_LINES_AROUND = 400
"""Lines around the place that are read; reading more takes more than some milliseconds."""

_MOST_REPAIRS = 8
_MARK = "__place__"
_BINDING = re.compile(r"\s*([A-Za-z_]\w*)(?:\s*,\s*([A-Za-z_]\w*))*\s*(?::[^=]+)?[-+*/]?=(?!=)")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True)
class Surroundings:
    """What stands around a line. names: that are bound where the line is reached; built-in ones are left out.

    function: the innermost one around the line; None: none. above, below: the statements of the same block.
    enclosing: the statements that the line is in, the outermost first. bindings: statements before the line that bind
    names there.
    """

    names: frozenset[str] = frozenset()
    function: Function | None = None
    above: tuple[ast.stmt, ...] = ()
    below: tuple[ast.stmt, ...] = ()
    enclosing: tuple[ast.stmt, ...] = ()
    bindings: tuple[ast.stmt, ...] = field(default=(), repr=False)
    used: frozenset[str] = frozenset()
    """Names that other lines read and nothing binds: the person means to define them."""
    has_any_name: bool = False
    """Whether `from x import *` may bind any name."""

    @property
    def in_loop(self) -> bool:
        """Whether a loop of the same function is around the line."""
        for statement in reversed(self.enclosing):
            if isinstance(statement, Scope):
                return False
            if isinstance(statement, _LOOPS):
                return True
        return False

    @property
    def in_handler(self) -> bool:
        """Whether the line is in an `except` block, where an exception can be raised again."""
        return any(_is_in_handler(outer, inner) for outer, inner in zip(self.enclosing, self._inner, strict=True))

    @property
    def _inner(self) -> tuple[ast.stmt | None, ...]:
        return (*self.enclosing[1:], None)


def _is_in_handler(outer: ast.stmt, inner: ast.stmt | None) -> bool:
    if not isinstance(outer, ast.Try):
        return False
    blocks = [handler.body for handler in outer.handlers]
    return any(inner in block if inner is not None else any(map(_is_mark, block)) for block in blocks)


def surroundings(lines: Sequence[str], line: int, indent: str) -> Surroundings | None:
    """What stands around `line` of a file for a statement at the indentation `indent`; None: too little is Python."""
    first = max(line - MOST_LINES_AROUND // 2, 0)
    first = next((i for i in range(first, -1, -1) if _BEGINS_TOP_LEVEL.match(lines[i])), 0)
    visible_lines = list(lines[first : line + MOST_LINES_AROUND // 2])
    at = line - first
    below = next((text for text in visible_lines[at + 1 :] if text.strip()), "")
    mark = f"if {_MARK}:" if len(indentation(below)) > len(indent) else _MARK
    visible_lines[at] = indent + mark
    if first:
        visible_lines = [*(text for text in lines[:first] if _IMPORT_OR_VALUE.match(text)), *visible_lines]
    tree, broken = _tolerant_tree([text.replace("\r", " ") for text in visible_lines])  # Python would end a line there
    broken += [f"{match[1]} = " for text in lines[:first] if (match := _TOP_LEVEL_NAME.match(text))]
    if tree is None or (path := _path_to_mark(tree)) is None:
        return None
    return _described(tree, path, broken)


_BEGINS_TOP_LEVEL = re.compile(r"[^\s#)\]}]")
_TOP_LEVEL_NAME = re.compile(r"(?:async\s+def\s+|def\s+|class\s+)?([A-Za-z_]\w*)\s*[(:=]")
_IMPORT_OR_VALUE = re.compile(r"(?:import|from)\s|[A-Za-z_]\w*\s*=\s*[\w.'\"]+\s*$")


def _tolerant_tree(lines: list[str]) -> tuple[ast.Module | None, list[str]]:
    """The tree with `pass` in place of lines that are no Python, and these lines."""
    broken: list[str] = []
    for _ in range(_MOST_REPAIRS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return ast.parse("\n".join(lines)), broken
            except SyntaxError as error:
                _pass_over(lines, error, broken)
            except (ValueError, RecursionError, MemoryError):
                return None, broken
    return None, broken


_BODY_MISSING = re.compile(r"expected an indented block after .* on line (\d+)")


def _pass_over(lines: list[str], error: SyntaxError, broken: list[str]) -> None:
    """Changes the line that an error is about so that it is Python, whatever it says then."""
    row = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
    if header_match := _BODY_MISSING.match(str(error.msg)):
        header = int(header_match[1]) - 1
        header = next((i for i in range(header, row + 1) if opens_block(lines[i])), header)
        lines[header] += " pass"
    elif "'except' or 'finally'" in str(error.msg):
        at = next((i for i in range(row, -1, -1) if lines[i].strip() == "try:"), row)
        lines[at] = indentation(lines[at]) + "if True:"
    else:
        at = next((i for i in range(row, -1, -1) if lines[i].strip() and not _is_passed_over(lines[i])), row)
        broken.append(lines[at])
        below = next((line for line in lines[at + 1 :] if line.strip()), "")
        is_header = opens_block(lines[at]) or len(indentation(below)) > len(indentation(lines[at]))
        lines[at] = indentation(lines[at]) + ("if True:" if is_header else "pass")


def _is_passed_over(text: str) -> bool:
    return text.strip().startswith((_MARK, "pass", "if True:"))


def _is_mark(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Name(id=name)) | ast.If(test=ast.Name(id=name)):
            return name == _MARK
    return False


@dataclass(frozen=True, slots=True)
class _Path:
    """How the mark is reached: the statements around it, and its block with its number there."""

    enclosing: tuple[ast.stmt, ...]
    block: list[ast.stmt]
    index: int


def _path_to_mark(tree: ast.Module) -> _Path | None:
    def search(block: list[ast.stmt], enclosing: tuple[ast.stmt, ...]) -> _Path | None:
        for index, statement in enumerate(block):
            if _is_mark(statement):
                return _Path(enclosing, block, index)
            for inner in blocks_of(statement):
                if path := search(inner, (*enclosing, statement)):
                    return path
        return None

    return search(tree.body, ())


def blocks_of(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of a statement, those of its clauses too."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list):
            yield block
    for clause in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield clause.body


def _described(tree: ast.Module, path: _Path, broken: Sequence[str]) -> Surroundings:
    mark_row = path.block[path.index].lineno
    scopes: list[Scope] = [tree, *(outer for outer in path.enclosing if isinstance(outer, Scope))]
    function = next((outer for outer in reversed(path.enclosing) if isinstance(outer, Function)), None)
    names, bindings = set[str](), list[ast.stmt]()
    for scope in scopes:
        is_innermost = scope is scopes[-1]
        if isinstance(scope, ast.ClassDef) and not is_innermost:
            continue
        if isinstance(scope, Function):
            names.update(_parameters(scope))
        loops = [outer for outer in path.enclosing if isinstance(outer, _LOOPS)] if is_innermost else []
        for statement in _statements(scope.body):
            is_reached = (
                not is_innermost
                or statement.lineno < mark_row
                or any(outer.lineno <= statement.lineno <= (outer.end_lineno or 0) for outer in loops)
            )
            if is_reached and not _is_mark(statement):
                names.update(bound_names(statement))
                if statement.lineno < mark_row:
                    bindings.append(statement)
    for text in broken:
        if binding := _BINDING.match(text):
            names.update(name for name in binding.groups() if name)
        if header := re.match(r"\s*for\s+(.*?)\s+in\b", text):
            names.update(name for name in re.findall(r"[A-Za-z_]\w*", header[1]) if is_name(name))
        if header := re.match(r"\s*(?:async\s+)?def\s+(\w+)\s*\((.*)", text):
            names.update(name for name in re.findall(r"[A-Za-z_]\w*", f"{header[1]} {header[2]}") if is_name(name))
    return Surroundings(
        frozenset(names - {_MARK}),
        function,
        tuple(path.block[: path.index]),
        tuple(path.block[path.index + 1 :]),
        path.enclosing,
        tuple(bindings),
        frozenset(_unbound_names(tree)),
        "*" in names,
    )


def _unbound_names(tree: ast.Module) -> set[str]:
    """Names that the file reads although nothing in it binds them."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.stmt):
            bound.update(bound_names(node))
    return {node.id for node in nodes} - bound - PREDEFINED - {_MARK}


def _parameters(function: Function) -> Iterator[str]:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if argument is not None:
            yield argument.arg


def _statements(block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a scope, in order, without those of functions and classes in it."""
    for statement in block:
        yield statement
        if not isinstance(statement, Scope):
            for inner in blocks_of(statement):
                yield from _statements(inner)


def bound_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement itself binds, without those in its blocks; "*": of `import *`."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            return
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
            return
        case ast.Global(names=several) | ast.Nonlocal(names=several):
            yield from several
            return
        case ast.Try(handlers=handlers):
            yield from (handler.name for handler in handlers if handler.name)
            return
        case ast.Match(cases=cases):
            patterns = [node for case in cases for node in ast.walk(case.pattern)]
            yield from (node.name for node in patterns if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name)
            return
    for expression in _own_expressions(statement):
        yield from _stored(expression)


def _own_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt | ast.ExceptHandler):
            yield child


def _stored(node: ast.AST) -> Iterator[str]:
    """The names that an expression binds outside of itself: not those of comprehensions, nor of lambdas."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
        yield from (
            inner.target.id
            for inner in ast.walk(node)
            if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
        )
    else:
        for child in ast.iter_child_nodes(node):
            yield from _stored(child)


def parameters_of(statement: ast.stmt) -> Iterator[str]:
    """Names that a function binds for its body; none where the statement is no function."""
    if isinstance(statement, Function):
        arguments = statement.args
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        ):
            if argument is not None:
                yield argument.arg


def loop_variables(around: Surroundings) -> set[str]:
    """Variables of the loops that the place is in."""
    return {name for loop in around.enclosing if isinstance(loop, ast.For) for name in bound_names(loop)}
