"""Bins of predicted shares beside what came of them."""

import math

import pytest

from training.evaluation.calibration import Reliability, calibration_error, reliability


def test_reliability_and_calibration():
    bins = reliability([(0.05, 0.0), (0.07, 1.0), (0.92, 1.0), (1.0, 0.5), (math.nan, 0.0)])
    assert bins[0].count == 2 and bins[0].predicted == pytest.approx(0.06) and bins[0].observed == 0.5
    assert bins[1].count == 2 and bins[1].predicted == pytest.approx(0.96) and bins[1].observed == 0.75
    assert calibration_error(bins) == pytest.approx((0.44 + 0.21) / 2)
    assert calibration_error(()) is None
    assert calibration_error((Reliability(3, 0.5, 0.5),)) == 0.0
