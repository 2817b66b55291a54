"""The network: heads, priors, parts that learn, the same answers in any company."""

import pytest
import torch

from config import FeaturizerConfig, ModelConfig
from featurizers import Featurizer
from models import HEADS, ActionDistribution, Policy
from state import PastDecision
from tests.tensors import assert_close

BACKBONES = ("lg_transformer", "lstm", "bigru")
HISTORY = (PastDecision(0, 1, 1.0), PastDecision(2, 3, 0.0), PastDecision(4, 0, None))


def network(backbone="lg_transformer", **settings):
    torch.manual_seed(0)
    return Policy(ModelConfig(backbone=backbone, **settings)).eval(), Featurizer(FeaturizerConfig()).eval()


@pytest.mark.parametrize("backbone", BACKBONES)
@torch.inference_mode()
def test_a_state_is_answered_alike_alone_in_a_batch_and_in_another_order(random_state, backbone):
    policy, featurizer = network(backbone)
    states = [random_state(n, seed=n, history=HISTORY if n % 2 else None) for n in (4, 0, 300, 17, 1)]
    encoded = featurizer.encode(states)
    together, order = policy(featurizer(encoded.batch())), [3, 1, 0, 4, 2]
    shuffled = policy(featurizer(encoded.batch(order)))
    for row, state in enumerate(states):
        alone, n = policy(featurizer(featurizer.encode([state]).batch())), len(state)
        for other, place in ((alone, 0), (shuffled, order.index(row))):
            for name in ("scores", "human_scores", "kept"):
                one, two = getattr(together, name)[row, :, :n], getattr(other, name)[place, :, :n]
                assert_close(one, two, rtol=0, atol=1e-5)
            for name in ("value", "goal"):
                one, two = getattr(together, name)[row], getattr(other, name)[place]
                assert_close(one, two, rtol=0, atol=1e-5)
                assert one.isfinite().all()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_gradients_reach_every_weight_of_network_and_featurizer(random_state, backbone):
    policy, featurizer = network(backbone)
    for module in policy.modules():  # what begins at zero passes no gradient on until it has learned something
        for parameter in module.parameters(recurse=False):
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
    states = [random_state(n, seed=n, history=HISTORY if n > 3 else None) for n in (3, 7)]
    lines = featurizer(featurizer.encode(states).batch())
    output = policy.train()(lines)
    distribution = ActionDistribution.from_scores(output.scores, lines.legal, lines.mask)
    human = ActionDistribution.from_scores(output.human_scores, None, lines.mask)
    total = (
        distribution.entropy().sum() + human.entropy().sum() + output.value.square().sum() + output.goal.square().sum()
    )
    (total + output.kept.sigmoid()[lines.legal].square().sum()).backward()
    for part in (policy, featurizer):
        for name, parameter in part.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


@torch.inference_mode()
def test_only_the_heads_that_are_asked_for_are_computed(random_state):
    policy, featurizer = network()
    lines = featurizer(featurizer.encode([random_state(5)]).batch())
    everything = policy(lines)
    assert everything.heads.keys() == HEADS
    for head in HEADS:
        output = policy(lines, [head])
        assert output.heads.keys() == {head} and torch.equal(output.heads[head], everything.heads[head])
    with pytest.raises(KeyError, match="action"):
        _ = policy(lines, ["value"]).scores
    bare, _ = network(predict_kept=False)
    assert bare(lines).kept is None


@pytest.mark.parametrize("backbone", BACKBONES)
@torch.inference_mode()
def test_a_fresh_policy_begins_at_its_class_prior(random_state, backbone):
    policy, featurizer = network(backbone)
    prior = torch.tensor([0.4, 0.05, 0.2, 0.05, 0.1, 0.15, 0.05])
    policy.set_decision_prior(prior.log())
    policy.set_human_prior(prior.flip(0).log())
    lines = featurizer(featurizer.encode([random_state(n, seed=n) for n in (2, 30, 200)]).batch())
    output = policy(lines)
    own = ActionDistribution.from_scores(output.scores, None, lines.mask).decision_log_probs.exp()
    human = ActionDistribution.from_scores(output.human_scores, None, lines.mask).decision_log_probs.exp()
    assert_close(own, prior.expand(3, -1), rtol=0.15, atol=0)
    assert_close(human, prior.flip(0).expand(3, -1), rtol=0.15, atol=0)


@torch.inference_mode()
def test_an_unknown_history_is_another_thing_than_an_empty_one(random_state):
    policy, featurizer = network()
    for parameter in policy.history.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    answers = []
    for history in (None, (), HISTORY):
        lines = featurizer(featurizer.encode([random_state(6, history=history)]).batch())
        answers.append(policy(lines).scores)
    assert all((one - two).abs().max() > 1e-3 for one, two in ((answers[0], answers[1]), (answers[1], answers[2])))
    ignorant, _ = network(history=False)
    lines = featurizer(featurizer.encode([random_state(6, history=HISTORY)]).batch())
    without = featurizer(featurizer.encode([random_state(6)]).batch())
    assert torch.equal(ignorant(lines).scores, ignorant(without).scores)
