"""The history's summary: what each number says, and that only the latest decisions count."""

import numpy as np
import pytest

from featurizers.history import DECAY, HISTORY_DIM, PRIOR_KEPT, SUMMARY_DIM, history_features
from state import HISTORY_LENGTH, PastDecision

TRIED, KEPT, UNDONE = (slice(7 * i, 7 * i + 7) for i in range(3))


def summary_of(history):
    return history_features([history])[0]


def test_an_empty_history_is_known_and_says_that_nothing_is_known_of_the_person():
    summary = summary_of(())
    assert summary[SUMMARY_DIM] == 1.0 and summary.shape == (HISTORY_DIM,)
    assert summary[21] == summary[22] == np.float32(PRIOR_KEPT) and not summary[:21].any() and summary[23] == 0


def test_counts_decay_with_every_later_decision():
    summary = summary_of((PastDecision(3, 2, 1.0), PastDecision(5, 0, None), PastDecision(7, 2, 0.25)))
    unit = 1 - DECAY
    assert summary[TRIED][2] == pytest.approx(unit * (DECAY**2 + 1)) and summary[TRIED][0] == pytest.approx(
        unit * DECAY
    )
    assert summary[KEPT][2] == pytest.approx(unit * (DECAY**2 + 0.25))
    assert summary[UNDONE][2] == pytest.approx(unit * 0.75)
    assert summary[KEPT][0] == summary[UNDONE][0] == 0


@pytest.mark.parametrize(("kept", "low", "high"), [(1.0, 0.8, 1.0), (0.0, 0.0, 0.1), (0.5, 0.45, 0.55)])
def test_acceptance_follows_what_the_person_keeps(kept, low, high):
    summary = summary_of(tuple(PastDecision(t, 3, kept) for t in range(20)))
    assert low < summary[21] < high and low - 0.2 < summary[22] < high + 0.2


def test_the_recent_acceptance_turns_first_when_a_person_changes_their_mind():
    summary = summary_of(
        (*(PastDecision(t, 3, 1.0) for t in range(20)), *(PastDecision(t, 3, 0.0) for t in range(20, 24)))
    )
    assert summary[22] < 0.4 and summary[21] > 0.7


def test_only_the_latest_decisions_count():
    long = tuple(PastDecision(t, t % 7, None if t % 7 == 0 else 0.5) for t in range(500))
    np.testing.assert_array_equal(summary_of(long), summary_of(long[-HISTORY_LENGTH:]))
    assert np.isfinite(summary_of(long)).all() and (np.abs(summary_of(long)) <= 1).all()


def test_the_latest_decision_is_named():
    summary = summary_of((PastDecision(1, 2, 1.0), PastDecision(3, 6, None)))
    assert np.flatnonzero(summary[24:31]).tolist() == [6]


def test_each_history_has_its_own_summary_whatever_is_beside_it():
    long = tuple(PastDecision(t, t % 7, None if t % 7 == 0 else 0.25) for t in range(500))
    histories = [(PastDecision(1, 2, 1.0), PastDecision(3, 6, None)), None, (), long]
    summaries = history_features(histories)
    assert summaries.shape == (4, HISTORY_DIM) and not summaries[1].any()
    for history, summary in zip(histories, summaries, strict=True):
        np.testing.assert_array_equal(summary, summary_of(history))
