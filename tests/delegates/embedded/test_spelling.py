"""Tokens are written in the usual style."""

import pytest

from delegates.embedded.spelling import spell
from delegates.python_lexer import line_tokens


@pytest.mark.parametrize(
    "line",
    [
        "def f(a, *args, b=-1, c: int = 3, **kwargs) -> None:",
        "x = {'a': -1, **other}[key][1:-1]",
        "return not x if y else [z for z in values if z > 0]",
        "print(f'{x}', end='')",
        "@cache",
        "self.values[i], values[j] = a @ b, ~c",
        "x += lambda a, b=2: a ** -b",
        "if x is None and y == (1, 2):",
        "from . import name as other",
        "for i, (a, b) in enumerate(pairs, start=1):",
        "assert x[::2] != 'a' * 3, 'no'",
    ],
)
def test_a_line_comes_back_from_its_tokens(line):
    tokens = line_tokens(line)
    assert spell(tokens) == line
    for i in range(1, len(tokens)):
        before = spell(tokens[:i])
        assert before + spell(tokens[i:], tokens[:i]) == line
