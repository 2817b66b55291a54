"""An evaluation cache changes how often is asked, never what is answered."""

import numpy as np
import pytest

from training.search import Evaluation
from training.search.cache import CachedEvaluator


class Inner:
    """Evaluates numbers, and counts."""

    def __init__(self, *, says_kept=False):
        self.asked: list[list[int]] = []
        self.says_kept = says_kept

    def evaluate(self, states):
        self.asked.append(list(states))
        column = np.array(states, dtype=float)
        pairs = np.stack([np.stack([column, -column], axis=-1)] * 3, axis=1).astype(np.int64)
        log_probs = np.stack([column, column - 1, column - 2], axis=-1)
        return Evaluation(pairs, log_probs, column * 10, log_probs / 100 if self.says_kept else None)


@pytest.fixture
def inner():
    return Inner()


def test_same_answers_in_the_same_order(inner):
    cached = CachedEvaluator(inner, key=lambda state: state)
    for states in ([1, 2, 3], [3, 4, 1, 4], [2], [5, 5, 5]):
        answer, expected = cached.evaluate(states), Inner().evaluate(states)
        assert np.array_equal(answer.pairs, expected.pairs)
        assert np.array_equal(answer.log_probs, expected.log_probs)
        assert np.array_equal(answer.value, expected.value)


def test_what_is_said_of_keeping_is_kept_too(inner):
    cached = CachedEvaluator(Inner(says_kept=True), key=lambda state: state)
    for states in ([1, 2], [2, 3, 1]):
        assert np.array_equal(cached.evaluate(states).kept_probs, Inner(says_kept=True).evaluate(states).kept_probs)
    assert CachedEvaluator(inner, key=lambda state: state).evaluate([1]).kept_probs is None


def test_each_observation_is_evaluated_once(inner):
    cached = CachedEvaluator(inner, key=lambda state: state)
    for states in ([1, 2, 1], [2, 3], [3, 1]):
        cached.evaluate(states)
    assert inner.asked == [[1, 2], [3]]
    assert (cached.hits, cached.misses) == (4, 3)


def test_states_that_look_alike_share_an_evaluation(inner):
    cached = CachedEvaluator(inner, key=lambda state: state % 10)
    assert len(set(cached.evaluate([7, 17, 27]).value.tolist())) == 1
    assert len(inner.asked[0]) == 1


def test_the_least_recently_used_is_forgotten_first(inner):
    cached = CachedEvaluator(inner, key=lambda state: state, capacity=2)
    for states in ([1, 2], [1], [3], [1], [2]):
        cached.evaluate(states)
    assert inner.asked == [[1, 2], [3], [2]]
    assert cached.evaluate([4, 5, 6]).value.tolist() == [40, 50, 60]  # more at once than it keeps
