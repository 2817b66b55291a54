"""The distribution over pairs against a plain enumeration; what is impossible has probability and gradient zero."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ActionDistribution
from tests.tensors import assert_close

INF = math.inf


def enumerated(scores, legal, lines, pooling):
    """P of every pair of one state as a dict, from the definition. legal None: everywhere."""
    logits, of_lines = {}, {}
    for decision in range(7):
        here = [line for line in range(lines) if legal is None or legal[decision][line]]
        if decision == 0 and not here:
            logits[0], of_lines[0] = 0.0, {-1: 1.0}
        elif here:
            values = [math.exp(scores[decision][line]) for line in here]
            logits[decision] = math.log(sum(values) / (len(values) if pooling == "mean" else 1))
            of_lines[decision] = dict(zip(here, [value / sum(values) for value in values], strict=True))
    total = sum(math.exp(logit) for logit in logits.values())
    pairs = {}
    for decision, logit in logits.items():
        p = math.exp(logit) / total
        pairs |= {(0, -1): p} if decision == 0 else {(decision, line): p * q for line, q in of_lines[decision].items()}
    return pairs


@st.composite
def cases(draw):
    size, longest = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    lengths = torch.tensor(draw(st.lists(st.integers(0, longest), min_size=size, max_size=size)))
    mask = torch.arange(longest) < lengths[:, None]
    bits = draw(st.lists(st.booleans(), min_size=size * 7 * longest, max_size=size * 7 * longest))
    legal = torch.tensor(bits).view(size, 7, longest) & mask[:, None]
    legal[:, 0] = mask
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    return 4 * torch.randn(size, 7, longest, generator=generator), legal, mask


@given(cases(), st.sampled_from(["mean", "sum"]), st.booleans())
@settings(deadline=None, max_examples=80)
def test_is_the_distribution_of_the_definition(case, pooling, human):
    scores, legal, mask = case
    distribution = ActionDistribution.from_scores(scores, None if human else legal, mask, pooling)
    found, entropy = distribution.pair_log_probs(), distribution.entropy()
    for row in range(len(scores)):
        allowed = None if human else legal[row].tolist()
        expected = enumerated(scores[row].tolist(), allowed, int(mask[row].sum()), pooling)
        table = torch.zeros(7, scores.shape[2])
        for (decision, line), probability in expected.items():
            table[decision, max(line, 0)] = probability
            choice = torch.full((len(scores),), decision), torch.full((len(scores),), line)
            assert distribution.log_prob(*choice)[row].exp().item() == pytest.approx(probability, abs=1e-5)
        assert_close(found[row].exp(), table, rtol=0, atol=1e-5)
        assert not found[row].exp()[table == 0].any()  # exactly
        own = -sum(p * math.log(p) for p in expected.values() if p > 0)
        assert entropy[row].item() == pytest.approx(own, abs=1e-4)


@given(cases(), st.sampled_from([0.0, 1e4, -1e4, 1e30]))
@settings(deadline=None, max_examples=60)
def test_no_score_and_no_mask_gives_a_nan_or_a_gradient_to_what_is_impossible(case, offset):
    scores, legal, mask = case
    scores = (scores + offset).masked_fill(~mask[:, None], torch.nan if offset == 0 else 1e30).requires_grad_()
    distribution, human = (
        ActionDistribution.from_scores(scores, legal, mask),
        ActionDistribution.from_scores(scores, None, mask),
    )
    total = distribution.entropy().sum() + distribution.kl(human).sum()
    total = total + distribution.decision_log_probs[:, 0].sum() + human.entropy().sum()
    possible = distribution.pair_log_probs() > -INF
    total = total + distribution.pair_log_probs()[possible].clamp(min=-1e6).sum()
    total.backward()
    assert total.isfinite() and scores.grad.isfinite().all()
    assert not scores.grad[~mask[:, None].expand_as(scores)].any()


def test_a_decision_legal_at_many_lines_does_not_win_by_counting():
    scores, mask = torch.zeros(1, 7, 50), torch.ones(1, 50, dtype=torch.bool)
    legal = torch.zeros(1, 7, 50, dtype=torch.bool)
    legal[:, 0] = True
    legal[:, 2, 7] = True
    legal[:, 4] = True
    mean, total = (
        ActionDistribution.from_scores(scores, legal, mask, pooling).decision_log_probs.exp()[0]
        for pooling in ("mean", "sum")
    )
    assert_close(mean[[0, 2, 4]], torch.full((3,), 1 / 3))
    assert_close(total[[0, 2, 4]], torch.tensor([50.0, 1.0, 50.0]) / 101)


def test_no_op_has_no_line():
    distribution = ActionDistribution.from_scores(torch.randn(1, 7, 4), None, torch.ones(1, 4, dtype=torch.bool))
    for line in (-1, 0, 3):
        assert distribution.line_log_prob(torch.tensor([0]), torch.tensor([line])).item() == 0.0
    assert (distribution.pair_log_probs()[0, 0] > -INF).tolist() == [True, False, False, False]


def test_a_file_without_lines_leaves_no_op():
    distribution = ActionDistribution.from_scores(torch.randn(2, 7, 3), None, torch.tensor([[True] * 3, [False] * 3]))
    assert distribution.decision_logits[1].tolist() == [0.0] + [-INF] * 6
    assert distribution.entropy()[1].item() == 0.0 and distribution.pair_log_probs()[1].exp().sum().item() == 1.0


def test_what_is_illegal_has_log_probability_minus_infinity():
    legal = torch.zeros(1, 7, 2, dtype=torch.bool)
    legal[0, 0], legal[0, 3, 1] = True, True
    distribution = ActionDistribution.from_scores(torch.zeros(1, 7, 2), legal, torch.ones(1, 2, dtype=torch.bool))
    choices = [(3, 1, False), (3, 0, True), (5, 0, True)]
    for decision, line, impossible in choices:
        log_prob = distribution.log_prob(torch.tensor([decision]), torch.tensor([line])).item()
        assert (log_prob == -INF) == impossible


def test_divergence_is_that_of_the_pairs():
    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    legal = (torch.rand(2, 7, 5, generator=generator) < 0.6) & mask[:, None]
    legal[:, 0] = mask
    one, other = (
        ActionDistribution.from_scores(torch.randn(2, 7, 5, generator=generator), legal, mask) for _ in range(2)
    )
    p, q = one.pair_log_probs().exp(), other.pair_log_probs().exp()
    expected = torch.where(p > 0, p * (p / q).log(), 0.0).sum((1, 2))
    assert_close(one.kl(other), expected)
    assert one.kl(one).abs().max() == 0 and (one.kl(other) > 0).all()
    wider = ActionDistribution.from_scores(torch.zeros(2, 7, 5), None, mask)
    assert one.kl(wider).isfinite().all() and (wider.kl(one) == INF).all()


def test_draws_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(1, 7, 3, generator=generator).expand(4000, -1, -1)
    distribution = ActionDistribution.from_scores(scores, None, torch.ones(4000, 3, dtype=torch.bool))
    decision, line = distribution.sample(generator)
    assert (line[decision == 0] == -1).all() and (line[decision > 0] >= 0).all()
    counts = torch.zeros(7, 3).index_put((decision, line.clamp(min=0)), torch.ones(4000), accumulate=True)
    assert_close(counts / 4000, distribution.pair_log_probs()[0].exp(), rtol=0, atol=0.03)


def test_large_scores_stay_exact():
    scores = torch.full((1, 7, 3), 1e5)
    scores[0, 2, 1] += 1.0
    distribution = ActionDistribution.from_scores(scores, None, torch.ones(1, 3, dtype=torch.bool))
    assert_close(distribution.pair_log_probs().exp().sum(), torch.tensor(1.0))


@given(cases(), st.booleans())
@settings(deadline=None, max_examples=60)
def test_argmax_is_the_most_probable_decision_and_then_its_most_probable_line(case, human):
    scores, legal, mask = case
    distribution = ActionDistribution.from_scores(scores, None if human else legal, mask)
    decisions, lines = distribution.argmax()
    pairs = distribution.pair_log_probs().exp()
    for row, (decision, line) in enumerate(zip(decisions.tolist(), lines.tolist(), strict=True)):
        assert decision == int(distribution.decision_logits[row].argmax())
        assert line == (-1 if decision == 0 else int(pairs[row, decision].argmax()))
        assert pairs[row, decision, max(line, 0)] > 0
