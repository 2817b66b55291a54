"""Mistakes are small, and part of a line is part of it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment import similarity
from simulation.hand import indentation, part, slip
from simulation.problems import PROBLEMS

LINES = sorted({line for problem in PROBLEMS for line in problem.solution})


@pytest.mark.parametrize("line", LINES)
def test_a_slip_is_another_line_that_looks_much_the_same(line):
    for seed in range(20):
        wrong = slip(line, Random(seed))
        assert wrong != line and indentation(wrong) == indentation(line)
        assert similarity(wrong.strip(), line.strip()) > 0.5


@given(st.text(min_size=1), st.integers())
def test_any_text_can_be_mistaken(text, seed):
    assert slip(text, Random(seed)) != text


@given(st.text(alphabet="ab ", max_size=30), st.integers(0, 30), st.integers())
def test_part_of_a_text_goes_beyond_what_is_begun(text, begun, seed):
    typed = part(text, min(begun, len(text)), Random(seed))
    assert text.startswith(typed)
    assert typed == text or len(typed) <= len(text) - 2
