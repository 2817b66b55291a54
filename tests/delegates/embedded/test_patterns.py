"""Lines that follow by a rule are proposed where the rule holds, and nowhere else."""

import pytest

from delegates.embedded.patterns import patterns


def proposed(above, indent):
    return [line for pattern in patterns(above.split("\n"), indent) for line in pattern.lines]


@pytest.mark.parametrize(
    ("above", "indent", "expected"),
    [
        (
            "class A:\n    def __init__(self, name, size: int = 3, *args):",
            "        ",
            ["self.name = name", "self.size = size"],
        ),
        ("class A:\n    def __init__(self, a, b):\n        self.a = a", "        ", ["self.b = b"]),
        ("class A:\n    def __init__(self, a, b):\n        self.a = a\n        self._b = b", "        ", []),
        ("class A:\n    def __init__(self, a, b):\n        print(a)", "        ", []),
        ("class A:\n    def f(self, a):", "        ", []),
        ("def main():\n    pass\nif __name__ == '__main__':", "    ", ["main()"]),
        ("if __name__ == '__main__':", "    ", []),
        ("def f(x):\n    out = []\n    for y in x:\n        out.append(y)", "    ", ["return out"]),
        ("def f(x):\n    out = []\n    for y in x:\n        print(y)", "    ", []),
        ("def f(x):\n    out = []\n    for y in x:\n        out.append(y)", "        ", []),
        ("out = []\nfor y in x:\n    out.append(y)", "", []),
        ("", "", []),
    ],
)
def test_a_rule_proposes_where_it_holds(above, indent, expected):
    assert proposed(above, indent) == expected
