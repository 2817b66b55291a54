"""A short true sentence about a statement, from its syntax tree. Where none is certain, nothing is said.

Not here: where the sentence is written.
"""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from delegates.python_lexer import lines_within_statements
from delegates.syntax import opens_block
from indentation import indentation

_LONGEST = 48
"""Characters of code that a sentence quotes at most."""

_MOST_BODY = 3
"""Statements of a block that are told about at most."""

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "equals", ast.NotEq: "differs from", ast.Lt: "is less than", ast.LtE: "is at most",
    ast.Gt: "is greater than", ast.GtE: "is at least", ast.In: "is in", ast.NotIn: "is not in", ast.Is: "is",
    ast.IsNot: "is not",
}  # fmt: skip


def explain_statement(lines: Sequence[str], line: int) -> str:
    """What the statement at `line` does, in one sentence; "": nothing certain can be said."""
    statement = _statement_at(lines, line)
    return _sentence(statement) if statement else ""


def explain_block(lines: Sequence[str], line: int) -> list[str]:
    """What the statement at `line` does, and then what the first statements of its block do, a sentence each."""
    statement = _statement_at(lines, line, with_block=True)
    first = _sentence(statement) if statement else ""
    if statement is None or not first:
        return []
    body = [sentence for each in getattr(statement, "body", [])[:_MOST_BODY] if (sentence := _sentence(each))]
    return [first, *body]


def _statement_at(lines: Sequence[str], line: int, *, with_block: bool = False) -> ast.stmt | None:
    """The syntax tree of the statement that the line belongs to; of one with a block, its header with a `pass`."""
    within = lines_within_statements(lines)
    start = line
    while start > 0 and within[start]:
        start -= 1
    end = start + 1
    while end < len(lines) and within[end]:
        end += 1
    header = lines[start:end]
    if not header[0].strip():
        return None
    block = _block_below(lines, end, indentation(header[0])) if with_block and opens_block(header[-1]) else []
    return _parsed([*header, *block]) or _parsed(header)


def _block_below(lines: Sequence[str], start: int, indent: str) -> list[str]:
    block = []
    for line in lines[start : start + 60]:
        if line.strip() and len(indentation(line)) <= len(indent):
            break
        block.append(line)
    return block


