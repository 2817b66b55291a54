"""Statements and names of a text find those of the solution, and only those."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.solution_alignment import (
    align_with_solution,
    continuation,
    rename,
)
from delegates.statements import code_tokens, read_solution, read_statements
from judge.problems import catalogue

TOTALS = (
    "def totals(rows):",
    "    sums = []",
    "    for row in rows:",
    "        # an empty cell counts nothing",
    "        total = sum(cell for cell in row if cell is not None)",
    "        sums.append(total)  # one for each row",
    "    return sums",
)
SOLUTION = read_solution(TOTALS, 1, "totals")


def aligned(text):
    return align_with_solution(list(read_statements(text.split("\n"))), SOLUTION)


def test_a_solution_is_read_with_its_own_names_and_its_reasons():
    assert SOLUTION.bound == {"rows", "sums", "row", "total", "cell"}
    assert SOLUTION.notes == ("", "", "", "an empty cell counts nothing", "one for each row", "")
    assert [statement.depth for statement in SOLUTION.statements] == [0, 1, 1, 2, 2, 1]
    assert SOLUTION.skeleton == 1


def test_names_are_found_by_what_is_done_with_them():
    alignment = aligned(
        "def totals(rows):\n    out = []\n    for line in rows:\n        n = sum(c for c in line if c is not None)"
    )
    assert alignment.of_text == (0, 1, 2, 3) and alignment.exact == (True, True, True, True, False, False)
    assert alignment.names == {"rows": "rows", "sums": "out", "row": "line", "total": "n", "cell": "c"}
    assert alignment.rendered(4) == ["out.append(n)"]


def test_other_parameters_of_the_same_function_are_renamed():
    alignment = aligned("def totals(table: list[list]) -> list:\n    sums = []\n    for row in table:")
    assert all(alignment.exact[:3]) and alignment.names["rows"] == "table"


@pytest.mark.parametrize(
    "text",
    [
        "def other(rows):",
        "def totals(rows, more):",
        "def totals(rows):\n    sums = 0",
        "def totals(rows):\n    sums = []\n    for row in sums:",
        "def totals(rows):\n    sums = []\n    for x in rows:\n        total = sum(c for c in y if c is not None)",
        "def totals(rows):\n    sums = []\nfor row in rows:",
        "def totals(rows):\n    len = []",
    ],
)
def test_what_says_something_else_is_no_exact_match(text):
    alignment = aligned(text)
    last = len(alignment.statements) - 1
    assert alignment.of_text[last] < 0 or not alignment.exact[alignment.of_text[last]]


def test_statements_in_another_order_are_known_to_be_there():
    alignment = aligned("def totals(rows):\n    for row in rows:\n        sums.append(total)\n    sums = []")
    assert alignment.elsewhere == {1}


def test_a_short_statement_of_a_new_name_weighs_half():
    assert aligned("def totals(rows):\n    out = []").weight[1] == 0.5
    assert aligned("def totals(rows):\n    sums = []").weight[1] == 1
    assert aligned("def totals(rows):\n    out = []\n    return out").weight[1] == 1


@pytest.mark.parametrize(
    ("typed", "statement", "rest"),
    [
        ("for", 2, " row in rows:"),
        ("for ", 2, "row in rows:"),
        ("for line", 2, " in rows:"),
        ("for line in r", 2, "ows:"),
        ("f", 2, "or row in rows:"),
        ("n=sum( c for c", 3, " in row if c is not None)"),
        ("sums.app", 4, "end(total)"),
        ("return sums", 5, ""),
        ("while", 2, None),
        ("for row in cells", 2, None),
        ("", 2, None),
        ("return sums[", 5, None),
    ],
)
def test_a_beginning_is_continued_with_its_own_names(typed, statement, rest):
    found = continuation(typed, statement, aligned("def totals(rows):\n    sums = []"))
    assert (found and found.remainder) == rest


def test_only_variables_are_renamed():
    code = "def f(a, key=a): return a.a + sorted(a, key=lambda a: f'{a!r:>{a}} a {a + 1}')['a']  # a"
    renamed = rename(code, {"a": "b", "key": "k"})
    assert renamed == "def f(b, k=b): return b.a + sorted(b, key=lambda b: f'{b!r:>{b}} a {b + 1}')['a']  # a"


def test_renaming_all_names_there_and_back_changes_nothing():
    for problem in catalogue().values():
        solution = read_solution(problem.solution, problem.skeleton, problem.entry_point)
        there = {name: f"other_{name}" for name in solution.bound}
        code = "\n".join(problem.solution)
        other = rename(code, there)
        ast.parse(other)
        assert rename(other, {new: old for old, new in there.items()}) == code


@given(st.text(alphabet="ab =+()[]{}.,:'\"f\n\\#\t1", max_size=60))
def test_any_text_has_statements_and_tokens(text):
    lines = text.split("\n")
    rows = [row for each in read_statements(lines) for row in range(each.row, each.end)]
    assert rows == sorted(set(rows)) and all(row < len(lines) for row in rows)
    assert all(text[token.start : token.end] == token.text for token in code_tokens(text))
    align_with_solution(list(read_statements(lines)), SOLUTION)
