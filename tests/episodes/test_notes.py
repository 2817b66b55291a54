"""Code and notes are told apart line by line, also where the code does not parse."""

import time

import pytest

from episodes.notes import Line, split

Q = '"""'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["x = 1  # one"], [("x = 1", "# one")]),
        (["    # only"], [("", "# only")]),
        (["x = '# no comment'"], [("x = '# no comment'", "")]),
        (["x = 'it\\'s # not'  # is"], [("x = 'it\\'s # not'", "# is")]),
        (["x = 'open # string", "y  # z"], [("x = 'open # string", ""), ("y", "# z")]),
        (["def f():", f"    {Q}Says.{Q}", "    go()"], [("def f():", ""), ("", f"{Q}Says.{Q}"), ("    go()", "")]),
        (
            ["def f():", f"    {Q}Says", "    # more", f"    {Q}"],
            [("def f():", ""), ("", f"{Q}Says"), ("", "# more"), ("", Q)],
        ),
        (["def f():", "    'Says.'  # and"], [("def f():", ""), ("", "'Says.'# and")]),
        (["go()", "'a value'"], [("go()", ""), ("'a value'", "")]),
        ([f"x = {Q}a", f"# b{Q}  # c"], [(f"x = {Q}a", ""), (f"# b{Q}", "# c")]),
        (["f(", f"    {Q}a{Q}", ")"], [("f(", ""), (f"    {Q}a{Q}", ""), (")", "")]),
        ([f"{Q}a{Q}.strip()"], [(f"{Q}a{Q}.strip()", "")]),
        ([f"{Q}never closed", "x = 1"], [("", f"{Q}never closed"), ("x = 1", "")]),
        ([f"{Q}a \\{Q} b{Q}", "x"], [("", f"{Q}a \\{Q} b{Q}"), ("x", "")]),
        (["if (((", "  # unbalanced", "]"], [("if (((", ""), ("", "# unbalanced"), ("]", "")]),
        (["a\r\n", "# b\n"], [("a", ""), ("", "# b")]),
        ([], []),
    ],
)
def test_what_is_code_and_what_explains_it(lines, expected):
    assert split(lines) == [Line(*line) for line in expected]


@pytest.mark.parametrize("text", ["\\" + Q, "'" * 3 + "\\", '"', "#", f"'{Q}", "\\'"])
def test_costs_grow_linearly(text):
    def cost(n):
        lines = [f"{Q} {'x' * 10}"] + [text] * n
        start = time.process_time()
        split(lines)
        return time.process_time() - start

    # A quadratic cost would be 400 times as much; 20 times the lines leave a busy machine a factor of 8.
    assert min(cost(20_000) for _ in range(3)) < 160 * max(min(cost(1_000) for _ in range(3)), 1e-3)
