"""PPO: it finds what was worth it from decisions that it did not take, and leaves everybody else alone."""

import math
from dataclasses import replace

import pytest
import torch

from actions import Decision, Review, Withheld
from config import PPOConfig
from models.reviewer import START, Reviewer
from state import Cursor, Env, State, unedited
from state_adapter import Action, Episode
from training.data import behaviour_policy
from training.data.transitions import build_dataset
from training.losses.importance import effective_sample_size
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.ppo.ppo_phase import PPOPhase

GOOD, BAD = Decision.WRITE_SINGLE_LINE, Decision.EDIT_EXISTING_LINES


def bandit(number, decision, probability):
    """One decision; if it is the good one, the person keeps it, else they take it back."""
    human = unedited(1)
    state = State(("",), 0, human, unedited(1), Cursor(True, 0, 0, 0), Env(True, 0, 2), history=(), last_known_line=0)
    after = replace(state, lines=("x = 1",), t=1, cursor=Cursor(), last_known_line=0)
    reply = replace(after if decision is GOOD else state, t=2)
    moves = (None, Action("A", decision, 0, True, probability, probability), Action("H", Decision.NO_OP, -1, True))
    return Episode(f"bandit-{number}", "made up", None, (state, after, reply), moves)


def bandits(share_of_good, count=40, *, recorded):
    good = round(count * share_of_good)
    return [
        bandit(i, GOOD if i < good else BAD, (share_of_good if i < good else 1 - share_of_good) if recorded else None)
        for i in range(count)
    ]


def begin(small, episodes, config):
    """A fresh assistant and the phase in which it is to learn from the episodes."""
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(episodes, policies.featurizer)
    fitted = behaviour_policy.fit_behaviour_policy(data.select_episodes(range(len(episodes)), is_human=False).choices)
    policies.initialise_assistant(fitted.decision_log_prior(), 0)
    return policies, data, PPOPhase(policies, data, set(range(len(episodes))), fitted, config, seed=0)


def learn(small, episodes, config):
    """The assistant that has learned from the episodes; the phase, and its rows."""
    policies, data, phase = begin(small, episodes, config)
    rows = []
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        rows.append(phase.finish())
    return policies, data, rows, phase


def probability(policies, data, decision):
    steps = data.select_episodes(range(len(data.ids)), is_human=False)
    return float(Predictor(policies.assistant, policies.featurizer, legal_only=True).predict(data.encoded, steps)
                 .decisions[:, decision].exp().mean())  # fmt: skip


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("share_of_good", [0.2, 0.5])
def test_the_better_decision_wins_though_it_was_the_rarer_one(small, share_of_good, recorded):
    config = PPOConfig(epochs=10, batch_size=20, learning_rate=6e-3, start_anchor=0.0, human_anchor=0.0)
    policies, data, rows, _ = learn(small, bandits(share_of_good, count=20, recorded=recorded), config)
    assert probability(policies, data, GOOD) > 0.6
    assert probability(policies, data, BAD) < 0.3
    assert {row["update"] for row in rows} <= {"ppo", "awr"}


def test_one_epoch_moves_a_clip_and_hardly_more(small):
    config = PPOConfig(epochs=1, passes=30, batch_size=20, learning_rate=3e-3, start_anchor=0.0, human_anchor=0.0)
    policies, data, rows, _ = learn(small, bandits(0.5, recorded=True), replace(config, target_kl=10.0))
    assert rows[0]["clip_fraction"] > 0.1
    steps = data.select_episodes(range(len(data.ids)), is_human=False)
    after = (
        Predictor(policies.assistant, policies.featurizer, legal_only=True).predict(data.encoded, steps).decision(steps)
    )
    before = (
        Predictor(policies.initial_assistant, policies.featurizer, legal_only=True)
        .predict(data.encoded, steps)
        .decision(steps)
    )
    assert (after - before).exp().max() < 1.6


def test_target_kl_ends_an_epoch(small):
    config = PPOConfig(epochs=1, passes=50, batch_size=20, learning_rate=1e-2, start_anchor=0.0, target_kl=1e-3)
    _, _, rows, _ = learn(small, bandits(0.5, recorded=True), config)
    assert rows[0]["stopped_early"] == 1.0 and rows[0]["minibatches"] < 100


def test_steps_limit_an_epoch(small):
    _, _, rows, _ = learn(small, bandits(0.5, recorded=True), PPOConfig(steps=25, passes=10, batch_size=10))
    assert rows[0]["minibatches"] == 3


