"""The quiet policy: fixed decisions on the path that networks take, all legal lines alike, nothing to save."""

import math

import pytest
import torch

from config import GOAL_DIM, FeaturizerConfig
from featurizers import Featurizer
from models import QuietPolicy, forward_states


@pytest.fixture(scope="module")
def featurizer():
    return Featurizer(FeaturizerConfig(d_in=12, char_dim=4)).eval()


@torch.inference_mode()
def test_silence_has_094_and_every_other_legal_decision_001_at_all_its_lines_alike(featurizer, random_state):
    states = [random_state(n, seed=n) for n in (0, 1, 6, 70)]
    for batch in forward_states(QuietPolicy(), featurizer, states, legal_only=True):
        pairs = batch.distribution().pair_log_probs().exp()
        for row in range(len(batch.index)):
            legal = batch.lines.legal[row]
            possible = legal[1:].any(1)
            total = 0.94 + 0.01 * int(possible.sum())
            assert pairs[row, 0, 0].item() == pytest.approx(0.94 / total)
            for decision in (possible.nonzero()[:, 0] + 1).tolist():
                lines = pairs[row, decision][legal[decision]]
                assert lines.sum().item() == pytest.approx(0.01 / total, rel=1e-4) and lines.unique().numel() == 1
            assert (pairs[row, 1:][~legal[1:]] == 0).all()


@torch.inference_mode()
def test_decision_logits_are_the_logarithms_themselves(featurizer, random_state):
    (batch,) = forward_states(QuietPolicy(), featurizer, [random_state(9)], legal_only=False)
    assert batch.distribution().decision_logits[0].tolist() == pytest.approx([math.log(0.94)] + [math.log(0.01)] * 6)
    assert not batch.output.scores.any() and batch.output.value.tolist() == [0.0]
    assert batch.output.goal.shape == (1, GOAL_DIM) and batch.output.kept is None


def test_it_has_no_weights():
    assert not QuietPolicy().state_dict() and not list(QuietPolicy().parameters())
