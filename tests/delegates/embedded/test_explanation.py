"""What is said of a statement is true, short, and says nothing where nothing is certain."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.embedded.explanation import explain_block, explain_statement


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("x = []", "Sets x to an empty list"),
        ("x = {}", "Sets x to an empty dictionary"),
        ("a, b = b, a", "Swaps a and b"),
        ("a, b = a, b", "Sets a, b to a, b"),
        ("n -= 1", "Subtracts 1 from n"),
        ("n %= m", "Sets n to its remainder modulo m"),
        ("while True:", "Repeats until something leaves the loop"),
        ("while left < right:", "Repeats as long as left is less than right"),
        ("if not items:", "Checks whether items is empty or false"),
        ("else:", ""),
        ("for i, x in enumerate(xs):", "Goes through xs with the number of each element (i, x)"),
        ("a, b = b, a % b", "Sets a, b to b, a % b"),
        ("for name, age in people:", "Goes through people, each time as name, age"),
        ("x = (1, 2)", "Sets x to (1, 2)"),
        ("def f(self, a, b=1):", "Function f: takes a and b"),
        ("class A(B, C):", "Class A, a kind of B and C"),
        ("import os, sys", "Imports os and sys"),
        ("from .a import b as c", "Imports b from .a"),
        ("raise ValueError('x')", "Raises ValueError"),
        ("with open(p) as f:", "Uses open(p) as f within the block"),
        ("return", "Ends the function"),
        ("out.append(x)", "Adds x at the end of out"),
        ("print()", "Prints an empty line"),
        ("f(key=1)", ""),
        ("x = (", ""),
        ("'a string'", ""),
        ("", ""),
        ("x = " + "1 + " * 30 + "1", "Sets x"),
    ],
)
def test_a_statement_in_words(statement, sentence):
    assert explain_statement([statement], 0) == sentence


def test_a_line_inside_of_a_statement_tells_of_the_statement():
    assert explain_statement(["x = f(", "    1,", ")"], 1) == "Sets x to f(1)"


def test_a_block_is_told_by_its_first_statements():
    lines = ["for x in xs:", "    total += x", "    count += 1", "return total"]
    assert explain_block(lines, 0) == ["Goes through xs, each time as x", "Adds x to total", "Adds 1 to count"]


FILES = [(Path(ast.__file__).parent / name).read_text().split("\n") for name in ("shlex.py", "csv.py", "zipfile.py")]


@given(st.sampled_from(FILES), st.integers(0, 10_000), st.integers(0, 200))
def test_every_line_of_real_and_cut_code_has_a_short_sentence_or_none(file, line, cut):
    line %= len(file)
    lines = [*file[:line], file[line][:cut], *file[line + 1 :]]
    for sentence in [explain_statement(lines, line), *explain_block(lines, line)]:
        assert "\n" not in sentence and "..." not in sentence and len(sentence) < 250
