"""What stands around a place: bound names, the block, loops and functions, also where lines are half written."""

import pytest

from delegates.embedded.surroundings import surroundings
from indentation import indentation


def around(text):
    lines = text.split("\n")
    row = next(i for i, line in enumerate(lines) if "|" in line)
    lines[row] = lines[row].replace("|", "")
    return surroundings(lines, row, indentation(lines[row]))


def test_parameters_earlier_variables_and_definitions_are_bound():
    found = around(
        "import os.path as p\nLIMIT = 1\ndef f(a, *b, c=1, **d):\n    e = 1\n    |\n    g = 2\ndef h(): pass\n"
    )
    assert found.names == {"p", "LIMIT", "f", "a", "b", "c", "d", "e", "h"}


def test_a_carriage_return_inside_a_line_ends_none():
    found = around("a = 1\rb\rb\nc = 2\ndef f():\n    |\nclass C:")
    assert {"c", "f", "C"} <= found.names


def test_names_of_other_functions_comprehensions_and_classes_are_not():
    found = around(
        "class C:\n    x = 1\n    def m(self):\n        y = [z for z in self.x]\n        |\ndef g(q):\n    r = q\n"
    )
    assert found.names == {"C", "self", "y", "g"}


def test_in_a_loop_what_is_bound_below_is_bound_the_next_time():
    found = around("def f(xs):\n    for x in xs:\n        |\n        last = x\n    after = 1\n")
    assert found.names == {"f", "xs", "x", "last"} and found.in_loop


def test_caught_exceptions_files_and_walruses_are_bound():
    found = around(
        "with open(1) as file:\n    pass\nif (n := 1): pass\ntry:\n    pass\nexcept OSError as error:\n    |\n"
    )
    assert {"file", "n", "error"} <= found.names and found.in_handler


def test_the_block_and_what_is_around_it_are_told():
    found = around("def f(x):\n    while x:\n        a = 1\n        |\n        b = 2\n")
    assert [statement.lineno for statement in (*found.above, *found.below)] == [3, 5]
    assert [type(statement).__name__ for statement in found.enclosing] == ["FunctionDef", "While"]


@pytest.mark.parametrize(
    "broken", ["    if total >", "    try:", "    for y in (1", "    while x:", "    return f(", "    else:"]
)
def test_a_broken_line_above_hides_no_other(broken):
    found = around(f"def f(x):\n    total = 0\n{broken}\n    |\n")
    assert found is None or {"x", "total"} <= found.names


def test_what_a_broken_line_would_bind_counts():
    assert "total" in around("def f(x):\n    total = \n    |\n").names
    assert {"a", "b"} <= around("def f(x):\n    for a, b in \n        |\n").names


def test_names_that_only_are_used_are_told_apart():
    found = around("first = load(1)\n|\n")
    assert found.used == {"load"} and "load" not in found.names


def test_in_a_long_file_the_statement_around_is_read_whole_and_the_names_above_are_known():
    head = "import os\nLIMIT = 3\ndef first(a):\n    return a\nclass Second:\n    pass\n"
    filler = "".join(f"def f{i}(x):\n    y = x\n    return y\n" for i in range(150))
    body = "def last(p):\n    q = [\n" + "        1,\n" * 260 + "    ]\n    |\n"
    found = around(head + filler + body)
    assert {"os", "LIMIT", "first", "Second", "f0", "last", "p", "q"} <= found.names
    assert not {"a", "x", "y"} & found.names


def test_where_a_header_is_missing_above_its_block_the_rest_is_read():
    found = around("def f(x):\n    y = x\n    |\n        z = 1\n    return y\n")
    assert {"x", "y"} <= found.names