def test_behaviour_that_hardly_ever_does_what_the_policy_does_is_imitated_by_its_worth(small):
    """Recorded probabilities say that nearly all weight is on two of 40 decisions."""
    episodes = [
        replace(one, actions=(None, replace(one.actions[1], probability=p, decision_probability=p), one.actions[2]))
        for one, p in zip(bandits(0.5, recorded=True), [1e-4, *[0.9] * 38, 1e-4], strict=True)
    ]
    config = PPOConfig(epochs=10, batch_size=20, learning_rate=3e-3, start_anchor=0.0, human_anchor=0.0)
    policies, data, rows, _ = learn(small, episodes, config)
    assert rows[0]["effective_sample_size"] < 0.3 and rows[0]["update"] == "awr"
    assert probability(policies, data, GOOD) > probability(policies, data, BAD) + 0.2


def test_the_anchor_to_the_start_is_weaker_with_more_sessions(small):
    moved = []
    for count in (2, 200):
        episodes = bandits(0.5, count=20, recorded=True)
        policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
        data = build_dataset(episodes, policies.featurizer)
        fitted = behaviour_policy.fit_behaviour_policy(data.select_episodes(range(20), is_human=False).choices)
        policies.initialise_assistant(fitted.decision_log_prior(), 0)
        config = PPOConfig(epochs=15, batch_size=20, learning_rate=3e-3, start_anchor=20.0, human_anchor=0.0)
        phase = PPOPhase(policies, data, set(range(20)), fitted, config, seed=0)
        assert phase.update.start_anchor == pytest.approx(config.start_anchor / math.sqrt(20))
        phase.update.start_anchor = config.start_anchor / math.sqrt(count)
        while not phase.done:
            phase.begin()
            while phase.step():
                pass
            phase.finish()
        moved.append(probability(policies, data, GOOD))
    assert moved[0] < moved[1]


