"""The network as an evaluator: candidates, batches, what counts as the same observation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import actions
from config import FeaturizerConfig, ModelConfig, SearchConfig
from featurizers import Featurizer
from models import Policy
from simulation.network_agents import NetworkPolicy
from state import Cursor, Env, PastDecision, State, unedited
from training.search import SearchRandomness, run_search
from training.search.cache import CachedEvaluator
from training.search.evaluator import PolicyEvaluator, candidates, observation

CONFIG = SearchConfig(candidates=6)


def state(count, t=4, **changes):
    """A file of so many lines; line 1 is the human's."""
    human = unedited(count).copy()
    if count > 1:
        human[1] = (2, 0, 3, 1, 0, 0)
    made = State(tuple(f"x{i} = {i * t}" for i in range(count)), t, human, unedited(count), Cursor(count > 2, 2, 1, t))
    return replace(made, **changes)


@pytest.fixture(scope="module", params=["lg_transformer", "lstm", "bigru"])
def evaluator(request):
    torch.manual_seed(0)
    model = ModelConfig(backbone=request.param, d_model=16, n_layers=1, hidden=16, d_in=24)
    policy = Policy(model)
    nn.init.normal_(policy.kept_head.last.weight)  # else p(kept) is the same everywhere
    return PolicyEvaluator(policy, Featurizer(FeaturizerConfig(d_in=24, h_max=40)), CONFIG)


def test_candidates_are_no_op_and_the_most_probable_pairs():
    pairs = torch.full((2, 7, 3), -torch.inf)
    pairs[0, 0, 0], pairs[0, 2, 1], pairs[0, 4, 0], pairs[0, 4, 2], pairs[0, 6, 1] = -3.0, -1.0, -0.5, -2.0, -1.5
    pairs[1, 0, 0] = 0.0
    found, log_probs = candidates(pairs, np.array([10, 0]), 4)
    assert found[0].tolist() == [[0, -1], [4, 10], [2, 11], [6, 11]]
    assert log_probs.tolist() == [[-3.0, -0.5, -1.0, -1.5], [0.0, -np.inf, -np.inf, -np.inf]]
    assert found[1, 0].tolist() == [0, -1]


def test_more_candidates_than_pairs():
    pairs = torch.full((1, 7, 1), -2.0)
    found, log_probs = candidates(pairs, np.array([0]), 16)
    assert found.shape == (1, 16, 2)
    assert (log_probs[0, :7] == -2).all()
    assert (log_probs[0, 7:] == -np.inf).all()


def test_candidates_are_legal_and_in_the_file_s_own_lines(evaluator):
    long = state(200)
    long = replace(long, cursor=Cursor(True, 150, 0, 4), human=np.concatenate([unedited(199), [[0, 0, 4, 1, 0, 0]]]))
    states = [state(5), long, state(0), state(1)]
    found = evaluator.evaluate(states)
    assert found.pairs[:, 0].tolist() == [[0, -1]] * 4
    assert (np.exp(found.log_probs).sum(-1) <= 1 + 1e-6).all()
    assert (found.log_probs[:, 1:-1] >= found.log_probs[:, 2:]).all()
    for of_state, pairs, log_probs in zip(states, found.pairs, found.log_probs, strict=True):
        for (decision, line), log_prob in zip(pairs.tolist(), log_probs, strict=True):
            if log_prob > -np.inf:
                assert actions.is_legal(of_state, actions.Decision(decision), line, 160)
    assert (found.pairs[1, 1:, 1] >= 130).all()
    assert (found.log_probs[2, 1:] == -np.inf).all()
    assert found.log_probs[2, 0] == 0


def test_a_state_is_worth_the_same_among_others(evaluator):
    states = [state(n, t) for n, t in ((3, 1), (30, 2), (9, 3), (60, 4), (31, 5), (0, 6))]
    together = evaluator.evaluate(states)
    for i, one in enumerate(states):
        alone = evaluator.evaluate([one])
        assert together.value[i] == pytest.approx(alone.value[0], abs=1e-5)
        assert together.log_probs[i] == pytest.approx(alone.log_probs[0], abs=1e-5)


def test_broken_weights_stop_the_search(evaluator):
    weight = next(evaluator.policy.value_head.parameters())
    before = weight.detach().clone()
    try:
        weight.data.fill_(torch.nan)
        with pytest.raises(FloatingPointError):
            evaluator.evaluate([state(3)])
    finally:
        weight.data.copy_(before)


