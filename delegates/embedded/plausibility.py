"""Whether statements can be meant where they are to stand: what nobody would write there is better not written.

Names must be bound where they are used, values must go together as far as their types are known, a statement must do
something, and must not stand beside itself already. Not here: whether the statements are Python (`delegates.syntax`),
or likely.
"""

from __future__ import annotations

import ast
import builtins
import sys
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from delegates.embedded.surroundings import (
    Function,
    Surroundings,
    blocks_of,
    bound_names,
    loop_variables,
    parameters_of,
)
from delegates.embedded.type_consistency import (
    fits_types,
    goes_together,
    uses_builtin_as_value,
)
from delegates.embedded.value_types import (
    BUILTIN_TYPES,
    NUMBERS,
    Types,
    add_types,
    base,
    name_types,
    type_of,
)
from delegates.python_lexer import PREDEFINED, is_name, line_tokens
from delegates.syntax import opens_block

_CLAUSES = {"else": "if x: pass\n", "elif": "if x: pass\n", "except": "try: pass\n", "finally": "try: pass\n"}
"""What must stand above a clause so that it is Python."""

_BODY = "__body__"
"""Stands for the body that a header is still to get."""

_EFFECTIVE = frozenset({"print", "exec", "setattr", "delattr", "input", "breakpoint", "next", "open", "super", "eval"})
"""Built-in functions that are called for what they do."""

_LEAVE = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_BIND_FOR_THEMSELVES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Plausibility:
    """Tells whether statements can be meant at one place. around: None: too little of the file is Python."""

    def __init__(
        self,
        around: Surroundings | None,
        attributes: frozenset[str] = frozenset(),
        words: frozenset[str] = frozenset(),
        problem_names: frozenset[str] = frozenset(),
        *,
        may_raise: bool = True,
    ) -> None:
        """attributes: names after a dot that are known from the file. words: all names that stand in the file.

        problem_names: that the problem gives. may_raise: whether errors are spoken of there.
        """
        self._words = words
        self._may_raise = may_raise
        self.around = around
        self._attributes = attributes
        self._types = name_types(around) if around is not None else {}
        self._used_attributes = _used_attributes(around) if around is not None else frozenset[tuple[str, str]]()
        self._modules = dict(_imported_modules(around)) if around is not None else dict[str, str]()
        self._names = problem_names | around.names | around.used if around is not None else problem_names

    def accepts(self, rows: Sequence[str]) -> bool:
        """Whether the statements, whole lines of the file at the place, can be meant; True where nothing tells."""
        around, statements = self.around, parsed(rows)
        if around is None or statements is None:
            names = self._words if around is None or around.has_any_name else self._names
            return set(_names_of_part(rows)) <= {*names, *PREDEFINED}
        if _is_unreachable(around, statements) or _repeats(around, statements):
            return False
        bound, types = set(self._names), dict(self._types)
        if any(_is_overwritten(*pair) for pair in pairwise([*around.above[-1:], *statements])):
            return False
        return self._are_plausible(statements, bound, types, in_loop=around.in_loop)

    def is_statement(self, rows: Sequence[str]) -> bool:
        """Whether the rows are whole statements that can be meant."""
        return self.around is not None and bool(parsed(rows)) and self.accepts(rows)

    def _are_plausible(
        self, block: Sequence[ast.stmt], names: set[str], types: dict[str, str], *, in_loop: bool
    ) -> bool:
        """Adds what the block binds to `names` and `types`."""
        for i, statement in enumerate(block):
            if i and (isinstance(block[i - 1], _LEAVE) or _is_overwritten(block[i - 1], statement)):
                return False
            if not self._is_plausible(statement, names, types, in_loop):
                return False
        return True

    def _is_plausible(self, statement: ast.stmt, names: set[str], types: dict[str, str], in_loop: bool) -> bool:
        """Of a statement with its blocks; it adds what they bind."""
        if does_nothing(statement, types) or not self._is_allowed(statement, in_loop):
            return False
        if not self._are_names_bound(statement, names) or not self._is_well_typed(statement, names, types):
            return False
        bound = set(bound_names(statement))
        names |= bound
        add_types(types, statement)
        inner_names = {*names, *parameters_of(statement)}
        in_loop = in_loop or isinstance(statement, ast.For | ast.AsyncFor | ast.While)
        return all(
            self._are_plausible(
                [inner for inner in block if not _is_placeholder(inner)], inner_names, types, in_loop=in_loop
            )
            for block in blocks_of(statement)
        )

    def _are_names_bound(self, statement: ast.stmt, names: set[str]) -> bool:
        """Whether the names that the statement reads are bound, and a loop's variable is no other one's."""
        around = self._surroundings
        read = names if isinstance(statement, ast.For) else {*names, *parameters_of(statement)}
        if not around.has_any_name and any(name not in read for name in _used_names(statement)):
            return False
        if not isinstance(statement, ast.For):
            return True
        return not set(bound_names(statement)) & ({*names} & loop_variables(around) | _read_in(statement.iter))

    def _is_well_typed(self, statement: ast.stmt, names: set[str], types: dict[str, str]) -> bool:
        """Whether the values in the statement's own expressions can be used so."""
        expressions = list(_expressions(statement))
        return (
            not uses_builtin_as_value(statement, expressions, names)
            and all(self._is_consistent(node, types) for node in expressions)
            and fits_types(statement, types, self._surroundings)
        )

    @property
    def _surroundings(self) -> Surroundings:
        return self.around or Surroundings()

    def _is_allowed(self, statement: ast.stmt, in_loop: bool) -> bool:
        """Whether the statement is one that Python, or common sense, lets stand there."""
        function = self._surroundings.function
        match statement:
            case ast.Break() | ast.Continue():
                is_allowed = in_loop
            case ast.Return(value=value):
                is_allowed = function is not None and (value is not None or not _returns_a_value(function))
            case ast.Raise(exc=exception):
                is_allowed = self._surroundings.in_handler or (self._may_raise and exception is not None)
            case ast.Global() | ast.Nonlocal():
                is_allowed = function is not None
            case ast.Delete(targets=targets):
                is_allowed = not any(isinstance(target, ast.Name) for target in targets)
            case ast.With(items=items):
                is_allowed = all(isinstance(entry.context_expr, ast.Call) for entry in items)
            case _:
                is_allowed = True
        return is_allowed

    def _is_consistent(self, node: ast.AST, types: Types) -> bool:
        """Whether the parts of an expression go together."""
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            return self._has_attribute(node.value, node.attr, types)
        return goes_together(node, types)

    def _has_attribute(self, value: ast.expr, attribute: str, types: Types) -> bool:
        type_ = BUILTIN_TYPES.get(base(type_of(value, types)))
        if type_ is not None:
            return hasattr(type_, attribute)
        if isinstance(value, ast.Name) and value.id not in types and value.id in PREDEFINED:
            return hasattr(getattr(builtins, value.id, None), attribute)
        if isinstance(value, ast.Name) and (module := self._modules.get(value.id)) in sys.modules:
            return attribute in vars(sys.modules[str(module)])  # which, unlike hasattr, runs nothing of it
        if isinstance(value, ast.Name) and value.id in self._names and attribute in _OF_KNOWN_VALUES:
            return (value.id, attribute) in self._used_attributes
        return attribute in self._attributes or attribute in _COMMON_ATTRIBUTES


