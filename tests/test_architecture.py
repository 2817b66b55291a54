"""docs/architecture.md promises: its map has every package and module of the top level, in the checked order.

And functions stay short.
"""

import ast
import re
import statistics
import tomllib

import pytest


@pytest.fixture
def contracts(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def layers_of(contract):
    return [layer.split(" | ") for layer in contract["layers"]]


def test_the_map_is_the_order_of_imports(root, contracts):
    text = (root / "docs" / "architecture.md").read_text()
    (tree,) = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    names = [name for line in tree.splitlines() for name in re.findall(r"\b([a-z_]+)(?:/|\.py)", line)]
    layers = layers_of(contracts[0])
    places = [next(i for i, layer in enumerate(layers) if name in layer) for name in names]
    assert sorted({*names}) == sorted(name for layer in layers for name in layer)
    assert places == sorted(places)


def test_nothing_above_the_entry_point_of_sessions_may_import_their_parsers(contracts):
    layers = layers_of(contracts[0])
    above = [name for layer in layers[: layers.index(["state_adapter"])] for name in layer]
    assert sorted(contracts[2]["source_modules"]) == sorted(f"project.{name}" for name in above)


def test_functions_are_short(root, contracts):
    names = [name for layer in layers_of(contracts[0]) for name in layer]
    files = [path for name in names for path in [root / f"{name}.py", *(root / name).rglob("*.py")] if path.is_file()]
    functions = [
        (node.end_lineno - node.lineno + 1, f"{path.relative_to(root)}: {node.name}")
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert max(functions)[0] <= 50, max(functions)
    assert statistics.median(length for length, _ in functions) <= 8
