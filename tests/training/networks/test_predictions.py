"""Predictions of recorded steps are those of the network state by state, in the order of the steps."""

import math
from dataclasses import replace

import pytest
import torch

from models import forward_states
from tests.tensors import assert_close
from training.networks.predictions import Predictor, ReferenceLogProbs, kl_divergence, line_counts


def one_by_one(policy, data, networks, rows, *, legal_only):
    """What the policy says of each row alone."""
    for row in rows.tolist():
        (batch,) = forward_states(policy, networks.featurizer, data.encoded, rows=[row], legal_only=legal_only)
        yield batch


@pytest.mark.parametrize("legal_only", [True, False])
@torch.no_grad()
def test_each_step_gets_the_prediction_of_its_own_state(fresh, legal_only):
    networks, data = fresh
    policy = networks.human.eval()
    policy.kept_head.last.weight.normal_(generator=torch.Generator().manual_seed(0))
    steps = data.select_episodes([4, 1, 0], is_human=not legal_only)
    predictions = Predictor(policy, networks.featurizer, legal_only).predict(data.encoded, steps)
    for i, batch in enumerate(one_by_one(policy, data, networks, steps.state_index, legal_only=legal_only)):
        decision, line = steps.decision[i : i + 1], steps.line[i : i + 1]
        distribution = batch.distribution()
        near = {"rtol": 0, "atol": 1e-5}
        assert_close(predictions.decisions[i], distribution.decision_log_probs[0], **near)
        assert_close(predictions.line[i : i + 1], distribution.line_log_prob(decision, line), **near)
        assert_close(predictions.value[i], batch.output.value[0], **near)
        assert_close(predictions.goal[i], batch.output.goal[0], **near)
        expected = batch.output.kept[0, steps.decision[i], steps.line[i]]
        assert_close(predictions.retention_logit[i], expected, **near)
    assert torch.equal(predictions.decision(steps), predictions.decisions[torch.arange(len(steps)), steps.decision])


def test_a_line_that_does_not_count_has_log_probability_0(fresh):
    networks, data = fresh
    steps = data.select_episodes([0], is_human=True)
    without = replace(steps, line_trainable=torch.zeros_like(steps.line_trainable))
    predictor = Predictor(networks.human, networks.featurizer, legal_only=False)
    assert predictor.predict(data.encoded, steps).line.any()
    assert not predictor.predict(data.encoded, without).line.any()


def test_a_policy_without_p_kept_gives_logits_of_0(fresh):
    networks, data = fresh
    networks.human.kept_head = None
    predictions = Predictor(networks.human, networks.featurizer).predict(data.encoded, data.select_episodes([0]))
    assert not predictions.retention_logit.any()


def test_values_are_those_of_the_rows_and_0_where_there_is_none(fresh):
    networks, data = fresh
    predictor = Predictor(networks.human, networks.featurizer)
    values = predictor.values(data.encoded, torch.tensor([5, -1, 0, 5]))
    expected = [
        batch.output.value.item()
        for batch in one_by_one(networks.human, data, networks, torch.tensor([5, 0]), legal_only=True)
    ]
    assert values.tolist() == pytest.approx([expected[0], 0.0, expected[1], expected[0]], abs=1e-5)


@torch.no_grad()
def test_the_reference_is_the_distribution_at_each_row_whatever_it_is_padded_to(fresh):
    networks, data = fresh
    rows = data.select_episodes(range(2), is_human=False).state_index
    reference = Predictor(networks.assistant, networks.featurizer).reference(data.encoded, rows)
    width = int(line_counts(data.encoded, rows).max()) + 2
    pairs = reference.pair_log_probs(rows.flip(0), width).flip(0)
    batches = one_by_one(networks.assistant, data, networks, rows, legal_only=True)
    for one, batch in zip(pairs, batches, strict=True):
        expected = batch.distribution().pair_log_probs()[0]
        assert_close(one[:, : expected.shape[1]], expected, rtol=0, atol=1e-5)
        assert (one[:, expected.shape[1] :] == -math.inf).all()


def test_a_state_without_lines_has_a_place_in_the_reference():
    reference = ReferenceLogProbs(torch.tensor([3, 8]), torch.tensor([0, 2]))
    no_op = torch.tensor([[0.0], *[[-math.inf]] * 6])
    reference.set([0], no_op[None])
    assert torch.equal(reference.pair_log_probs(torch.tensor([3]), 1)[0], no_op)
    assert (reference.pair_log_probs(torch.tensor([3]), 2)[0, :, 1] == -math.inf).all()


def test_kl_divergence_is_that_of_the_closed_form_and_ignores_what_p_excludes():
    p, q = torch.tensor([[0.5, 0.5, 0.0]]).log(), torch.tensor([[0.25, 0.5, 0.25]]).log()
    assert kl_divergence(p, q).tolist() == pytest.approx([0.5 * math.log(2)])
    assert kl_divergence(p, p).tolist() == [0.0]
    excluded = kl_divergence(q, p)
    assert excluded.isfinite().all() and excluded > 5  # q falls where p is impossible: large, but a number
