"""Whether values go together, as far as their types are known: what Python would refuse, or nobody would compute.

Not here: which types values have (`value_types`), everything else that makes a statement unlikely (`plausibility`).
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from delegates.embedded.surroundings import Surroundings, loop_variables, parameters_of
from delegates.embedded.value_types import BUILTIN_TYPES, CONTAINERS, NUMBERS, Types, annotated, base, type_of
from delegates.python_lexer import PREDEFINED


def _is_callable(node: ast.expr) -> bool:
    """Whether it is the name of a built-in function or type, which is no value to compute with."""
    return isinstance(node, ast.Name) and callable(getattr(builtins, node.id, None))


_TAKE_FUNCTIONS = frozenset({"map", "filter", "isinstance", "issubclass", "reduce", "defaultdict", "field", "partial"})


def uses_builtin_as_value(statement: ast.stmt, nodes: Sequence[ast.AST], names: set[str]) -> bool:
    """Whether a built-in function or type is neither called nor given to what takes functions or types."""
    allowed: set[int] = set()
    for node in nodes:
        match node:
            case ast.Call(func=function, args=arguments, keywords=keywords):
                allowed.add(id(function))
                allowed.update(id(keyword.value) for keyword in keywords)
                name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                if name in _TAKE_FUNCTIONS:
                    allowed.update(id(inner) for argument in arguments for inner in ast.walk(argument))
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


def fits_types(statement: ast.stmt, types: Types, around: Surroundings) -> bool:
    """Whether a statement uses its values as their types allow; True where nothing tells."""
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
    return isinstance(target, ast.Name) and target.id in PREDEFINED and target.id not in around.names


def _forgets(target: ast.expr, value: ast.expr, around: Surroundings) -> bool:
    """Whether a parameter or a loop's variable gets a value that has nothing to do with its own."""
    if not isinstance(target, ast.Name):
        return False
    protected = loop_variables(around)
    if around.function is not None:
        protected |= set(parameters_of(around.function))
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
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(
        not keyword.arg for keyword in call.keywords
    ):
        return True
    signature = _signature(name)
    if signature is None:
        least, most = _ARGUMENTS.get(name, (0, 99))
        return least <= len(call.args) <= most
    try:
        signature.bind(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})
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


def goes_together(node: ast.AST, types: Types) -> bool:
    """Whether the parts of an expression can be used so; True where nothing tells."""
    check = _CHECKS.get(type(node))
    return check is None or check(node, types)