def _parsed(statement: Sequence[str]) -> ast.stmt | None:
    text = textwrap.dedent("\n".join(statement))
    word = text.split(maxsplit=1)[0].rstrip(":")
    above = {"elif": "if x:\n    pass\n", "else": "", "except": "", "finally": ""}.get(word, "")
    if opens_block("\n".join(statement)):
        text += " pass"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(above + text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    if word == "elif" and tree and isinstance(tree[0], ast.If):
        return tree[0].orelse[0] if tree[0].orelse else None
    return tree[0] if len(tree) == 1 else None


def _sentence(node: ast.stmt) -> str:
    for kind, describe in _DESCRIPTIONS.items():
        if isinstance(node, kind):
            return describe(node)
    return ""


def _code(node: ast.AST | None) -> str:
    """The code of an expression; "...", if it is too long to be quoted."""
    text = ast.unparse(node) if node is not None else ""
    return text if len(text) <= _LONGEST and "\n" not in text else "..."


def _filled_in(template: str, *parts: str) -> str:
    """The template filled in; "": one of its parts is not known."""
    return "" if any(part in ("", "...") for part in parts) else template.format(*parts)


def _value(node: ast.expr | None) -> str:
    """An expression in words where they say more than its code does."""
    if isinstance(node, ast.List | ast.Tuple) and not node.elts:
        return "an empty list" if isinstance(node, ast.List) else "an empty tuple"
    if isinstance(node, ast.Dict) and not node.keys:
        return "an empty dictionary"
    if isinstance(node, ast.ListComp) and len(node.generators) == 1:
        return _comprehension("a list of", node.elt, node.generators[0])
    if isinstance(node, ast.SetComp) and len(node.generators) == 1:
        return _comprehension("a set of", node.elt, node.generators[0])
    return _code(node)


def _comprehension(words: str, element: ast.expr, generator: ast.comprehension) -> str:
    of = _filled_in("{} {} for each {} in {}", words, _code(element), _code(generator.target), _code(generator.iter))
    conditions = [_condition(condition) for condition in generator.ifs]
    return of and (_filled_in(f"{of} if {{}}", " and ".join(conditions)) if conditions else of)


def _condition(node: ast.expr) -> str:
    """A condition in words."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        right = node.comparators[0]
        return _filled_in("{} {} {}", _code(node.left), _COMPARISONS[type(node.ops[0])], _code(right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _filled_in("{} is empty or false", _code(node.operand)) if _is_simple(node.operand) else _code(node)
    if isinstance(node, ast.BoolOp):
        word = " and " if isinstance(node.op, ast.And) else " or "
        parts = [_condition(part) for part in node.values]
        return _filled_in("{}", word.join(parts)) if all(parts) and "..." not in parts else "..."
    return _filled_in("{} is not empty or false", _code(node)) if isinstance(node, ast.Name) else _code(node)


def _is_simple(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def _target(node: ast.expr) -> str:
    """What is assigned to, without the parentheses that nobody writes there."""
    code = _code(node)
    return code[1:-1] if isinstance(node, ast.Tuple) and len(node.elts) > 1 and code != "..." else code


def _assign(node: ast.Assign) -> str:
    if swapped := _swapped(node):
        return swapped
    targets = " and ".join(_target(target) for target in node.targets)
    unpacked = isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple)
    value = _target(node.value) if unpacked else _value(node.value)
    return _filled_in("Sets {} to {}", targets, value) or _filled_in("Sets {}", targets)


def _swapped(node: ast.Assign) -> str:
    """In words that two variables change places; "": they do not."""
    target = node.targets[0]
    if not isinstance(target, ast.Tuple) or not isinstance(node.value, ast.Tuple) or len(node.targets) > 1:
        return ""
    before, after = [_code(each) for each in node.value.elts], [_code(each) for each in target.elts]
    return _filled_in("Swaps {} and {}", *after) if len(after) == 2 and before == after[::-1] else ""


def _ann_assign(node: ast.AnnAssign) -> str:
    if node.value is None:
        return _filled_in("Declares {} as {}", _code(node.target), _code(node.annotation))
    return _filled_in("Sets {} to {}", _code(node.target), _value(node.value))


_IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "Adds {1} to {0}", ast.Sub: "Subtracts {1} from {0}", ast.Mult: "Multiplies {0} by {1}",
    ast.Div: "Divides {0} by {1}", ast.FloorDiv: "Divides {0} by {1} and rounds down",
    ast.Mod: "Sets {0} to its remainder modulo {1}", ast.Pow: "Raises {0} to the power of {1}",
}  # fmt: skip


def _aug_assign(node: ast.AugAssign) -> str:
    template = _IN_PLACE.get(type(node.op))
    return _filled_in(template, _code(node.target), _code(node.value)) if template else ""


def _for(node: ast.For | ast.AsyncFor) -> str:
    call = node.iter
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.keywords:
        target, arguments = _target(node.target), [_code(argument) for argument in call.args]
        if call.func.id == "range" and len(arguments) == 1:
            return _filled_in("Counts {} from 0 up to, but not including, {}", target, *arguments)
        if call.func.id == "range" and len(arguments) == 2:
            return _filled_in("Counts {} from {} up to, but not including, {}", target, *arguments)
        if call.func.id == "enumerate" and len(arguments) == 1 and isinstance(node.target, ast.Tuple):
            return _filled_in("Goes through {1} with the number of each element ({0})", target, *arguments)
    return _filled_in("Goes through {1}, each time as {0}", _target(node.target), _code(node.iter))


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    names = [name for name in names if name not in ("self", "cls")]
    takes = f"takes {_series(names)}" if names else "takes no arguments"
    if node.name == "__init__":
        return f"Sets up a new instance from {_series(names)}" if names else "Sets up a new instance"
    return f"Function {node.name}: {takes}"


def _series(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _class(node: ast.ClassDef) -> str:
    bases = [_code(base) for base in node.bases]
    return _filled_in("Class {}, a kind of {}", node.name, _series(bases)) if bases else f"Class {node.name}"


def _expression(node: ast.Expr) -> str:
    call = node.value
    if not isinstance(call, ast.Call):
        return ""
    arguments = [_code(argument) for argument in call.args]
    if isinstance(call.func, ast.Attribute) and len(arguments) == 1 and not call.keywords:
        owner = _code(call.func.value)
        if call.func.attr == "append":
            return _filled_in("Adds {} at the end of {}", arguments[0], owner)
    if isinstance(call.func, ast.Name) and call.func.id == "print" and not call.keywords:
        return _filled_in("Prints {}", _series(arguments)) if arguments else "Prints an empty line"
    if not arguments and not call.keywords:
        return _filled_in("Calls {}", _code(call.func))
    return _filled_in("Calls {} with {}", _code(call.func), _series(arguments)) if not call.keywords else ""


def _import(node: ast.Import) -> str:
    return f"Imports {_series([alias.name for alias in node.names])}"


def _import_from(node: ast.ImportFrom) -> str:
    module = "." * node.level + (node.module or "")
    return _filled_in("Imports {} from {}", _series([alias.name for alias in node.names]), module)


def _with(node: ast.With | ast.AsyncWith) -> str:
    first = node.items[0]
    if len(node.items) == 1 and first.optional_vars is not None:
        return _filled_in("Uses {} as {} within the block", _code(first.context_expr), _code(first.optional_vars))
    return _filled_in("Uses {} within the block", _code(first.context_expr)) if len(node.items) == 1 else ""


def _return(node: ast.Return) -> str:
    return "Ends the function" if node.value is None else _filled_in("Returns {}", _value(node.value))


def _raise(node: ast.Raise) -> str:
    exception = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return _filled_in("Raises {}", _code(exception)) if exception else "Raises the exception again"


def _while(node: ast.While) -> str:
    if isinstance(node.test, ast.Constant) and node.test.value:
        return "Repeats until something leaves the loop"
    return _filled_in("Repeats as long as {}", _condition(node.test))


_DESCRIPTIONS: dict[type[ast.stmt], Callable[[Any], str]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.AugAssign: _aug_assign,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.If: lambda node: _filled_in("Checks whether {}", _condition(node.test)),
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Expr: _expression,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: lambda node: _filled_in("Makes sure that {}", _condition(node.test)),
    ast.Delete: lambda node: _filled_in("Deletes {}", _series([_code(target) for target in node.targets])),
    ast.Break: lambda node: "Leaves the loop",
    ast.Continue: lambda node: "Goes on with the next round of the loop",
}
"""What describes each kind of statement; of others nothing is said."""