_OF_KNOWN_VALUES = frozenset(name for type_ in (list, set, str) for name in dir(type_)) - frozenset(dir(object))
"""Attributes that are only written where it is known what has them."""

_COMMON_ATTRIBUTES = frozenset(name for type_ in (list, dict, set, str, bytes) for name in dir(type_))


@lru_cache(maxsize=64)
def _parse(text: str) -> tuple[ast.stmt, ...] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return tuple(ast.parse(text).body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def parsed(rows: Sequence[str]) -> tuple[ast.stmt, ...] | None:
    """The statements of lines of a file, headers without a body with a `...`; None: they are only parts of some."""
    if not any(row.strip() for row in rows):
        return ()
    rows = [row for row in rows if row.strip()]
    text = "\n".join(rows)
    if opens_block(rows[-1]):
        text += f" {_BODY}"
    text = textwrap.dedent(text)
    word = text.split(maxsplit=1)[0].rstrip(":")
    above = _CLAUSES.get(word, "")
    statements = _parse(above + text)
    if statements and above and len(statements) == 1:
        return _clause_statements(statements[0])
    return statements


def _names_of_part(rows: Sequence[str]) -> Iterator[str]:
    """The names that a part of a statement uses, without those that it may bind itself, if it is a comprehension."""
    tokens = ["", *line_tokens("\n".join(rows)), ""]
    bound = {name for before, name in pairwise(tokens) if before in ("for", "lambda")}
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if is_name(token) and before != "." and after != "=" and token not in bound:
            yield token


def _clause_statements(statement: ast.stmt) -> tuple[ast.stmt, ...]:
    match statement:
        case ast.If(orelse=block) | ast.Try(finalbody=[*block]) if block:
            return tuple(inner for inner in block if not _is_placeholder(inner))
        case ast.Try(handlers=[ast.ExceptHandler(name=name, body=body)]):
            bindings: list[ast.stmt] = []
            if name:
                bindings = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(...), lineno=1)]
            return (*bindings, *(inner for inner in body if not _is_placeholder(inner)))
    return ()


