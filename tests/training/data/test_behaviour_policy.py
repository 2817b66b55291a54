"""The behaviour model: counts among what was legal, never a probability of zero."""

import pytest
import torch

from training.data.behaviour_policy import LINE_KINDS, ChoiceSets, fit_behaviour_policy, luce_weights


def drawn(weights, available, seed=0):
    """Choices drawn in proportion to `available * weights`."""
    return torch.multinomial(available * weights, 1, generator=torch.Generator().manual_seed(seed)).squeeze(1)


def test_weights_are_found_from_choices_among_changing_offers():
    torch.manual_seed(0)
    truth = torch.tensor([4.0, 2.0, 1.0, 0.5])
    available = (torch.rand(4000, 4) < 0.6).float()
    available[:, 0] = 1.0
    found = luce_weights(available, drawn(truth, available), torch.ones(4))
    assert (found / found[2]).tolist() == pytest.approx((truth / truth[2]).tolist(), rel=0.15)


def test_an_option_is_not_judged_by_choices_that_did_not_offer_it():
    available = torch.tensor([[1.0, 1.0]] * 20 + [[1.0, 0.0]] * 2000)
    chosen = torch.tensor([0, 1] * 10 + [0] * 2000)
    weights = luce_weights(available, chosen, torch.ones(2))
    assert weights[0] / weights[1] == pytest.approx(1.0, rel=0.2)


def test_without_choices_there_is_the_prior():
    nothing = torch.zeros(0, dtype=torch.int64)
    assert luce_weights(torch.zeros(0, 3), nothing, torch.tensor([1.0, 2.0, 3.0])).tolist() == [0.5, 1.0, 1.5]


def choices(decision, line_kind, lines):
    legal = torch.ones(len(decision), 7, dtype=torch.bool)
    return ChoiceSets(legal, torch.tensor(decision), torch.tensor(lines, dtype=torch.float32), torch.tensor(line_kind))


def test_probabilities_of_decisions_and_of_lines():
    lines = [[0.0] * LINE_KINDS for _ in range(60)]
    for row in lines[20:]:
        row[2], row[4] = 2.0, 4.0  # two lines near the cursor, four further away
    model = fit_behaviour_policy(choices([0] * 20 + [4] * 40, [-1] * 20 + [2] * 40, lines))
    decision, line = model.log_probs(choices([0, 4, 4, 6], [-1, 2, 4, 2], lines[:1] + lines[20:23]))
    assert line[0] == 0.0  # NO-OP has no line
    assert decision[1] > decision[0] > decision[3]
    assert line[1].exp() > 0.35 and line[1].exp() <= 0.5  # nearly always near, one of two
    assert 0 < line[2].exp() < 0.05
    assert torch.isfinite(decision).all() and torch.isfinite(line).all()


def test_what_is_not_legal_has_no_share():
    model = fit_behaviour_policy(choices([0] * 10 + [4] * 30, [-1] * 10 + [2] * 30, [[0.0, 0.0, 3.0] + [0.0] * 7] * 40))
    only_no_op = choices([0], [-1], [[0.0] * LINE_KINDS])
    only_no_op.decisions[:, 1:] = False
    assert model.log_probs(only_no_op)[0].item() == pytest.approx(0.0)


def test_the_prior_of_a_fresh_policy_is_a_distribution():
    model = fit_behaviour_policy(choices([0] * 10 + [4] * 30, [-1] * 10 + [2] * 30, [[0.0, 0.0, 3.0] + [0.0] * 7] * 40))
    assert model.decision_log_prior().exp().sum().item() == pytest.approx(1.0)
    assert int(model.decision_log_prior().argmax()) == 4


def test_the_weights_expect_of_each_kind_as_many_choices_as_there_were():
    """The condition of the maximum of the likelihood, where the prior hardly counts and what was offered varies."""
    order = torch.Generator().manual_seed(0)
    available = torch.randint(1, 6, (400, 3), generator=order).float()
    chosen = torch.multinomial(available * torch.tensor([1.0, 4.0, 0.25]), 1, generator=order)[:, 0]
    weights = luce_weights(available, chosen, torch.ones(3), strength=1e-6)
    expected = (available * weights / (available @ weights)[:, None]).sum(0)
    assert expected.tolist() == pytest.approx(torch.bincount(chosen, minlength=3).tolist(), rel=0.01)
