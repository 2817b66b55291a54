"""docs/architecture.md promises: its map has every package and module of the top level, in the checked order."""

import re
import tomllib


def test_the_map_is_the_order_of_imports(root):
    text = (root / "docs" / "architecture.md").read_text()
    (tree,) = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    names = [name for line in tree.splitlines() for name in re.findall(r"\b([a-z_]+)(?:/|\.py)", line)]
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [layer.split(" | ") for layer in contracts[0]["layers"]]
    places = [next(i for i, layer in enumerate(layers) if name in layer) for name in names]
    assert sorted({*names}) == sorted(name for layer in layers for name in layer)
    assert places == sorted(places)
