"""An edit fits if it is right where it stands; what is broken elsewhere in the file is not its fault."""

import pytest

from delegates.syntax import MOST_LINES, fits


@pytest.mark.parametrize(
    ("above", "edit", "below", "right"),
    [
        ("def f(x):", "    return x", "", True),
        ("def f(x):", "    return x x", "", False),
        ("def f(x):", "    for y in x:", "", True),
        ("def f(x):", "    for y in x:", "    return x", True),
        ("def f(x):", "    for y in x", "", False),
        ("def f(x)", "    return x", "", True),
        ("def g(\n\ndef f(x):", "    return x", "class A", True),
        ("def g(\n\ndef f(x):", "    return x x", "class A", False),
        ("try:", "    x = f()", "", True),
        ("try:", "    x = f(", "", False),
        ("try:\n    x = 1", "except KeyError:", "", True),
        ("if x:\n    pass", "else:", "", True),
        ("x = f(a,", "      b,", "      c)", True),
        ("x = f(a,", "      b", "      c)", False),
        ("x = f(a,", "      b,", "", True),
        ("x = f(a,", "      b b", "", False),
        ("x = 1", "", "y = 2", True),
        ("", "\x00", "", False),
        ("", "(" * 500 + ")" * 500, "", False),
        ('"""', "what stands in a string", '"""', True),
    ],
)
def test_an_edit_is_judged_where_it_stands(above, edit, below, right):
    lines = [*above.split("\n"), edit, *below.split("\n")]
    row = above.count("\n") + 1
    assert fits(lines, row, row + 1, [""]) is right


@pytest.mark.parametrize(("edit", "right"), [("        return [x", False), ("        return [x]", True)])
def test_in_a_file_too_long_to_be_parsed_the_function_around_is_judged(edit, right):
    body = ["    def f(self, x):", "        y = [", "            x]"]
    lines = ["class A:", *body * MOST_LINES, "    def g(self, x):", edit, *body * MOST_LINES]
    row = lines.index(edit)
    assert fits(lines, row, row + 1, [""]) is right


def test_what_parsed_before_is_not_broken():
    lines = ["x = (", "    1)"]
    assert not fits(["x = 1", "    1)"], 0, 1, lines[:1])
    assert fits(["x = [", "    1)"], 0, 1, lines[:1]) is False


@pytest.mark.parametrize(
    ("above", "clause", "expected"),
    [
        (["try:", "    x()"], "else:", False),
        (["try:", "    x()"], "except OSError:", True),
        (["try:", "    x()"], "finally:", True),
        (["if x:", "    y()"], "else:", True),
        (["if x:", "    y()", "z()"], "else:", False),
        (["for x in y:", "    z(x)"], "elif x:", False),
        (["for x in y:", "    z(x)"], "else:", True),
        (["if x:", "    y()", "else:", "    z()"], "elif x:", False),
    ],
)
def test_a_clause_follows_the_statement_that_it_belongs_to_also_in_a_broken_file(above, clause, expected):
    for broken in ([], ["", "def f(:"], ["def f(:", ""]):
        lines = [*above, clause, "    w()", *broken] if broken[:1] == [""] else [*broken, *above, clause, "    w()"]
        row = lines.index(clause, len(lines) - 2 - len(broken) if broken[:1] == [""] else len(broken) + len(above))
        assert fits(lines, row, row + 2, [""]) is expected
