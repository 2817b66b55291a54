"""Whether statements can be meant where they are to stand: what nobody would write there is better not written.

Names must be bound where they are used, values must go together as far as their types are known, a statement must do
something, and must not stand beside itself already. Not here: whether the statements are Python (`delegates.syntax`),
or likely.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from delegates.embedded.surroundings import BUILTINS, Function, Surroundings, blocks_of, bound_names
from delegates.embedded.value_types import (
    BUILTIN_TYPES,
    CONTAINERS,
    NUMBERS,
    Types,
    add_types,
    annotated,
    base,
    name_types,
    type_of,
)
from delegates.python_lexer import is_name, line_tokens
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
            return set(_names_of_part(rows)) <= {*names, *BUILTINS}
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
        if not self._are_names_bound(statement, names) or not self._goes_together(statement, names, types):
            return False
        bound = set(bound_names(statement))
        names |= bound
        add_types(types, statement)
        inner_names = {*names, *_inner_parameters(statement)}
        in_loop = in_loop or isinstance(statement, ast.For | ast.AsyncFor | ast.While)
        return all(
            self._are_plausible(
                [each for each in block if not _is_placeholder(each)], inner_names, types, in_loop=in_loop
            )
            for block in blocks_of(statement)
        )

    def _are_names_bound(self, statement: ast.stmt, names: set[str]) -> bool:
        """Whether the names that the statement reads are bound, and a loop's variable is no other one's."""
        around = self._surroundings
        read = names if isinstance(statement, ast.For) else {*names, *_inner_parameters(statement)}
        if not around.has_any_name and any(name not in read for name in _used_names(statement)):
            return False
        if not isinstance(statement, ast.For):
            return True
        return not set(bound_names(statement)) & ({*names} & _loop_names(around) | _read_in(statement.iter))

    def _goes_together(self, statement: ast.stmt, names: set[str], types: dict[str, str]) -> bool:
        """Whether the values in the statement's own expressions can be used so."""
        expressions = list(_expressions(statement))
        return (
            not _uses_builtin_as_value(statement, expressions, names)
            and all(self._is_consistent(node, types) for node in expressions)
            and _fits_types(statement, types, self._surroundings)
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
        check = _CHECKS.get(type(node))
        return check is None or check(node, types)

    def _has_attribute(self, value: ast.expr, attribute: str, types: Types) -> bool:
        type_ = BUILTIN_TYPES.get(base(type_of(value, types)))
        if type_ is not None:
            return hasattr(type_, attribute)
        if isinstance(value, ast.Name) and value.id not in types and value.id in BUILTINS:
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
            return tuple(each for each in block if not _is_placeholder(each))
        case ast.Try(handlers=[ast.ExceptHandler(name=name, body=body)]):
            bindings: list[ast.stmt] = []
            if name:
                bindings = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(...), lineno=1)]
            return (*bindings, *(each for each in body if not _is_placeholder(each)))
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
        case ast.Call(func=ast.Name(id=name)) if name in BUILTINS and name not in types:
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
            return name == other and name not in {each.id for each in ast.walk(value) if isinstance(each, ast.Name)}
    return False


def _is_unreachable(around: Surroundings, statements: Sequence[ast.stmt]) -> bool:
    return bool(statements and around.above and isinstance(around.above[-1], _LEAVE))


def _repeats(around: Surroundings, statements: Sequence[ast.stmt]) -> bool:
    """Whether a statement stands in the same block already, or is the header of one that it is in."""
    beside = {_header(each) for each in (*around.above, *around.below)}
    headers = {_header(each) for each in around.enclosing if not isinstance(each, Function | ast.ClassDef)}
    texts = [_header(each) for each in statements]
    inner = {_header(node) for each in statements for node in ast.walk(each) if isinstance(node, _HEADED)}
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


def _inner_parameters(statement: ast.stmt) -> Iterator[str]:
    """What a function binds for its body."""
    if isinstance(statement, Function):
        arguments = statement.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if each is not None:
                yield each.arg


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
    yield from (name for name in read if name not in bound and name not in BUILTINS)
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id


def _imported_modules(around: Surroundings) -> Iterator[tuple[str, str]]:
    """Names that stand for modules, and these modules."""
    for statement in around.bindings:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name


