"""Completed Q-values and their rescaling, as worked tables."""

import numpy as np
import pytest

from training.search.qtransforms import completed_qvalues, qvalue_bounds, rescale_qvalues


def log(probs):
    with np.errstate(divide="ignore"):
        return np.log([probs])


@pytest.mark.parametrize(
    ("probs", "visits", "returns", "prior_visits", "mixed", "expected"),
    [
        # Nothing visited: the network's value everywhere.
        ([0.5, 0.3, 0.2], [0, 0, 0], [0, 0, 0], 0, 1.0, [1.0, 1.0, 1.0]),
        # mixed = (1 + 1 * 4) / 2.
        ([0.5, 0.3, 0.2], [0, 1, 0], [0, 4, 0], 0, 2.5, [2.5, 4.0, 2.5]),
        # Mean returns 3 and 1; sum(p r) / sum(p) = (.5 * 3 + .3 * 1) / .8 = 2.25; mixed = (1 + 3 * 2.25) / 4.
        ([0.5, 0.3, 0.2], [2, 1, 0], [6, 1, 0], 0, 1.9375, [3.0, 1.0, 1.9375]),
        # The same with one prior visit: (6 + 1.9375) / 3 and (1 + 1.9375) / 2.
        ([0.5, 0.3, 0.2], [2, 1, 0], [6, 1, 0], 1, 1.9375, [2.645833, 1.46875, 1.9375]),
        # A visited candidate that the prior all but excludes.
        ([1.0, 1e-300, 0.0], [0, 1, 0], [0, 4, 0], 0, 2.5, [2.5, 4.0, 2.5]),
    ],
)
def test_completed_q(probs, visits, returns, *, prior_visits, mixed, expected):
    q, value = completed_qvalues(log(probs), np.array([1.0]), np.array([visits]), np.array([returns]), prior_visits)
    assert q[0] == pytest.approx(expected)
    assert value[0] == pytest.approx(mixed)


@pytest.mark.parametrize(
    ("q", "probs", "expected"),
    [
        ([1.0, 3.0, 2.0], [0.4, 0.3, 0.3], [0.0, 1.0, 0.5]),
        ([1.0, 3.0, 9.0], [0.5, 0.5, 0.0], [0.0, 1.0, 4.0]),  # one that does not exist stretches nothing
        ([2.0, 2.0, 2.0], [0.4, 0.3, 0.3], [0.0, 0.0, 0.0]),
    ],
)
def test_rescale_by_the_candidates_that_exist(q, probs, expected):
    values = np.array([q])
    assert rescale_qvalues(values, *qvalue_bounds(values, log(probs)))[0] == pytest.approx(expected)
