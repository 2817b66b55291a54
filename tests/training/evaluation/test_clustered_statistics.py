"""Means with errors that are clustered by session, against numbers worked by hand."""

import math

import pytest
import torch

from training.evaluation.clustered_statistics import clustered_difference, clustered_mean, session_means


def test_the_error_of_a_mean_is_clustered_by_session():
    """Ten copies of a session's step say no more than one."""
    values, sessions = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 1, 2])
    once, often = clustered_mean(values, sessions), clustered_mean(values.repeat(10), sessions.repeat(10))
    assert once.mean == pytest.approx(7 / 3)
    assert once.error == pytest.approx(values.std().item() / math.sqrt(3))
    assert often.mean == pytest.approx(once.mean) and often.error == pytest.approx(once.error)


@pytest.mark.parametrize(
    ("values", "weights", "sessions", "expected"),
    [
        ([], None, [], (None, None)),
        ([3.0], None, [0], (3.0, None)),  # one session has no error
        ([1.0, 5.0], [1.0, 0.0], [0, 1], (1.0, 0.0)),
        ([1.0, 5.0], [0.0, 0.0], [0, 1], (None, None)),
        ([1.0, 2.0], [3.0, 1.0], [0, 0], (1.25, None)),
    ],
)
def test_means_at_the_edges(values, weights, sessions, expected):
    found = clustered_mean(
        torch.tensor(values), torch.tensor(sessions), None if weights is None else torch.tensor(weights)
    )
    assert (found.mean, found.error) == pytest.approx(expected)


def test_the_error_shrinks_as_it_covers():
    """Of 300 repetitions about 95 % have the truth within two errors."""
    torch.manual_seed(0)
    hits = 0
    for _ in range(300):
        sessions = torch.arange(20).repeat_interleave(5)
        values = torch.randn(20).repeat_interleave(5) + 0.3 * torch.randn(100)
        found = clustered_mean(values, sessions)
        hits += abs(found.mean) < 2 * found.error
    assert 0.9 < hits / 300 < 0.98


def test_a_difference_of_weighted_means_has_the_error_of_the_difference():
    """Two sessions of one step each: with weights (3, 1) the mean is 1.5, with (1, 1) it is 2."""
    values, sessions = torch.tensor([1.0, 3.0]), torch.tensor([0, 1])
    gain = clustered_difference(values, sessions, torch.tensor([3.0, 1.0]), torch.ones(2))
    influence = [0.75 * (1 - 1.5) - 0.5 * (1 - 2), 0.25 * (3 - 1.5) - 0.5 * (3 - 2)]
    assert gain.mean == pytest.approx(-0.5)
    assert gain.error == pytest.approx(math.sqrt(2 * sum(x * x for x in influence)))
    assert clustered_difference(values, sessions, torch.ones(2), torch.zeros(2)).mean is None


def test_means_of_sessions_leave_out_what_does_not_count():
    values, sessions = torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 0, 2])
    means = session_means(values, torch.tensor([1.0, 3.0, 0.0]), sessions, [0, 1, 2])
    assert means[0] == pytest.approx(2.5) and math.isnan(means[1]) and math.isnan(means[2])
