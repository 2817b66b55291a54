"""What is said of a statement is true, short and not in it, and where nothing is certain, nothing is said."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.embedded.explanation import explain_block, explain_statement


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("best = max(best, length)", "The largest length so far"),
        ("fewest = min(count, fewest)", "The smallest count so far"),
        ("a, b = b, a % b", "A step of Euclid's algorithm: the greatest common divisor stays the same"),
        ("counts[word] = counts.get(word, 0) + 1", "One more word was seen"),
        ("number //= 10", "Drops the last digit of number"),
        ("for a, b in zip(steps, steps[1:]):", "Each of steps with the one after it"),
        ("for i in range(len(xs) - 1, -1, -1):", "Backwards, from len(xs) - 1 down to 0"),
        ("while low <= high:", "Until nothing is left between low and high"),
        ("if __name__ == '__main__':", "Only when this file is run, not when it is imported"),
        ("elif n % 2 == 1:", "n is odd"),
        ("return text == text[::-1]", "text reads the same backwards"),
        ("pages = -(-words // size)", "words divided by size, rounded up"),
        ("table = [[0] * n for _ in range(m)]", "A table of m rows and n columns"),
        ("words.sort(key=len)", "The shortest first"),
    ],
)
def test_a_well_known_form_is_told_by_its_purpose(statement, sentence):
    assert explain_statement([statement], 0) == sentence


@pytest.mark.parametrize(
    "statement",
    ["x = []", "x = {}", "a, b = b, a", "n -= 1", "while True:", "if not items:", "for x in xs:", "return x", "return",
     "out.append(x)", "def f(self, a):", "class A(B):", "import os", "raise ValueError('x')", "print()", "else:",
     "x = (", "'a string'", "", "best = max(other, length)", "a, b = b, a % c", "n % 2", "x = " + "1 + " * 30 + "1"],
)  # fmt: skip
def test_what_would_only_be_read_aloud_is_not_explained(statement):
    assert explain_statement([statement], 0) == "" and explain_block([statement], 0) == []


STATED = """A car park is free for the first 15 minutes. Every hour after that costs 2 coins, the last one too.

    >>> fee(15)
    0
"""


def test_a_line_is_explained_by_the_sentence_that_speaks_of_it():
    lines = ["def fee(minutes):", "    if minutes <= 15:", "        return 0"]
    assert explain_statement(lines, 1, STATED) == "A car park is free for the first 15 minutes"
    assert explain_block(lines, 1, STATED) == ["A car park is free for the first 15 minutes"]
    assert explain_statement(lines, 2, STATED) == ""
    assert explain_statement(["coins = 2 * hours"], 0, STATED).startswith("Every hour after that costs 2 coins")


def test_what_a_comment_says_already_is_not_said_again():
    lines = ["# A car park is free for the first 15 minutes.", "if minutes <= 15:"]
    assert explain_statement(lines, 1, STATED) == ""


def test_a_sentence_that_says_no_more_than_the_line_is_not_told():
    assert explain_statement(["total = price + fee"], 0, "The total is price and fee.") == ""


def test_questions_and_examples_explain_nothing():
    stated = "How many minutes does a driver wait in the queue?\n\n    >>> minutes_in_queue(driver)\n    3\n"
    assert explain_statement(["minutes = queue[driver]"], 0, stated) == ""


def test_a_line_inside_of_a_statement_tells_of_the_statement():
    assert explain_statement(["x = max(", "    x,", "    y)"], 1) == "The largest y so far"


FILES = [(Path(ast.__file__).parent / name).read_text().split("\n") for name in ("shlex.py", "csv.py", "zipfile.py")]


@given(st.sampled_from(FILES), st.integers(0, 10_000), st.integers(0, 200))
def test_every_line_of_real_and_cut_code_has_a_short_sentence_or_none(file, line, cut):
    line %= len(file)
    lines = [*file[:line], file[line][:cut], *file[line + 1 :]]
    for sentence in [explain_statement(lines, line), *explain_block(lines, line)]:
        assert "\n" not in sentence and "..." not in sentence and len(sentence) < 250
