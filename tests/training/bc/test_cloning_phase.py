"""Cloning: where it begins, what it learns, when it stops, what it leaves alone."""

from dataclasses import replace

import pytest
import torch

from config import BCConfig
from models import store
from training.bc.cloning_phase import CloningPhase
from training.data.transitions import build_dataset
from training.losses.returns import returns_to_go
from training.networks.initialisation import (
    initialise_human_policy,
)
from training.networks.predictions import PolicyPredictions, Predictor, kl_divergence
from training.networks.training_networks import TrainingNetworks
from training.train_from_episodes import train_from_episodes


def without_self_play(config):
    return replace(config, zero_style=replace(config.zero_style, epochs=0))


def run(phase):
    rows = []
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        rows.append(phase.finish())
    phase.close()
    return rows


def nll(policies, data, episodes):
    steps = data.select_episodes(episodes, is_human=True)
    answers = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, steps)
    return float(-answers.decision(steps).mean())


def begin(policies, data, episodes):
    steps = data.select_episodes(episodes)
    initialise_human_policy(policies.human, data, steps, returns_to_go(steps, 0.99))


def test_it_learns_what_the_human_does(fresh):
    policies, data = fresh
    begin(policies, data, range(6))
    before = nll(policies, data, range(6))
    config = BCConfig(epochs=30, learning_rate=5e-3, start_anchor=0.0)
    rows = run(CloningPhase(policies, data, set(range(6)), set(), config, gamma=0.99, seed=0))
    assert nll(policies, data, range(6)) < before - 0.1
    assert rows[-1]["line_loss"] < rows[0]["line_loss"]
    assert rows[-1]["goal_loss"] < rows[0]["goal_loss"]
    assert rows[-1]["kept_loss"] < rows[0]["kept_loss"]


def test_every_trainable_part_learns(fresh):
    policies, data = fresh
    begin(policies, data, range(6))
    before = {n: p.clone() for m in (policies.human, policies.featurizer) for n, p in m.named_parameters()}
    run(CloningPhase(policies, data, set(range(6)), set(), BCConfig(epochs=1), gamma=0.99, seed=0))
    after = {n: p for m in (policies.human, policies.featurizer) for n, p in m.named_parameters()}
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == ["history.unknown"]  # every session of this recording has a history


@pytest.mark.parametrize("text_embedder", [True, False])
@pytest.mark.parametrize("projector", [True, False])
def test_parts_of_the_featurizer_learn_if_they_are_to(small, sessions, text_embedder, projector):
    features = replace(small.featurizer, train_text_embedder=text_embedder, train_featurizer_projector=projector)
    policies = TrainingNetworks.fresh(small.model, features, 0)
    data = build_dataset(sessions, policies.featurizer)
    before = {name: value.clone() for name, value in policies.featurizer.state_dict().items()}
    run(CloningPhase(policies, data, set(range(6)), set(), BCConfig(epochs=1), gamma=0.99, seed=0))
    moved = {name.split(".")[0]: not torch.equal(value, before[name]) for name, value in
             policies.featurizer.state_dict().items()}  # fmt: skip
    assert moved == {"text_embedder": text_embedder, "proj": projector}


def test_the_anchor_holds_the_decisions_and_not_the_lines(fresh, small, sessions):
    moved = []
    for anchor in (0.0, 1000.0):
        policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
        data = build_dataset(sessions, policies.featurizer)
        begin(policies, data, range(6))
        steps = data.select_episodes(range(6), is_human=True)
        before = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, steps).decisions
        config = BCConfig(epochs=5, learning_rate=3e-3, start_anchor=anchor)
        rows = run(CloningPhase(policies, data, set(range(6)), set(), config, gamma=0.99, seed=0))
        after = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, steps).decisions
        moved.append(float(kl_divergence(before, after).mean()))
        assert rows[-1]["line_loss"] < rows[0]["line_loss"]
    assert moved[1] < 0.3 * moved[0]


@pytest.mark.parametrize("learning_rate", [3e-3, 5e-2])
def test_it_stops_when_held_out_sessions_get_worse_and_takes_the_best(fresh, learning_rate):
    policies, data = fresh
    begin(policies, data, range(5))
    steps = data.select_episodes([5], is_human=True)

    def loss():
        answers = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, steps)
        return float(-answers.decision(steps).mean()) + 0.5 * float(-answers.line.mean())

    start = loss()
    config = BCConfig(epochs=50, learning_rate=learning_rate, start_anchor=0.0, patience=2)
    phase = CloningPhase(policies, data, set(range(5)), {5}, config, gamma=0.99, seed=0)
    rows = run(phase)
    losses = [start, *(row["val_decision_nll"] + 0.5 * row["val_line_nll"] for row in rows)]
    best = losses.index(min(losses))
    assert len(rows) == best + 2 < 50
    assert f"early after epoch {best + 2}: the validation loss was best after epoch {best}" in phase.close()
    assert loss() == pytest.approx(losses[best], abs=1e-5)