def _read_in(node: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _used_attributes(around: Surroundings) -> frozenset[tuple[str, str]]:
    """Names and their attributes that are read somewhere around."""
    around_place = (*around.enclosing[:1], *around.bindings, *around.above, *around.below)
    nodes = [node for statement in around_place for node in ast.walk(statement)]
    return frozenset(
        (node.value.id, node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )


def _loop_names(around: Surroundings) -> set[str]:
    """Variables of the loops that the place is in."""
    return {name for each in around.enclosing if isinstance(each, ast.For) for name in bound_names(each)}


# Types


def _is_callable(node: ast.expr) -> bool:
    """Whether it is the name of a built-in function or type, which is no value to compute with."""
    return isinstance(node, ast.Name) and callable(getattr(builtins, node.id, None))


_TAKE_FUNCTIONS = frozenset({"map", "filter", "isinstance", "issubclass", "reduce", "defaultdict", "field", "partial"})


def _uses_builtin_as_value(statement: ast.stmt, nodes: Sequence[ast.AST], names: set[str]) -> bool:
    """Whether a built-in function or type is neither called nor given to what takes functions or types."""
    allowed: set[int] = set()
    for node in nodes:
        match node:
            case ast.Call(func=function, args=arguments, keywords=keywords):
                allowed.add(id(function))
                allowed.update(id(each.value) for each in keywords)
                name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                if name in _TAKE_FUNCTIONS:
                    allowed.update(id(inner) for each in arguments for inner in ast.walk(each))
            case ast.Attribute(value=value):
                allowed.add(id(value))
            case ast.Compare(ops=[ast.Is() | ast.IsNot() | ast.Eq()], comparators=[right]):
                allowed.add(id(right))
            case ast.arg(annotation=annotation) if annotation is not None:
                allowed.update(map(id, ast.walk(annotation)))
    match statement:
        case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns) if returns is not None:
            allowed.update(map(id, ast.walk(returns)))
        case ast.AnnAssign(annotation=annotation):
            allowed.update(map(id, ast.walk(annotation)))
        case ast.Raise() | ast.ClassDef() | ast.Try():
            return False
    read = [node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)]
    return any(id(node) not in allowed and node.id not in names and _is_callable(node) for node in read)


def _fits_types(statement: ast.stmt, types: Types, around: Surroundings) -> bool:
    match statement:
        case ast.For(iter=iterable):
            return _is_iterable(iterable, types)
        case ast.If(test=test) | ast.While(test=test):
            return _can_be_tested(test, types, is_loop=isinstance(statement, ast.While))
        case ast.Assign(targets=targets, value=value):
            is_odd = any(_shadows(target, around) or _forgets(target, value, around) for target in targets)
            return not is_odd and all(_can_become(target, value, types) for target in targets)
        case ast.AugAssign(target=target, op=operator, value=value):
            loaded = ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target
            fits = _operands_fit(loaded, operator, value, types, in_place=True)
            return fits and ast.unparse(target) != ast.unparse(value)
        case ast.Return(value=value) if value is not None:
            return _can_be_returned(value, types, around)
    return True


def _can_be_tested(test: ast.expr, types: Types, *, is_loop: bool) -> bool:
    """Whether it may be a condition: a constant only as `while True`, a number only as a remainder."""
    if isinstance(test, ast.Constant):
        return is_loop and test.value is True
    return not isinstance(test, ast.BinOp) or isinstance(test.op, ast.Mod | ast.BitAnd)


def _shadows(target: ast.expr, around: Surroundings) -> bool:
    """Whether an assignment gives a name of a built-in function another meaning."""
    return isinstance(target, ast.Name) and target.id in BUILTINS and target.id not in around.names


def _forgets(target: ast.expr, value: ast.expr, around: Surroundings) -> bool:
    """Whether a parameter or a loop's variable gets a value that has nothing to do with its own."""
    if not isinstance(target, ast.Name):
        return False
    protected = _loop_names(around)
    if around.function is not None:
        protected |= set(_inner_parameters(around.function))
    used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return target.id in protected and target.id not in used


def _can_become(target: ast.expr, value: ast.expr, types: Types) -> bool:
    """Whether a variable of one type may get a value of a possibly other one."""
    if not isinstance(target, ast.Name):
        return not isinstance(target, ast.Tuple) or base(type_of(value, types)) not in {*NUMBERS, "None"}
    old, new = base(types.get(target.id, "")), base(type_of(value, types))
    return not old or not new or old == new or (old in NUMBERS and new in NUMBERS) or "None" in (old, new)


def _is_iterable(node: ast.expr, types: Types) -> bool:
    return base(type_of(node, types)) not in {*NUMBERS, "None"}


def _can_be_returned(value: ast.expr, types: Types, around: Surroundings) -> bool:
    wanted = base(annotated(around.function.returns)) if around.function is not None else ""
    type_ = base(type_of(value, types))
    if not wanted or not type_ or wanted == type_:
        return True
    return wanted == "float" and type_ == "int"


def _operands_fit(
    left: ast.expr, operator: ast.operator, right: ast.expr, types: Types, *, in_place: bool = False
) -> bool:
    first, second = base(type_of(left, types)), base(type_of(right, types))
    if not first or not second:
        type_ = first or second
        divides = isinstance(operator, ast.Div | ast.FloorDiv)
        return type_ not in ("dict", "None") and not (divides and type_ in CONTAINERS)
    if first in NUMBERS and second in NUMBERS:
        return True
    if isinstance(operator, ast.Add):
        is_extended = in_place and first == "list" and second in CONTAINERS
        return is_extended or (first == second and first not in ("dict", "set", "None"))
    if isinstance(operator, ast.Mult):
        return bool({first, second} & NUMBERS) and bool({first, second} & {"str", "list", "tuple", "bytes"})
    if isinstance(operator, ast.Mod):
        return first in ("str", "bytes")
    return isinstance(operator, ast.BitOr | ast.BitAnd | ast.BitXor | ast.Sub) and first == second in _SETS


