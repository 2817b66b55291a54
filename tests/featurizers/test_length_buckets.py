"""Buckets: every state in one, of similar lengths, of bounded size."""

import numpy as np
import pytest

from featurizers.length_buckets import CALL_COST, MAX_STATES, PADDING_SHARE, buckets


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([5], [[0]]),
        ([3, 16, 1, 8], [[2, 0, 3, 1]]),
        ([100, 10, 101, 17, 300], [[1, 3], [0, 2], [4]]),  # 3 * 100 > 1.25 * 127 + 64; 3 * 300 > 1.25 * 501 + 64
        ([100, 300, 100, 290, 110], [[0, 2, 4], [3, 1]]),
        ([16] * 30 + [18, 20], [list(range(32))]),
        ([0, 0], [[0, 1]]),
    ],
)
def test_buckets(lengths, expected):
    assert [rows.tolist() for rows in buckets(np.array(lengths))] == expected


def test_buckets_bound_the_padding():
    lengths = np.random.default_rng(0).integers(0, 400, size=500)
    rows = buckets(lengths)
    assert sorted(np.concatenate(rows).tolist()) == list(range(500))
    for some in rows:
        assert (
            len(some) <= MAX_STATES
            and len(some) * lengths[some].max() <= (1 + PADDING_SHARE) * lengths[some].sum() + CALL_COST
        )


def test_many_states_of_one_length_come_in_several_buckets():
    assert [len(rows) for rows in buckets(np.full(150, 10))] == [MAX_STATES, MAX_STATES, 22]