@pytest.mark.parametrize(
    "change",
    [
        {"t": 5},
        {"lines": ("x0 = 0", "x1 = 4", "y")},
        {"cursor": Cursor(True, 1, 1, 4)},
        {"cursor": Cursor(True, 2, 2, 4)},
        {"assistant": np.array([[3, 0, 1, 1, 0, 0]] * 3)},
        {"human": unedited(3)},
        {"history": ()},
        {"history": (PastDecision(1, 2, 0.5),)},
    ],
)
def test_what_the_network_sees_makes_another_observation(change):
    assert observation(state(3, **change)) != observation(state(3))


def test_what_it_does_not_see_does_not(evaluator):
    hidden = {"env": Env(True, 3, 3), "timestamp_ms": 5, "undone": frozenset({1}), "last_known_line": 2}
    assert observation(state(3, **hidden)) == observation(state(3))
    seen, other = evaluator.evaluate([state(3)]), evaluator.evaluate([state(3, **hidden)])
    assert np.array_equal(seen.log_probs, other.log_probs)
    assert np.array_equal(seen.value, other.value)


class Quiet:
    """Decisions that only let time pass; the human may reply or not."""

    def __init__(self, evaluator):
        self.evaluate = evaluator.evaluate

    def step(self, states, pairs, kept_probs):
        return [replace(s, t=s.t + 1) for s in states], np.where(pairs[:, 0] == 0, 0.1, 0.0)

    def reply_log_probs(self, afterstates):
        return np.log(np.tile([[0.5, 0.5]], (len(afterstates), 1)))

    def reply(self, afterstates, replies, seeds):
        return [replace(s, t=s.t + 1 + int(r)) for s, r in zip(afterstates, replies, strict=True)], np.zeros(
            len(replies)
        )


def test_the_cache_saves_calls_and_changes_nothing(evaluator):
    config = SearchConfig(simulations=16, candidates=6, considered=4, replies=2, depth=3)
    roots = [state(4), state(4), state(12)]
    cached = CachedEvaluator(evaluator, observation)
    results = []
    for of in (evaluator, cached):
        randomness = SearchRandomness.draw([np.random.default_rng(1)] * 3, config, explore=False)
        results.append(run_search(roots, Quiet(of), config, randomness))
    assert np.array_equal(results[0].visit_counts, results[1].visit_counts)
    assert results[0].improved_policy == pytest.approx(results[1].improved_policy, abs=1e-3)
    assert cached.hits > cached.misses


@torch.no_grad()
def test_each_candidate_has_its_p_kept(evaluator):
    """Of its own decision and line, also where the network sees a window of the file alone."""
    states = [state(3), state(60, t=9, cursor=Cursor(True, 50, 0, 9)), state(12)]
    found = evaluator.evaluate(states)
    assert found.kept_probs is not None and evaluator.featurizer.encode(states).first_line.tolist() == [0, 20, 0]
    for i, one in enumerate(states):
        encoded = evaluator.featurizer.encode([one])
        kept = evaluator.policy(evaluator.featurizer(encoded.batch())).kept[0].sigmoid()
        for (decision, line), share in zip(found.pairs[i, 1:].tolist(), found.kept_probs[i, 1:].tolist(), strict=True):
            place = line - int(encoded.first_line[0])
            if place < kept.shape[1]:  # else a candidate that does not exist
                assert share == pytest.approx(float(kept[decision, place]), abs=1e-4)


class Keeping(nn.Module):
    """A backbone that computes something at its first call and keeps it, as backbones from outside may."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.kept = inner, None

    def forward(self, x, mask, context):
        if self.kept is None:
            self.kept = torch.linspace(0.5, 1.0, x.shape[2])
        return self.inner(x * self.kept, mask, context)


@pytest.mark.parametrize("asked_by", ["search", "people"])
def test_what_a_network_keeps_of_a_call_serves_in_training_later(asked_by):
    policy, featurizer = Policy(ModelConfig(d_model=16, n_layers=1, hidden=16)), Featurizer(FeaturizerConfig())
    policy.backbone = Keeping(policy.backbone)
    if asked_by == "search":
        PolicyEvaluator(policy, featurizer, CONFIG).evaluate([state(3)])
    else:
        NetworkPolicy(policy, featurizer).pair_probabilities([state(3)])
    featurizer.set_trainable(text_embedder=False, projector=True)
    policy(featurizer(featurizer.encode([state(3)]).batch()), ("action",)).scores.sum().backward()
    assert featurizer.proj.weight.grad.abs().sum() > 0
