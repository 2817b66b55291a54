"""Rates promise: Wilson's interval around the mean, inside [0, 1], and a word on whether there is enough of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.proportions import ENOUGH, Rate, rate


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_the_interval_is_wilsons(successes, n, low, high):
    computed = rate([1] * successes + [0] * (n - successes))
    assert computed.mean == successes / n
    assert computed.low == pytest.approx(low, abs=5e-5) and computed.high == pytest.approx(high, abs=5e-5)


def test_of_nothing_nothing_is_said():
    assert rate([]) == Rate(0, None, None, None) and not rate([]).enough


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_mean_is_inside_its_interval_and_that_inside_the_range(shares):
    computed = rate(shares)
    assert 0 <= computed.low <= computed.mean <= computed.high <= 1
    assert computed.enough == (len(shares) >= ENOUGH)


@given(st.integers(0, ENOUGH))
def test_where_there_is_enough_no_interval_is_wider_than_one_half(successes):
    computed = rate([1.0] * successes + [0.0] * (ENOUGH - successes))
    assert computed.high - computed.low <= 0.5
