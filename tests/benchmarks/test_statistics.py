"""Student's intervals of the documents' tables."""

import math

import pytest

from benchmarks.statistics import interval


def test_the_interval_is_student_s():
    found = interval([1.0, 2.0, 3.0])
    assert (found.mean, found.half) == pytest.approx((2.0, 4.30 / math.sqrt(3)))
    assert str(found) == "+2.000 ± 2.483"


def test_between_two_degrees_of_freedom_the_wider_interval_counts():
    values = [0.0, 1.0] * 8  # 15 degrees of freedom, for which the table has those of 10
    assert interval(values).half == pytest.approx(2.23 * math.sqrt(4 / 15) / 4)


def test_of_fewer_than_two_values_nothing_is_known():
    assert interval([1.0]).half == math.inf and math.isnan(interval([]).mean)
