"""Cases as text: `name = value, name = value` to arguments and back. Not here: whole problems."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from errors import InputError

_LITERAL_ERRORS = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)


def parse_arguments(text: str, where: str) -> tuple[Any, ...]:
    """The values of `name = value, name = value`, in order; none for an empty text and for `none`.

    Raises InputError, in which `where` says which case it is: these are no Python literals.
    """
    if text.strip().lower() in ("", "none"):
        return ()
    try:
        call = ast.parse(f"f({text.strip()}\n)", mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and _has_plain_keywords(call):
            return tuple(map(ast.literal_eval, [*call.args, *(keyword.value for keyword in call.keywords)]))
    except _LITERAL_ERRORS:
        pass
    raise InputError(where, f"input is {text[:80]!r}, expected name = value, ... in Python literals")


def _has_plain_keywords(call: ast.Call) -> bool:
    """Whether all keywords of the call have names (`**values` has none), and these differ."""
    names = [keyword.arg for keyword in call.keywords]
    return None not in names and len(set(names)) == len(names)


def arguments_text(arguments: Sequence[Any], names: Sequence[str] = ()) -> str:
    """`name = value, name = value`; without a name for each argument they are called `arg1`, `arg2` ..."""
    if len(names) < len(arguments):
        names = [f"arg{i}" for i in range(1, len(arguments) + 1)]
    return ", ".join(f"{name} = {value!r}" for name, value in zip(names, arguments, strict=False))


def parse_output(output: Any) -> Any:
    """The value that a text shows as a Python literal; the text itself if it shows none; what is no text as it is."""
    if not isinstance(output, str):
        return output
    try:
        return ast.literal_eval(output.strip())
    except _LITERAL_ERRORS:
        return output


def parameter_names(entry_point: str, code: str) -> tuple[str, ...]:
    """Names of the parameters of the entry point's function as `code`, which may be unfinished, defines it.

    `self` and `cls` are left out; () if there is no such function or it takes any number of arguments.
    """
    name = re.search(r"\w*\Z", entry_point.strip())
    definitions = re.finditer(rf"\bdef {re.escape(name[0] if name else '')}\s*\(", code)
    candidates = (_parameters(code[definition.end() :]) for definition in definitions)
    parameters = next((arguments for arguments in candidates if arguments is not None), None)
    if parameters is None or parameters.vararg:
        return ()
    names = [parameter.arg for parameter in (*parameters.posonlyargs, *parameters.args)]
    return tuple(names[1:] if names[:1] in (["self"], ["cls"]) else names)


def _parameters(code: str) -> ast.arguments | None:
    """The parameters that stand before the bracket that closes their list."""
    for bracket in re.finditer(r"\)", code):
        try:
            function = ast.parse(f"def f({code[: bracket.start()]}\n): pass").body[0]
        except _LITERAL_ERRORS:
            continue
        return function.args if isinstance(function, ast.FunctionDef) else None
    return None
