"""p(kept) in self-play: the searches' own learns from games, the published one stays that of the phase's start."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from config import ModelConfig, PPOConfig
from featurizers import LineFeatures
from models import Policy
from simulation.scripted_people import ScriptedPerson, acceptance_rates
from training.data import transitions
from training.networks.training_networks import TrainingNetworks, weights_of
from training.zero_style.retention import (
    RetentionHead,
    bernoulli_kl,
    load_retention_weights,
    publish_retention,
    retention_weights,
)
from training.zero_style.zero_style_phase import ZeroStylePhase

FAST = PPOConfig(batch_size=16, learning_rate=1e-2, kept_weight=5.0)


@pytest.fixture(scope="module")
def phase_of(small_training, sessions, tmp_path_factory):
    """A phase with a person who takes back everything, on fresh networks."""
    small = small_training(tmp_path_factory.mktemp("retention"))

    def make(ppo=FAST, **model):
        config = replace(
            small, ppo=ppo, model=replace(small.model, **model),
            zero_style=replace(small.zero_style, simulations=6, epochs=3, roots=8, horizon=4, recorded_share=0.25),
        )  # fmt: skip
        policies = TrainingNetworks.fresh(config.model, config.featurizer, 0)
        data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
        undoes_all = acceptance_rates(fill=0.0, line=0.0, lines=0.0, edit=0.0, comments=0.0, mistakes=0.0)
        person = ScriptedPerson("takes everything back", undoes_all)
        return ZeroStylePhase(policies, sessions, data, (0, 1, 2, 4), config, person=person)

    return make


def learn(phase):
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        metrics = phase.finish()
    return metrics


@torch.no_grad()
def kept_probs(policy, phase):
    """p(kept) of the legal pairs that write, at every recorded state."""
    encoded = phase.data.encoded
    lines = phase.policies.featurizer(encoded.batch(torch.arange(len(encoded))))
    writes = lines.legal & lines.mask[:, None]
    writes[:, 0] = False
    return policy.eval()(lines, {"kept"}).kept.sigmoid()[writes]


@pytest.fixture(scope="module")
def learned(phase_of):
    """A phase that has ended, the assistant that it began with, and the metrics of its last epoch."""
    phase = phase_of()
    start = copy.deepcopy(phase.policies.assistant)
    return phase, start, learn(phase)


def test_games_teach_the_searches_and_not_the_published_p_kept(learned):
    phase, start, _ = learned
    assistant = copy.deepcopy(phase.policies.assistant)
    before, published = kept_probs(start, phase), kept_probs(assistant, phase)
    load_retention_weights(assistant, phase.search_retention)
    search = kept_probs(assistant, phase)
    assert (search - before).abs().mean() > 0.15 and search.mean() < before.mean()
    assert (published - before).abs().mean() < 0.2 * (search - before).abs().mean()
    assert (published - before).abs().mean() < 0.05


def test_the_head_follows_the_network_below_it(learned):
    """Without that the start's own head reads other features, and p(kept) drifts."""
    phase, start, _ = learned
    assistant = copy.deepcopy(phase.policies.assistant)
    before, published = kept_probs(start, phase), kept_probs(assistant, phase)
    load_retention_weights(assistant, retention_weights(start))
    drifted = kept_probs(assistant, phase)
    assert (published - before).abs().mean() < 0.5 * (drifted - before).abs().mean()


def test_the_policy_learns_the_same_whether_its_p_kept_is_published_or_not(phase_of, learned, monkeypatch):
    published, without = learned[0], phase_of()
    monkeypatch.setattr(without, "_publish_retention", dict)
    learn(without)
    weights, expected = weights_of(published.policies.assistant), weights_of(without.policies.assistant)
    for name, tensor in expected.items():
        if name == "tilt.weight":
            assert torch.equal(weights[name][:14], tensor[:14])
        elif not name.startswith("kept_head"):
            assert torch.equal(weights[name], tensor), name


def test_the_log_says_how_far_the_published_p_kept_is_from_the_start(learned):
    metrics = learned[2]
    assert 0 < metrics["kl_kept"] < 0.1


def test_a_policy_without_p_kept_learns_too(phase_of):
    phase = phase_of(predict_kept=False)
    assert "kl_kept" not in learn(phase) and phase.search_retention is None
    with pytest.raises(ValueError, match="p\\(kept\\)"):
        RetentionHead(phase.policies.assistant)


@pytest.mark.parametrize(("p", "q", "kl"), [
    (0.5, 0.5, 0.0),
    (0.5, 0.25, 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)),
    (0.9, 0.1, 0.9 * math.log(9.0) + 0.1 * math.log(1 / 9)),
])  # fmt: skip
def test_the_divergence_worked_out(p, q, kl):
    logits = torch.tensor([p, q]).logit()
    assert bernoulli_kl(*logits).item() == pytest.approx(kl, abs=1e-5)


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_the_divergence_is_never_negative(p, q):
    assert bernoulli_kl(torch.tensor(p), torch.tensor(q)) >= -1e-5


def small_policy(seed):
    torch.manual_seed(seed)
    return Policy(ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16, radius=8, history=False)).eval()


def lines_of(*legal_pairs):
    """Features of two states of three lines; which pairs of the first are legal besides NO-OP."""
    legal = torch.zeros(2, 7, 3, dtype=torch.bool)
    legal[:, 0] = True
    for decision, line in legal_pairs:
        legal[0, decision, line] = True
    return LineFeatures(torch.randn(2, 3, 24), torch.ones(2, 3, dtype=torch.bool), False, legal, None)


@torch.no_grad()
def logits_of(policy, lines):
    return policy(lines, {"kept"}).kept


def test_a_head_is_fitted_to_another_networks_predictions_at_legal_pairs_that_write():
    start, policy, lines = small_policy(0), small_policy(1), lines_of((2, 1), (5, 0))
    with torch.no_grad():
        start.kept_head.last.weight *= 20
    before, wanted = logits_of(policy, lines), logits_of(start, lines)
    divergence = publish_retention(policy, start, [lines])
    after = logits_of(policy, lines)
    at = (torch.tensor([0, 0]), torch.tensor([2, 5]), torch.tensor([1, 0]))
    assert (after[at] - wanted[at]).abs().max() < 0.5 * (before[at] - wanted[at]).abs().max()
    assert divergence == pytest.approx(bernoulli_kl(wanted[at], after[at]).mean().item(), abs=1e-6)


def test_states_without_a_pair_that_writes_change_nothing():
    start, policy, lines = small_policy(0), small_policy(1), lines_of()
    assert publish_retention(policy, start, [lines]) == 0.0
    pairs = zip(policy.kept_head.parameters(), start.kept_head.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
