"""Data sets and batches: the same numbers for a state alone, in a batch, after taking and joining."""

import numpy as np
import pytest
import torch

from config import FeaturizerConfig
from featurizers import EncodedStates, Featurizer, Ragged
from featurizers.ragged import offsets_of
from state import PastDecision
from tests.tensors import assert_close

HISTORY = (PastDecision(0, 2, 1.0), PastDecision(2, 0, None))


@pytest.fixture(scope="module")
def states(random_state):
    return [random_state(n, seed=n, history=HISTORY if n % 2 else None) for n in (3, 0, 17, 5, 1)]


@pytest.fixture(scope="module")
def featurizer():
    return Featurizer(FeaturizerConfig())


def test_a_state_in_a_batch_has_the_features_it_has_alone(states, featurizer):
    batch = featurizer(featurizer.encode(states).batch())
    assert batch.padded and batch.x.shape == (5, 17, 192) and batch.legal.shape == (5, 7, 17)
    for row, state in enumerate(states):
        alone, n = featurizer(featurizer.encode([state]).batch()), len(state)
        assert_close(batch.x[row, :n], alone.x[0, :n], rtol=0, atol=1e-6)
        assert torch.equal(batch.legal[row, :, :n], alone.legal[0, :, :n])
        assert batch.mask[row].tolist() == [True] * n + [False] * (17 - n)
        assert not batch.legal[row, :, n:].any() and not batch.x[row, n:].any()


def test_rows_may_be_taken_in_any_order_and_more_than_once(states, featurizer):
    encoded = featurizer.encode(states)
    for rows in ([2], [4, 0, 4], torch.tensor([1]), np.array([3, 1, 0])):
        picked, expected = encoded.batch(rows), featurizer.encode([states[int(row)] for row in rows]).batch()
        assert_close(featurizer(picked).x, featurizer(expected).x, rtol=0, atol=1e-6)
        assert torch.equal(picked.legal, expected.legal) and torch.equal(picked.mask, expected.mask)
        assert (picked.history is None) == (expected.history is None)
        if expected.history is not None:
            assert torch.equal(picked.history, expected.history)


def test_joined_parts_are_the_whole(states, featurizer):
    whole = featurizer.encode(states)
    parts = EncodedStates.concat([featurizer.encode(states[:2]), featurizer.encode(states[2:])])
    assert len(parts) == len(whole) == 5
    assert_close(featurizer(parts.batch()).x, featurizer(whole.batch()).x, rtol=0, atol=1e-6)
    for name in ("scalars", "legal", "offsets", "first_line", "history"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_each_distinct_line_is_kept_once(random_state, featurizer):
    states = [random_state(40, seed=seed) for seed in range(10)]
    encoded = featurizer.encode(states)
    assert len(encoded.texts) == len({line for state in states for line in state.lines}) < 100


def test_a_batch_goes_to_a_device_whole(states, featurizer):
    batch = featurizer.encode(states).batch()
    moved = batch.to("cpu")
    assert torch.equal(moved.scalars, batch.scalars) and torch.equal(moved.places, batch.places)
    plain = featurizer.encode(states[:1]).batch()
    assert plain.places is None and plain.to(torch.device("cpu")).places is None


def test_no_state_at_all_is_a_data_set_without_rows(featurizer):
    encoded = featurizer.encode([])
    assert len(encoded) == 0 and encoded.scalars.shape == (0, 20) and encoded.history.shape[0] == 0


def test_rows_of_different_lengths():
    ragged = Ragged(np.arange(6), offsets_of([2, 0, 3, 1]))
    taken = ragged.take(np.array([2, 1, 0, 2]))
    assert taken.values.tolist() == [2, 3, 4, 0, 1, 2, 3, 4] and taken.offsets.tolist() == [0, 3, 3, 5, 8]
    assert ragged.head(1).values.tolist() == [0, 2, 5] and ragged.head(9) is ragged
    joined = Ragged.concat([ragged, taken])
    assert len(joined) == 8 and joined.take(np.array([7, 3])).values.tolist() == [2, 3, 4, 5]