def test_the_humans_answers_are_the_same_to_the_last_bit(small, sessions):
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    steps = data.select_episodes(range(6))
    fitted = behaviour_policy.fit_behaviour_policy(data.select_episodes(range(6), is_human=False).choices)
    policies.initialise_assistant(fitted.decision_log_prior(), 0)
    before = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, steps)
    weights = [p.clone() for p in policies.assistant.parameters()]
    phase = PPOPhase(policies, data, set(range(6)), fitted, PPOConfig(epochs=2), seed=0)
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        phase.finish()
    after = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, steps)
    assert all(torch.equal(a, b) for a, b in zip(vars(before).values(), vars(after).values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(weights, policies.assistant.parameters(), strict=True))


def test_a_fresh_assistant_begins_near_the_behaviour(small, sessions):
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    steps = data.select_episodes(range(6), is_human=False)
    fitted = behaviour_policy.fit_behaviour_policy(steps.choices)
    policies.initialise_assistant(fitted.decision_log_prior(), 0)
    answers = Predictor(policies.assistant, policies.featurizer, legal_only=True).predict(data.encoded, steps)
    decision, _ = steps.behaviour_log_probs(fitted)
    assert effective_sample_size(answers.decision(steps) - decision) > 0.9


def test_a_decision_that_was_not_legal_is_counted_and_teaches_nothing(small, sessions):
    one = sessions[0]
    illegal = replace(one.actions[1], decision=Decision.EDIT_EXISTING_LINES, line=0)  # the skeleton
    episodes = [replace(one, actions=(None, illegal, *one.actions[2:])), *sessions[1:]]
    policies, data, rows, _ = learn(small, episodes, PPOConfig(epochs=1))
    assert data.illegal == 1 and rows[0]["steps_without_policy_loss"] == 1.0
    assert all(math.isfinite(value) for value in rows[0].values() if isinstance(value, float))
    assert all(p.isfinite().all() for p in policies.assistant.parameters())


def test_help_that_was_held_back_is_learned_as_the_decision_that_was_taken(small):
    """Held back, the good decision is worth a NO-OP; shown, the bad one is taken back. The policy comes to prefer it,
    though no NO-OP was decided."""
    good, bad = bandit(0, GOOD, None), bandit(1, BAD, None)
    hidden = replace(
        good.actions[1], decision=Decision.NO_OP, line=-1, withheld=Withheld(GOOD, 0, "x = 1"),
        probability=0.25, decision_probability=0.5,
    )  # fmt: skip
    shown = replace(bad.actions[1], probability=0.25, decision_probability=0.5)
    unchanged = (good.states[0], replace(good.states[0], t=1), replace(good.states[0], t=2))
    episodes = [
        replace(good, states=unchanged, actions=(None, hidden, good.actions[2])) if i % 2
        else replace(bad, actions=(None, shown, bad.actions[2]))
        for i in range(20)
    ]  # fmt: skip
    config = PPOConfig(epochs=10, batch_size=20, learning_rate=6e-3, start_anchor=0.0, human_anchor=0.0)
    policies, data, rows, _ = learn(small, episodes, config)
    assert rows[0]["steps_without_policy_loss"] == 0.0
    assert probability(policies, data, GOOD) > probability(policies, data, BAD) + 0.2


def test_help_that_would_be_shown_now_counts_nothing_as_help_that_was_held_back(small):
    """The weight of a decision that was hidden is that of the pair of decision and hiding; others keep theirs."""
    shown, hidden = bandit(0, BAD, 0.5), bandit(1, GOOD, 0.5)
    review = Review(0.1, 0.4, 0.05, False, False)
    withheld = replace(
        hidden.actions[1], decision=Decision.NO_OP, line=-1, review=review, withheld=Withheld(GOOD, 0, "x")
    )
    unchanged = (hidden.states[0], replace(hidden.states[0], t=1), replace(hidden.states[0], t=2))
    episodes = [shown, replace(hidden, states=unchanged, actions=(None, withheld, hidden.actions[2]))]
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    weights = []
    for bias in (-9.0, 9.0):
        reviewer = Reviewer((bias, *[0.0] * (len(START) - 1)), exploration=0.05)
        data = build_dataset(episodes, policies.featurizer, reviewer=reviewer)
        phase = PPOPhase(policies, data, {0, 1}, None, PPOConfig(), seed=0)
        phase.begin()
        weights.append(phase.update.old_policy.weight)
    hides, shows = weights
    assert shows[0] == hides[0] > 0.1 and hides[1] > 0.1 and shows[1] < 1e-4


def test_a_line_that_was_not_recorded_leaves_the_policys_lines_alone(small):
    """The policy's loss with such lines does not depend on where the line is, and is finite."""
    episodes = [
        replace(one, actions=(None, replace(one.actions[1], line=-1), one.actions[2]))
        for one in bandits(0.5, count=8, recorded=True)
    ]
    _, data, phase = begin(small, episodes, PPOConfig(batch_size=20))
    assert data.without_line == 8 and data.illegal == 0
    phase.begin()
    update, steps = phase.update, phase.update.steps
    assert steps.trainable.all() and not steps.line_trainable.any()
    lines = update.policies.featurizer(data.encoded.batch(steps.state_index))
    loss = update._losses(lines, steps, update.old_policy)["policy_loss"].value
    (line_gradient,) = torch.autograd.grad(loss, update.policies.assistant.action_head.last.weight)
    expected = -2 * (update.old_policy.weight * update.old_policy.advantage).mean()
    assert loss.item() == pytest.approx(float(expected), abs=1e-5)
    assert line_gradient.isfinite().all()


def test_the_old_log_probabilities_are_not_those_of_the_policy_that_learns(small):
    """With a ratio of 1 throughout, clipping would never happen and the passes of an epoch would all count in full."""
    config = PPOConfig(epochs=1, passes=10, batch_size=20, learning_rate=3e-3, start_anchor=0.0, target_kl=10.0)
    policies, data, _, phase = learn(small, bandits(0.5, recorded=True), config)
    phase.begin()
    held = phase.update.old_policy
    steps = data.select_episodes(range(len(data.ids)), is_human=False)
    fixed = held.log_decision.clone()
    while phase.step():
        pass
    now = (
        Predictor(policies.assistant, policies.featurizer, legal_only=True).predict(data.encoded, steps).decision(steps)
    )
    assert torch.equal(held.log_decision, fixed)
    assert not torch.allclose(now, fixed, atol=1e-3)


def test_without_decisions_of_the_assistant_nothing_is_learned(small, sessions):
    alone = [replace(one, actions=tuple(m if m and m.agent == "H" else None for m in one.actions)) for one in sessions]
    policies, _, rows, phase = learn(small, alone, PPOConfig(epochs=3))
    assert rows == [] and phase.total_steps == 0
    pairs = zip(policies.initial_assistant.parameters(), policies.assistant.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("most", [1000, 100, 45, 37, 8, 3])
def test_it_says_how_many_steps_there_are_and_at_any_time_how_many_are_left(small, most):
    config = PPOConfig(epochs=2, passes=3, batch_size=16, steps=most, target_kl=1e9)
    _, _, phase = begin(small, bandits(0.5, recorded=True), config)
    left = [phase.total_steps]
    while not phase.done:
        phase.begin()
        while phase.step():
            left.append(phase.total_steps)
        phase.finish()
    assert left == [*range(left[0], -1, -1)] and phase.close() == ""


def test_epochs_that_the_kl_ended_are_counted_in_the_end(small):
    config = PPOConfig(epochs=2, passes=3, batch_size=16, learning_rate=0.1, target_kl=1e-9)
    _, _, rows, phase = learn(small, bandits(0.5, recorded=True), config)
    assert [row["stopped_early"] for row in rows] == [1.0, 1.0]
    assert phase.close() == "epochs stopped early by a KL above 1e-09: 2 of 2"
