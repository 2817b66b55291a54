"""Mistakes are small, and part of a line is part of it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment import similarity
from indentation import indentation
from simulation.builtin_problems import PROBLEMS
from simulation.typing_errors import add_typo, truncate_line

LINES = sorted({line for problem in PROBLEMS for line in problem.solution})


@pytest.mark.parametrize("line", LINES)
def test_a_slip_is_another_line_that_looks_much_the_same(line):
    for seed in range(20):
        wrong = add_typo(line, Random(seed))
        assert wrong != line and indentation(wrong) == indentation(line)
        assert similarity(wrong.strip(), line.strip()) > 0.5


@given(st.text(min_size=1), st.integers())
def test_any_text_can_be_mistaken(text, seed):
    assert add_typo(text, Random(seed)) != text


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("x = 26", {"x = 27", "x = 28"}),
        ("x = 109", {"x = 100", "x = 101"}),
        ("x = 00", {"x = 01", "x = 02"}),
        ("٣", {"4", "5"}),
        ("7" * 5000, {"7" * 4999 + "8", "7" * 4999 + "9"}),
    ],
    ids=["two digits", "nine", "zeros", "not ASCII", "5,000 digits"],
)
def test_a_number_is_mistaken_in_its_last_digit_however_long_it_is(line, wrong):
    assert {add_typo(line, Random(seed)) for seed in range(20)} == wrong


@given(st.text(alphabet="ab ", max_size=30), st.integers(0, 30), st.integers())
def test_part_of_a_text_goes_beyond_what_is_begun(text, begun, seed):
    typed = truncate_line(text, min(begun, len(text)), Random(seed))
    assert text.startswith(typed)
    assert typed == text or len(typed) <= len(text) - 2
