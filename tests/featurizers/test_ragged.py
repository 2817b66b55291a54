"""Rows of different lengths are the same rows as lists would be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from featurizers.ragged import Ragged, concat_ranges, offsets_of

ROWS = st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=5)


def ragged(rows):
    values = np.array([value for row in rows for value in row], dtype=np.int64)
    return Ragged(values, offsets_of(map(len, rows)))


def rows_of(found):
    return [found.values[found.offsets[i] : found.offsets[i + 1]].tolist() for i in range(len(found))]


@given(ROWS, st.data())
def test_rows_are_taken_in_the_order_asked_for(rows, data):
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6)) if rows else []
    found = ragged(rows).take(np.array(chosen, dtype=np.int64))
    assert rows_of(found) == [rows[i] for i in chosen]


@given(ROWS, st.integers(0, 5))
def test_a_head_is_the_first_values_of_each_row(rows, most):
    assert rows_of(ragged(rows).head(most)) == [row[:most] for row in rows]


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_parts_are_joined_row_after_row(parts):
    assert rows_of(Ragged.concat([ragged(part) for part in parts])) == [row for part in parts for row in part]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=5))
def test_ranges_are_joined(ranges):
    starts, lengths = np.array(ranges, dtype=np.int64).reshape(-1, 2).T
    expected = [i for start, length in ranges for i in range(start, start + length)]
    assert concat_ranges(starts, lengths).tolist() == expected
