"""Whether calls of a text's functions can see what earlier calls of them left behind, told from the text alone.

Only a text of plain functions over plain values is known to keep nothing: whatever else is in it (classes, decorators,
values that can be changed, attributes that are set, modules with state of their own) counts as if it did. Not here:
protection; a text that deceives this reading only deceives itself. Standard library only.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

MAX_READ = 20_000
"""Characters of a text that is read; a longer one counts as if its calls shared state."""

_SAFE_BUILTINS = frozenset((
    "abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "callable", "chr", "complex", "dict", "divmod",
    "Ellipsis", "enumerate", "filter", "float", "format", "frozenset", "hex", "int", "isinstance", "issubclass", "iter",
    "len", "list", "map", "max", "min", "next", "NotImplemented", "object", "oct", "ord", "pow", "print", "range",
    "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "zip",
))  # fmt: skip
_UNSAFE_NAMES = frozenset(
    name
    for name, value in vars(builtins).items()
    if name not in _SAFE_BUILTINS and not (isinstance(value, type) and issubclass(value, BaseException))
)
_UNSAFE_ATTRIBUTES = (
    "_", "ag_", "co_", "cr_", "f_", "gi_", "tb_", "add_note", "get_field", "register", "with_traceback",
)  # fmt: skip
"""How the names of attributes begin that lead to frames and namespaces, or that change a class or an exception."""
_MODULES = frozenset(("bisect", "collections", "heapq", "itertools", "math", "string"))
"""Their public names hold no state."""
_NAMES: dict[str, Callable[[str], bool]] = {
    "__future__": lambda _: True,
    "functools": lambda name: name in ("cmp_to_key", "reduce"),
    "typing": lambda name: name[:1].isupper(),
}
"""By module: which of its names hold no state."""
_UNSAFE_NODES = (ast.AsyncFunctionDef, ast.ClassDef, ast.Global, ast.MatchClass, ast.NamedExpr)


def may_share_state(text: str, entry_point: str) -> bool:
    """Whether one call of the entry point may see what another one left. The text compiles."""
    if len(text) > MAX_READ or not entry_point.isidentifier():
        return True
    try:
        module = ast.parse(text)
        return not (all(map(_is_plain, module.body)) and all(map(_is_stateless, ast.walk(module))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _is_plain(statement: ast.stmt) -> bool:
    """Whether a statement of the module makes nothing that can be changed later."""
    match statement:
        case ast.FunctionDef(decorator_list=decorators):
            return not decorators and all(map(_is_immutable, _defaults(statement)))
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and _is_immutable(value)
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.Pass():
            return True
        case _:
            return False


def _defaults(function: ast.FunctionDef) -> list[ast.expr]:
    arguments = function.args
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]


def _is_immutable(value: ast.expr) -> bool:
    match value:
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=elements):
            return all(map(_is_immutable, elements))
        case _:
            return False


def _is_stateless(node: ast.AST) -> bool:
    """Whether a node, wherever it stands, changes nothing but what a call has made itself."""
    match node:
        case ast.Name(id=name):
            return name not in _UNSAFE_NAMES and not name.startswith("__")
        case ast.Attribute(attr=name, ctx=context):
            return isinstance(context, ast.Load) and not name.startswith(_UNSAFE_ATTRIBUTES)
        case ast.Import(names=names):
            return all(alias.name in _MODULES for alias in names)
        case ast.ImportFrom(module=module, names=names):
            return all(_is_stateless_import(module or "", alias.name) for alias in names)
        case _:
            return not isinstance(node, _UNSAFE_NODES)


def _is_stateless_import(module: str, name: str) -> bool:
    if module in _MODULES:
        return not name.startswith(("_", "*"))
    return module in _NAMES and _NAMES[module](name)
