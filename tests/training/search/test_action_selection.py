"""Completed Q, improved policy and the choice of a candidate, as worked tables."""

import numpy as np
import pytest

from config import SearchConfig
from training.search.action_selection import (
    bounds,
    completed_qvalues,
    improved_policy,
    initial_order,
    pick_considered,
    pick_interior,
    pick_puct,
    rescale,
)

PLAIN = SearchConfig(prior_visits=0.0)


def log(probs: list[float]) -> np.ndarray:
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
def test_completed_q(probs, visits, returns, *, prior_visits, mixed, expected) -> None:  # type: ignore[no-untyped-def]
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
def test_rescale_by_the_candidates_that_exist(q: list[float], probs: list[float], expected: list[float]) -> None:
    values = np.array([q])
    assert rescale(values, *bounds(values, log(probs)))[0] == pytest.approx(expected)


def test_improved_policy() -> None:
    # sigma = (50 + 3) * .1 * q = 5.3 q: weights .5 e^0, .3 e^5.3, .2 e^2.65.
    policy = improved_policy(log([0.5, 0.3, 0.2]), np.array([[0.0, 1.0, 0.5]]), np.array([[1, 3, 1]]), PLAIN)
    weights = np.array([0.5, 0.3 * np.exp(5.3), 0.2 * np.exp(2.65)])
    assert policy[0] == pytest.approx(weights / weights.sum())


@pytest.mark.parametrize(
    ("scores", "visits", "considered", "expected"),
    [
        ([0.0, 2.0, 1.0], [0, 0, 0], 0, 0),  # NO-OP first, however unlikely
        ([0.0, 2.0, 1.0], [1, 0, 0], 0, 1),
        ([0.0, 2.0, 1.0], [1, 1, 0], 0, 2),
        ([0.0, 2.0, 1.0], [1, 1, 1], 1, 1),
        ([0.0, 2.0, 1.0], [1, 2, 1], 1, 2),
        ([0.0, -np.inf, 1.0], [1, 0, 0], 0, 2),  # one that does not exist
    ],
)
def test_root_choice(scores: list[float], visits: list[int], considered: int, expected: int) -> None:
    assert pick_considered(np.array([scores]), np.array([visits]), np.array([considered])).tolist() == [expected]


def test_visits_inside_follow_the_improved_policy() -> None:
    improved, visits = np.array([[0.6, 0.3, 0.1, 0.0]]), np.zeros((1, 4), dtype=np.int64)
    for _ in range(100):
        visits[0, pick_interior(improved, visits)[0]] += 1
    assert visits[0].tolist() == pytest.approx([60, 30, 10, 0], abs=1)


@pytest.mark.parametrize(
    ("q", "visits", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0], 0),  # the prior alone
        ([0.0, 0.0, 0.0, 0.0], [1, 0, 0, 0], 1),  # 1.25 * sqrt(2) * (.5 / 2, .3, .2): .44 .53 .35
        ([0.0, 1.0, 0.25, 0.0], [1, 1, 0, 0], 1),  # 1.25 * sqrt(3) * (.25, .15, .2) + q: .54 1.32 .68
        ([0.0, 0.0, 0.0, 9.0], [9, 9, 0, 0], 2),  # one that does not exist is never taken
    ],
)
def test_puct_choice(q: list[float], visits: list[int], expected: int) -> None:
    picks = pick_puct(log([0.5, 0.3, 0.2, 0.0]), np.array([q]), np.array([visits]), PLAIN)
    assert picks.tolist() == [expected]


def test_first_visits_go_to_no_op_then_by_score_then_by_place() -> None:
    scores = np.array([[-9.0, 1.0, 2.0, 2.0, -np.inf], [-np.inf, 1.0, -np.inf, 3.0, 2.0]])
    assert initial_order(scores)[0].tolist() == [0, 2, 3, 1, 4]
    assert initial_order(scores)[1, :3].tolist() == [3, 4, 1]
