"""The improved policy and the choice of a candidate, as worked tables."""

import numpy as np
import pytest

from config import SearchConfig
from training.search.action_selection import (
    improved_policy,
    initial_order,
    most_probable_pair,
    select_considered,
    select_interior,
    select_puct,
)

PLAIN = SearchConfig(prior_visits=0.0)


def log(probs):
    with np.errstate(divide="ignore"):
        return np.log([probs])


def test_improved_policy():
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
def test_root_choice(scores, visits, considered, expected):
    assert select_considered(np.array([scores]), np.array([visits]), np.array([considered])).tolist() == [expected]


def test_visits_inside_follow_the_improved_policy():
    improved, visits = np.array([[0.6, 0.3, 0.1, 0.0]]), np.zeros((1, 4), dtype=np.int64)
    for _ in range(100):
        visits[0, select_interior(improved, visits)[0]] += 1
    assert visits[0].tolist() == pytest.approx([60, 30, 10, 0], abs=1)


@pytest.mark.parametrize(
    ("improved", "visits", "expected"),
    [
        ([0.72, 0.28], [3, 1], 0),  # .72 - 3 / 5 = .12 and .28 - 1 / 5 = .08; of four visits it would be -.03 and .03
        ([0.55, 0.45], [1, 1], 0),  # .22 and .12
        ([0.0, 1.0], [0, 9], 1),  # .1; an impossible candidate is no choice, whatever lags behind
    ],
)
def test_a_share_of_visits_counts_the_nodes_own(improved, visits, expected):
    assert select_interior(np.array([improved]), np.array([visits])).tolist() == [expected]


@pytest.mark.parametrize(
    ("q", "visits", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0], 0),  # the prior alone
        ([0.0, 0.0, 0.3, 0.0], [0, 0, 0, 0], 0),  # 1.25 * sqrt(1) * (.5, .3, .2) + q: .63 .38 .55
        ([0.0, 0.0, 0.15, 0.0], [1, 0, 0, 0], 1),  # 1.25 * sqrt(2) * (.5 / 2, .3, .2) + q: .44 .53 .50
        ([0.0, 0.0, 0.0, 0.0], [1, 0, 0, 0], 1),  # 1.25 * sqrt(2) * (.5 / 2, .3, .2): .44 .53 .35
        ([0.0, 1.0, 0.25, 0.0], [1, 1, 0, 0], 1),  # 1.25 * sqrt(3) * (.25, .15, .2) + q: .54 1.32 .68
        ([0.0, 0.0, 0.0, 9.0], [9, 9, 0, 0], 2),  # one that does not exist is never taken
    ],
)
def test_puct_choice(q, visits, expected):
    actions = select_puct(log([0.5, 0.3, 0.2, 0.0]), np.array([q]), np.array([visits]), PLAIN)
    assert actions.tolist() == [expected]


@pytest.mark.parametrize(("policy", "decisions", "expected"), [
    ([0.4, 0.2, 0.1, 0.3], [0, 2, 2, 2], 3),  # writing has 0.6, most of it at the last line
    ([0.4, 0.2, 0.1, 0.3], [0, 2, 2, 5], 0),
    ([0.4, 0.2, 0.2, 0.2], [0, 2, 2, 5], 0),  # alike: the more probable pair, NO-OP first
    ([0.1, 0.4, 0.5, 0.0], [0, 2, 5, 0], 2),  # what does not exist has probability 0
])  # fmt: skip
def test_argmax_takes_the_most_probable_decision_and_then_its_line(policy, decisions, expected):
    pairs = np.stack([decisions, np.arange(4) - 1], axis=-1)[None]
    assert most_probable_pair(np.array([policy]), pairs).tolist() == [expected]


def test_first_visits_go_to_no_op_then_by_score_then_by_place():
    scores = np.array([[-9.0, 1.0, 2.0, 2.0, -np.inf], [-np.inf, 1.0, -np.inf, 3.0, 2.0]])
    assert initial_order(scores)[0].tolist() == [0, 2, 3, 1, 4]
    assert initial_order(scores)[1, :3].tolist() == [3, 4, 1]
