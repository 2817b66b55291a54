"""One path from states to distributions: every state once, whatever it is batched with."""

import numpy as np
import pytest
import torch

from config import FeaturizerConfig, ModelConfig
from featurizers import Featurizer
from models import HEADS, ActionDistribution, Policy, forward_states
from state import Cursor, State, unedited
from tests.tensors import assert_close

LENGTHS = (3, 0, 90, 1, 17, 200, 3, 40)
CONFIG = ModelConfig(d_in=12, d_model=8, n_layers=1, n_heads=2, n_global_tokens=2, hidden=8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    policy = Policy(CONFIG).eval()
    torch.nn.init.normal_(policy.action_head.last.weight, std=3.0)
    return policy, Featurizer(FeaturizerConfig(d_in=12, char_dim=4)).eval()


@pytest.fixture
def states(random_state):
    return [random_state(n, seed=n) for n in LENGTHS]


def by_state(batches):
    """Of each state its decision logits and its value."""
    found = {}
    for batch in batches:
        logits = batch.distribution().decision_logits
        for row, i in enumerate(batch.index.tolist()):
            assert i not in found
            found[i] = torch.cat((logits[row], batch.output.value[row, None]))
    return [found[i] for i in range(len(found))]


@pytest.mark.parametrize("legal_only", [True, False])
@torch.inference_mode()
def test_every_state_is_answered_once_as_it_would_be_alone(network, states, legal_only):
    policy, featurizer = network
    together = by_state(forward_states(policy, featurizer, states, legal_only=legal_only))
    assert len(together) == len(states)
    for state, answer in zip(states, together, strict=True):
        lines = featurizer(featurizer.encode([state]).batch())
        output = policy(lines)
        distribution = ActionDistribution.from_scores(
            output.scores, lines.legal if legal_only else None, lines.mask, CONFIG.pooling
        )
        expected = torch.cat((distribution.decision_logits[0], output.value))
        assert_close(answer, expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_rows_of_encoded_states_are_answered_like_the_states_also_if_a_row_occurs_twice(network, states):
    policy, featurizer = network
    each = by_state(forward_states(policy, featurizer, states, legal_only=True))
    encoded, rows = featurizer.encode(states), [5, 2, 2, 0]
    some = by_state(forward_states(policy, featurizer, encoded, rows=torch.tensor(rows), legal_only=True))
    for row, answer in zip(rows, some, strict=True):
        assert_close(answer, each[row], rtol=0, atol=1e-5)
    assert len(by_state(forward_states(policy, featurizer, encoded, legal_only=True))) == len(states)


@torch.inference_mode()
def test_shares_of_several_processes_cover_all_states(network, states):
    policy, featurizer = network
    shares = [
        [
            i
            for batch in forward_states(policy, featurizer, states, legal_only=True, shard=shard)
            for i in batch.index.tolist()
        ]
        for shard in (lambda batches: batches[::2], lambda batches: batches[1::2])
    ]
    assert all(shares) and sorted(shares[0] + shares[1]) == list(range(len(states)))


@torch.inference_mode()
def test_says_where_each_window_begins(network):
    n = 400
    state = State(("x",) * n, 4, unedited(n), unedited(n), Cursor(True, 350, 0, 4))
    short = State(("y",) * 5, 4, unedited(5), unedited(5))
    for states in ([state, short], network[1].encode([state, short], h_max=100)):
        windows = {}
        for batch in forward_states(*network, states, legal_only=True, h_max=100):
            for i, first, length in zip(batch.index, batch.first_line, batch.lengths, strict=True):
                windows[int(i)] = int(first), int(length)
        assert windows == {0: (300, 100), 1: (0, 5)}


@torch.inference_mode()
def test_only_the_heads_that_are_asked_for_are_computed(network, states):
    (batch,) = forward_states(*network, states[:1], heads=("value",), legal_only=True)
    assert batch.output.heads.keys() == {"value"}
    with pytest.raises(KeyError, match="action"):
        batch.distribution()
    (batch,) = forward_states(*network, states[:1], legal_only=True)
    assert batch.output.heads.keys() == HEADS


def test_no_states_are_no_batches(network):
    assert not list(forward_states(*network, [], legal_only=True))
    encoded = network[1].encode([])
    assert not list(forward_states(*network, encoded, rows=np.array([], dtype=np.int64), legal_only=True))
