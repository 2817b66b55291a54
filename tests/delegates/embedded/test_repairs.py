"""A repair is proposed only where a line is certainly wrong, and makes it right."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.embedded.repairs import repaired_lines


def repaired(text):
    """The first repair of the line that ends in `<`."""
    lines = text.split("\n")
    (line,) = [i for i, each in enumerate(lines) if each.endswith("<")]
    lines[line] = lines[line][:-1]
    return next(repaired_lines(lines, line), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x)<\n    return x", "def f(x):"),
        ("for i in range(3<\n    print(i)", "for i in range(3):"),
        ("for i in range(3:<\n    print(i)", "for i in range(3):"),
        ("x = foo(1, [2, 3)<", None),
        ("x = foo(1, bar(2)<\ny = 1", "x = foo(1, bar(2))"),
        ("x = foo(1))<", "x = foo(1)"),
        ("x = 'abc<", "x = 'abc'"),
        ("print('abc)<", "print('abc')"),
        ("if x = 1:<\n    pass", "if x == 1:"),
        ("if x:\n    pass\nelse if y:<\n    pass", "elif y:"),
        ("def f(x):\nreturn x<", "    return x"),
        ("def f(x):\n    y = x\n     return y<", "    return y"),
        ("def f(numbers):\n    return sum(nubmers)<", "    return sum(numbers)"),
        ("def f(numbers):\n    prnit(numbers)<", "    print(numbers)"),
        ("from a import *\ndef f(numbers):\n    return nubmers<", None),
        ("def f(x):\n    return x<", None),
        ("def g(:\n    pass\ndef f(x):\n    return x<", None),
    ],
)
def test_one_small_change_makes_the_line_right(text, expected):
    assert repaired(text) == expected


FILES = [(Path(ast.__file__).parent / name).read_text().split("\n") for name in ("bisect.py", "queue.py", "sched.py")]


@given(st.sampled_from(FILES), st.integers(0, 10_000))
def test_nothing_is_wrong_with_code_that_works(file, line):
    assert list(repaired_lines(file, line % len(file))) == []


def test_where_a_carriage_return_stands_in_a_line_no_name_is_taken_for_that_of_another_row():
    assert list(repaired_lines(["number = 2\rprint(numbre)", "x = 1"], 1)) == []
