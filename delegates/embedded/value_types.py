"""The types of values as far as annotations, literals and built-in functions tell; "" where they do not.

A type is written as its annotation: `list[int]`, `str`. Not here: what follows from two types that do not go together
(`delegates.embedded.plausibility`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from delegates.embedded.surroundings import Surroundings

NUMBERS = frozenset({"int", "float", "bool", "complex"})
CONTAINERS = frozenset({"list", "dict", "set", "tuple", "str", "bytes", "frozenset", "range"})
BUILTIN_TYPES = {
    "int": int, "float": float, "bool": bool, "str": str, "list": list, "dict": dict, "set": set, "tuple": tuple,
    "bytes": bytes, "frozenset": frozenset, "None": type(None), "range": range,
}  # fmt: skip
"""The types whose attributes are known."""

_CALLS = {
    "len": "int", "int": "int", "ord": "int", "hash": "int", "id": "int", "float": "float", "str": "str", "chr": "str",
    "repr": "str", "input": "str", "bin": "str", "hex": "str", "bool": "bool", "all": "bool", "any": "bool",
    "isinstance": "bool", "callable": "bool", "list": "list", "sorted": "list", "dict": "dict", "set": "set",
    "tuple": "tuple", "frozenset": "frozenset", "range": "range", "print": "None",
}  # fmt: skip
_METHODS = {
    "str": {
        "str": "lower upper strip lstrip rstrip replace join title capitalize swapcase zfill rjust ljust center format "
        "casefold removeprefix removesuffix translate expandtabs",
        "list[str]": "split rsplit splitlines",
        "int": "find rfind count index rindex",
        "bool": "startswith endswith isdigit isalpha isalnum isspace isupper islower istitle isnumeric isdecimal",
        "tuple": "partition rpartition",
    },
    "list": {"None": "append extend sort reverse insert remove clear", "int": "count index", "list": "copy"},
    "dict": {"None": "update clear", "dict": "copy"},
    "set": {"None": "add update discard remove clear", "set": "copy union intersection difference"},
}
_METHOD_TYPES = {
    (owner, method): type_
    for owner, by_type in _METHODS.items()
    for type_, methods in by_type.items()
    for method in methods.split()
}

Types = Mapping[str, str]


def name_types(around: Surroundings) -> dict[str, str]:
    """The type of each name whose bindings before the place all agree."""
    types: dict[str, str] = {}
    if around.function is not None:
        arguments = around.function.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            types[argument.arg] = annotated(argument.annotation)
    for statement in around.bindings:
        add_types(types, statement)
    return {name: type_ for name, type_ in types.items() if type_}


def add_types(types: MutableMapping[str, str], statement: ast.stmt) -> None:
    """Adds what a statement tells of names; of one that has two types, ""."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind(types, target, type_of(value, types))
        case ast.AnnAssign(target=target, annotation=annotation):
            _bind(types, target, annotated(annotation))
        case ast.AugAssign(target=ast.Name(id=name)) if name not in types:
            types[name] = ""
        case ast.For(target=target, iter=iterable):
            _bind_elements(types, target, iterable)
        case ast.With(items=items):
            for entry in items:
                if entry.optional_vars is not None:
                    _bind(types, entry.optional_vars, "")


def _bind(types: MutableMapping[str, str], target: ast.expr, type_: str) -> None:
    if isinstance(target, ast.Name):
        before = types.get(target.id, type_)
        types[target.id] = before if _agree(before, type_) else ""
        if base(before) == base(type_) and len(type_) > len(before):
            types[target.id] = type_
    elif isinstance(target, ast.Tuple | ast.List):
        inner = _parts(type_) if base(type_) == "tuple" else []
        for i, inner_target in enumerate(target.elts):
            _bind(types, inner_target, inner[i] if len(inner) == len(target.elts) else "")


def _agree(first: str, second: str) -> bool:
    return base(first) == base(second) or (base(first) in NUMBERS and base(second) in NUMBERS)


def _bind_elements(types: MutableMapping[str, str], target: ast.expr, iterable: ast.expr) -> None:
    """Binds the variables of a loop."""
    match iterable, target:
        case ast.Call(func=ast.Name(id="enumerate"), args=[values, *_]), ast.Tuple(elts=[number, value]):
            _bind(types, number, "int")
            _bind(types, value, element(type_of(values, types)))
        case ast.Call(func=ast.Name(id="zip"), args=several), ast.Tuple(elts=names) if len(several) == len(names):
            for name, values in zip(names, several, strict=True):
                _bind(types, name, element(type_of(values, types)))
        case ast.Call(func=ast.Attribute(value=owner, attr="items")), ast.Tuple(elts=[key, value]):
            parts = _parts(type_of(owner, types))
            _bind(types, key, parts[0] if len(parts) == 2 else "")
            _bind(types, value, parts[1] if len(parts) == 2 else "")
        case _:
            _bind(types, target, element(type_of(iterable, types)))