_SETS = ("set", "frozenset", "dict")


def _operation_fits(node: ast.BinOp, types: Types) -> bool:
    cancels = isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod)
    if cancels and ast.dump(node.left) == ast.dump(node.right):
        return False
    return _operands_fit(node.left, node.op, node.right, types)


def _alternatives_fit(node: ast.BoolOp, types: Types) -> bool:
    return len({ast.dump(value) for value in node.values}) == len(node.values)


def _can_be_subscripted(node: ast.Subscript, types: Types) -> bool:
    return base(type_of(node.value, types)) not in {*NUMBERS, "None", "set", "frozenset"}


def _comparison_fits(node: ast.Compare, types: Types) -> bool:
    operands = [node.left, *node.comparators]
    pairs = zip(operands, node.ops, operands[1:], strict=False)
    return all(_are_comparable(left, operator, right, types) for left, operator, right in pairs)


def _are_comparable(left: ast.expr, operator: ast.cmpop, right: ast.expr, types: Types) -> bool:
    if ast.dump(left) == ast.dump(right):
        return False
    first, second = base(type_of(left, types)), base(type_of(right, types))
    if isinstance(operator, ast.In | ast.NotIn):
        return second not in {*NUMBERS, "None"} and not (second == "str" and first not in ("str", ""))
    if "None" in (first, second):
        other = second if first == "None" else first
        return other in ("", "None") and isinstance(operator, ast.Is | ast.IsNot | ast.Eq | ast.NotEq)
    return not first or not second or first == second or (first in NUMBERS and second in NUMBERS)


def _can_be_called(call: ast.Call, types: Types) -> bool:
    """Whether the function can be called so, as far as it is known."""
    if not isinstance(call.func, ast.Name):
        return not isinstance(call.func, ast.Constant)
    name = call.func.id
    if name in types:
        return base(types[name]) not in BUILTIN_TYPES
    return _are_arguments_meant(name, call, types) and _binds(name, call)


def _are_arguments_meant(name: str, call: ast.Call, types: Types) -> bool:
    """Whether a built-in function can do something with these values."""
    dumps = [ast.dump(argument) for argument in call.args]
    if name in _TAKES_DIFFERENT and len(set(dumps)) < len(dumps):
        return False
    first = base(type_of(call.args[0], types)) if call.args else ""
    if name in ("min", "max") and len(call.args) == 1:
        return first not in NUMBERS
    return not first or first in _TAKES_VALUES_OF.get(name, (first,))


_TAKES_DIFFERENT = frozenset({"min", "max", "zip", "isinstance", "range", "divmod"})
_SEQUENCES = CONTAINERS | {"dict", "set", "frozenset"}
_TAKES_VALUES_OF: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("len", "sorted", "reversed", "enumerate", "sum", "any", "all", "list", "set", "tuple"), _SEQUENCES
    ),
    **dict.fromkeys(("range", "abs", "chr", "round"), NUMBERS),
    "ord": frozenset({"str", "bytes"}),
    **dict.fromkeys(("int", "float"), NUMBERS | {"str", "bytes"}),
}


def _binds(name: str, call: ast.Call) -> bool:
    """Whether a built-in function takes these arguments."""
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(not each.arg for each in call.keywords):
        return True
    signature = _signature(name)
    if signature is None:
        least, most = _ARGUMENTS.get(name, (0, 99))
        return least <= len(call.args) <= most
    try:
        signature.bind(*call.args, **{str(each.arg): each.value for each in call.keywords})
    except TypeError:
        return False
    return True


_ARGUMENTS = {
    "range": (1, 3), "int": (0, 2), "str": (0, 3), "bool": (1, 1), "list": (0, 1), "set": (0, 1), "tuple": (0, 1),
    "dict": (0, 1), "zip": (2, 9), "map": (2, 9), "min": (1, 9), "max": (1, 9), "iter": (1, 2), "next": (1, 2),
    "type": (1, 3), "getattr": (2, 3), "float": (1, 1),
}  # fmt: skip


@lru_cache(maxsize=256)
def _signature(name: str) -> inspect.Signature | None:
    function = getattr(builtins, name, None)
    if not callable(function) or name in _ARGUMENTS:
        return None
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _is_comprehension_fit(node: ast.comprehension, types: Types) -> bool:
    return _is_iterable(node.iter, types)


_CHECKS: dict[type[ast.AST], Callable[[Any, Types], bool]] = {
    ast.Call: _can_be_called,
    ast.BinOp: _operation_fits,
    ast.Compare: _comparison_fits,
    ast.BoolOp: _alternatives_fit,
    ast.Subscript: _can_be_subscripted,
    ast.comprehension: _is_comprehension_fit,
}
"""What tells whether the parts of each kind of expression go together."""
