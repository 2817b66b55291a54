"""Arithmetic of the search: probabilities that are 0 stay 0, and a draw follows its number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.search.numerics import argmax, sample, softmax


def test_softmax_of_large_logits_is_finite_and_0_where_impossible():
    found = softmax(np.array([[1000.0, 1000.0 + np.log(3), -np.inf]]))
    assert found[0] == pytest.approx([0.25, 0.75, 0.0]) and found[0, 2] == 0.0


def test_of_equals_the_first_is_best():
    assert argmax(np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])).tolist() == [1, 0]


@given(
    st.lists(st.sampled_from([0.0, 0.1, 1 / 3, 0.7]), min_size=1, max_size=6).filter(any),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_is_where_its_number_falls_and_never_of_probability_0(weights, uniform):
    probs = np.array(weights) / sum(weights)
    (index,) = sample(probs[None], np.array([uniform]))
    assert probs[index] > 0
    assert probs[:index].sum() - 1e-9 <= uniform <= probs[: index + 1].sum() + 1e-9


def test_a_sum_that_rounding_leaves_below_1_leaves_no_number_beside_the_last():
    tenths = np.full((1, 10), 0.1)
    assert tenths.cumsum()[-1] < 1
    assert sample(tenths, np.array([np.nextafter(1.0, 0.0)])).tolist() == [9]