def _is_placeholder(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Name(id=name)):
            return name == _BODY
    return False


def does_nothing(statement: ast.stmt, types: Types) -> bool:
    """Whether a statement has no effect: a value that nobody takes, `x = x`, `pass`, a test of a constant."""
    match statement:
        case ast.Pass() | ast.If(test=ast.Constant()):
            return True
        case ast.Expr(value=value):
            return not _is_placeholder(statement) and not _has_effect(value, types)
        case ast.Assign(targets=[target], value=value):
            return ast.unparse(target) == ast.unparse(value)
    return False


def _has_effect(value: ast.expr, types: Types) -> bool:
    """Whether an expression may do something beside having a value."""
    match value:
        case ast.Call(func=ast.Name(id=name)) if name in PREDEFINED and name not in types:
            return name in _EFFECTIVE
        case ast.Call(func=ast.Attribute(value=owner)):
            return base(type_of(owner, types)) not in {*NUMBERS, "str", "bytes", "tuple"}
    return isinstance(value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom)


def _returns_a_value(function: Function) -> bool:
    """Whether the annotation, or another `return`, tells that it does."""
    returns = function.returns
    if returns is not None and not (isinstance(returns, ast.Constant) and returns.value is None):
        return True
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))


def _is_overwritten(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether a statement gives a variable a value that the next one replaces without reading it."""
    match first, second:
        case ast.Assign(targets=[ast.Name(id=name)]), ast.Assign(targets=[ast.Name(id=other)], value=value):
            return name == other and name not in {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return False


def _is_unreachable(around: Surroundings, statements: Sequence[ast.stmt]) -> bool:
    return bool(statements and around.above and isinstance(around.above[-1], _LEAVE))


def _repeats(around: Surroundings, statements: Sequence[ast.stmt]) -> bool:
    """Whether a statement stands in the same block already, or is the header of one that it is in."""
    beside = {_header(statement) for statement in (*around.above, *around.below)}
    headers = {
        _header(statement) for statement in around.enclosing if not isinstance(statement, Function | ast.ClassDef)
    }
    texts = [_header(statement) for statement in statements]
    inner = {_header(node) for statement in statements for node in ast.walk(statement) if isinstance(node, _HEADED)}
    return bool(beside & set(texts)) or len(set(texts)) < len(texts) or bool(headers & inner)


_HEADED = (ast.For, ast.AsyncFor, ast.While, ast.If)


def _header(statement: ast.stmt) -> str:
    """A text that tells statements apart by what they say themselves, of those with a block by their header."""
    match statement:
        case ast.For(target=target, iter=iterable) | ast.AsyncFor(target=target, iter=iterable):
            return f"for {ast.dump(target)} in {ast.dump(iterable)}"
        case ast.While(test=test) | ast.If(test=test):
            return f"if {ast.dump(test)}"
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return f"def {name}"
    return ast.dump(statement)


def _expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """All parts of the statement's own expressions."""
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from ast.walk(child)
    for handler in getattr(statement, "handlers", []):
        if handler.type is not None:
            yield from ast.walk(handler.type)


def _used_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement reads and neither is built in nor bound within its bound expressions."""
    nodes = list(_expressions(statement))
    bound = set[str]()
    if any(isinstance(node, _BIND_FOR_THEMSELVES) for node in nodes):
        bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    read = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    yield from (name for name in read if name not in bound and name not in PREDEFINED)
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id


def _imported_modules(around: Surroundings) -> Iterator[tuple[str, str]]:
    """Names that stand for modules, and these modules."""
    for statement in around.bindings:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name


def _read_in(node: ast.expr) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def _used_attributes(around: Surroundings) -> frozenset[tuple[str, str]]:
    """Names and their attributes that are read somewhere around."""
    around_place = (*around.enclosing[:1], *around.bindings, *around.above, *around.below)
    nodes = [node for statement in around_place for node in ast.walk(statement)]
    return frozenset(
        (node.value.id, node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )
