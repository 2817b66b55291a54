"""Values go together as far as their types are known; where they are not, anything may be meant."""

import ast

import pytest

from delegates.embedded.surroundings import Surroundings
from delegates.embedded.type_consistency import fits_types, goes_together, uses_builtin_as_value

TYPES = {"size": "int", "share": "float", "name": "str", "values": "list[int]", "counts": "dict[str, int]"}


def is_consistent(expression):
    tree = ast.parse(expression, mode="eval").body
    return all(goes_together(node, TYPES) for node in ast.walk(tree))


@pytest.mark.parametrize(
    "expression",
    [
        "size + share", "name + name", "name * size", "values + [1]", "name % size", "size == share", "name in counts",
        "'a' in name", "unknown + size", "unknown.method(name)", "max(size, share)", "max(values)", "len(counts)",
        "values[0]", "unknown is None", "sorted(values, reverse=True)", "size or share", "range(size)",
    ],
)  # fmt: skip
def test_what_python_can_compute_is_accepted(expression):
    assert is_consistent(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "size + name", "values - values", "size[0]", "size in size", "size in name", "name < size", "size == size",
        "size - size", "len(size)", "max(size)", "max(size, size)", "range(name)", "name(size)", "len()",
        "len(values, size)", "[each for each in size]", "size or size", "counts + counts", "values / size",
        "share is None",
    ],
)  # fmt: skip
def test_what_it_would_refuse_or_nobody_would_compute_is_not(expression):
    assert not is_consistent(expression)


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("for x in values: ...", True), ("for x in size: ...", False), ("size = share", True), ("size = name", False),
        ("size += 1", True), ("size += name", False), ("size += size", False), ("while True: ...", True),
        ("if 1: ...", False), ("if size % 2: ...", True), ("if size + 2: ...", False), ("len = 3", False),
    ],
)  # fmt: skip
def test_a_statement_uses_its_values_as_their_types_allow(line, fits):
    assert fits_types(ast.parse(line).body[0], TYPES, Surroundings()) == fits


@pytest.mark.parametrize(
    ("line", "is_value"),
    [
        ("x = len", True),
        ("x = len(y)", False),
        ("x = map(len, y)", False),
        ("x = y is list", False),
        ("x = list.pop", False),
    ],
)
def test_a_built_in_function_is_no_value_to_compute_with(line, is_value):
    statement = ast.parse(line).body[0]
    assert uses_builtin_as_value(statement, list(ast.walk(statement)), set()) == is_value