def annotated(annotation: ast.expr | None) -> str:
    """The type that an annotation names; "": none, or one of several."""
    if annotation is None or isinstance(annotation, ast.BinOp):
        return ""
    try:
        text = ast.unparse(annotation).strip("'\"").replace("typing.", "")
    except (ValueError, RecursionError):
        return ""
    text = text[:1].lower() + text[1:] if base(text) in ("List", "Dict", "Set", "Tuple") else text
    return text if base(text) in BUILTIN_TYPES else ""


def base(type_: str) -> str:
    """The type without its parameters."""
    return type_.partition("[")[0]


def _parts(type_: str) -> list[str]:
    """The parameters of a type."""
    inner, parts, depth = type_.partition("[")[2].removesuffix("]"), [""], 0
    for character in inner:
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def element(type_: str) -> str:
    """The type of what a loop goes through in a value of a type."""
    if base(type_) in ("str", "range"):
        return "str" if type_ == "str" else "int"
    parts = _parts(type_)
    if base(type_) in ("list", "set", "frozenset", "dict") and parts:
        return parts[0]
    if base(type_) == "tuple" and parts and (len(set(parts)) == 1 or parts[-1] == "..."):
        return parts[0]
    return ""


def type_of(node: ast.expr, types: Types) -> str:
    """The type of an expression."""
    of = _TYPES_OF.get(type(node))
    return of(node, types) if of is not None else ""


def _of_tuple(node: ast.Tuple, types: Types) -> str:
    inner = [type_of(element, types) for element in node.elts]
    return f"tuple[{', '.join(inner)}]" if all(inner) and inner else "tuple"


def _of_constant(node: ast.Constant, types: Types) -> str:
    return "None" if node.value is None else type(node.value).__name__


def _of_sign(node: ast.UnaryOp, types: Types) -> str:
    return "bool" if isinstance(node.op, ast.Not) else type_of(node.operand, types)


def _of_subscript(node: ast.Subscript, types: Types) -> str:
    owner = type_of(node.value, types)
    if isinstance(node.slice, ast.Slice):
        return owner
    if base(owner) != "dict":
        return element(owner)
    parts = _parts(owner)
    return parts[1] if len(parts) == 2 else ""


def _container(name: str, elements: Iterable[ast.expr], types: Types) -> str:
    inner = {type_of(element, types) for element in elements}
    return f"{name}[{inner.pop()}]" if len(inner) == 1 and "" not in inner else name


def _of_operation(node: ast.BinOp, types: Types) -> str:
    left, right = type_of(node.left, types), type_of(node.right, types)
    if base(left) in NUMBERS and base(right) in NUMBERS:
        return "float" if "float" in (left, right) or isinstance(node.op, ast.Div) else "int"
    if isinstance(node.op, ast.Mult) and {base(left), base(right)} & {"str", "list", "tuple"}:
        return left if base(left) in CONTAINERS else right
    if isinstance(node.op, ast.Mod) and left == "str":
        return "str"
    return left if base(left) == base(right) else ""


def _of_call(node: ast.Call, types: Types) -> str:
    match node.func:
        case ast.Name(id=name) if name not in types:
            if name in ("sorted", "list", "set") and len(node.args) == 1:
                inner = element(type_of(node.args[0], types))
                return f"{_CALLS[name]}[{inner}]" if inner else _CALLS[name]
            if name in ("max", "min", "sum", "abs") and node.args:
                of = type_of(node.args[0], types)
                return of if name == "abs" or (len(node.args) > 1 and name != "sum") else element(of)
            return _CALLS.get(name, "")
        case ast.Attribute(value=owner, attr=method):
            type_ = type_of(owner, types)
            if base(type_) == "list" and method == "pop":
                return element(type_)
            return _METHOD_TYPES.get((base(type_), method), "")
    return ""


_TYPES_OF: dict[type[ast.expr], Callable[[Any, Types], str]] = {
    ast.Constant: _of_constant,
    ast.Name: lambda node, types: types.get(node.id, ""),
    ast.List: lambda node, types: _container("list", node.elts, types),
    ast.Set: lambda node, types: _container("set", node.elts, types),
    ast.Tuple: _of_tuple,
    ast.Dict: lambda node, types: "dict",
    ast.ListComp: lambda node, types: "list",
    ast.SetComp: lambda node, types: "set",
    ast.DictComp: lambda node, types: "dict",
    ast.JoinedStr: lambda node, types: "str",
    ast.Compare: lambda node, types: "bool",
    ast.UnaryOp: _of_sign,
    ast.Subscript: _of_subscript,
    ast.BinOp: _of_operation,
    ast.Call: _of_call,
}
"""What tells the type of each kind of expression."""