def test_it_stops_too_where_held_out_lines_alone_get_worse(fresh, monkeypatch):
    """Decisions get better by 0.1 nats an epoch, the lines worse by 0.3, which count half as much."""
    policies, data = fresh
    config = BCConfig(line_weight=0.5, patience=2)
    phase = CloningPhase(policies, data, set(range(5)), {5}, config, gamma=0.99, seed=0)
    zeros = torch.zeros(len(phase.held_out))
    for epoch in range(3):
        decisions = torch.full((len(zeros), 7), 0.1 * epoch - 3.0)
        predictions = PolicyPredictions(decisions, zeros - 1.0 - 0.3 * epoch, zeros, zeros, torch.zeros(len(zeros), 8))
        monkeypatch.setattr(Predictor, "predict", lambda *_, predictions=predictions: predictions)
        measured = phase._validate()
        assert measured["val_decision_nll"] == pytest.approx(3.0 - 0.1 * epoch)
        assert phase.early_stopping.epochs_since_best == epoch
    assert phase.done


def test_returns_of_the_human_are_those_of_the_assistant_to_come(fresh):
    _, data = fresh
    steps = data.select_episodes([0])
    returns = returns_to_go(steps, 0.9)
    own = returns[~steps.is_human]
    rewards = steps.reward[~steps.is_human]
    assert own[0].item() == pytest.approx(sum(0.9**i * r for i, r in enumerate(rewards.tolist())), abs=1e-5)
    for i in range(len(steps) - 1):
        if steps.is_human[i]:
            assert returns[i] == returns[i + 1]
    assert not steps.is_human[-1] or returns[-1] == 0


def test_a_loaded_assistant_decides_as_it_did_while_its_features_learn(small, sessions):
    sessions = sessions[:5]  # none of five is held out, so nothing but the last epoch is taken
    small = without_self_play(small)
    train_from_episodes(small, sessions)
    old = store.load(small.pv_dir)
    config = replace(
        small, init_from_pv=True, checkpoint_dir=small.checkpoint_dir / "again",
        bc=BCConfig(epochs=8, learning_rate=3e-3), ppo=replace(small.ppo, epochs=0),
    )  # fmt: skip
    new = train_from_episodes(config, sessions).policies
    pairs = zip(old.featurizer.parameters(), new.featurizer.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in pairs)
    data = build_dataset(sessions, old.featurizer)
    rows = data.select_episodes(range(5), is_human=False).state_index
    before = Predictor(old.assistant, old.featurizer, legal_only=True).reference(data.encoded, rows)
    adrift = Predictor(old.assistant, new.featurizer, legal_only=True).reference(data.encoded, rows)
    kept = Predictor(new.assistant, new.featurizer, legal_only=True).reference(data.encoded, rows)

    def moved(reference):
        p, q = (x.values.T[None].transpose(1, 2) for x in (before, reference))
        return float(kl_divergence(p, q)) / len(rows.unique())

    assert moved(kept) < 0.02
    assert moved(kept) < 0.5 * moved(adrift)


def test_an_imported_policy_without_p_kept_begins_it_at_what_was_kept(small, sessions):
    sessions = sessions[:5]
    train_from_episodes(without_self_play(small), sessions)
    models = store.load(small.pv_dir)
    for policy in (models.human, models.assistant):
        policy.config = replace(policy.config, history=False, predict_kept=False)
        policy.history = policy.tilt = policy.kept_head = None
    store.publish(small.pv_dir, models, {"trained_on": "imported"})
    config = replace(small, init_from_pv=True, checkpoint_dir=small.checkpoint_dir / "again",
                     bc=BCConfig(epochs=0), ppo=replace(small.ppo, epochs=0),
                     zero_style=replace(small.zero_style, epochs=0))  # fmt: skip
    result = train_from_episodes(config, sessions)
    steps = result.data.select_episodes(range(5), is_human=False)
    steps = steps.select(~steps.retained.isnan())
    answers = Predictor(result.policies.assistant, result.policies.featurizer, legal_only=True).predict(
        result.data.encoded, steps
    )
    error = (answers.retention_logit.sigmoid() - steps.retained).square().mean()
    assert error < (steps.retained.mean() - steps.retained).square().mean()
