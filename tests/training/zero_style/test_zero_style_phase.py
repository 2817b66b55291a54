"""Self-play: it goes on from recorded states, learns what its searches found, and can be killed and gone on with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from config import ModelConfig, PPOConfig
from simulation.builtin_problems import BY_ID
from simulation.oracle_writer import NoisyOracle
from simulation.person_fitting import fit_person
from simulation.scripted_people import ScriptedPerson, acceptance_rates
from training.data import transitions
from training.data.goal_targets import FinalText, goal_vector
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.search import SearchResult, run_search
from training.zero_style.self_play import SearchAssistant, assistant_turns, rollout_from_roots, roots_of
from training.zero_style.zero_style_phase import PRIOR_SURVIVAL_RATE, ZeroStylePhase, survival_rate

pytestmark = pytest.mark.usefixtures("short_refit")


@pytest.fixture
def phase_of(small, sessions):
    """A phase on fresh networks; `settings` are of `zero_style`."""

    def make(*, model=None, person=None, policies=None, ppo=None, train=(0, 1, 2, 4), **settings):
        config = replace(
            small, zero_style=replace(small.zero_style, simulations=6, **settings), model=model or small.model,
            ppo=ppo or small.ppo,
        )  # fmt: skip
        policies = policies or TrainingNetworks.fresh(config.model, config.featurizer, 0)
        data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
        return ZeroStylePhase(policies, sessions, data, train, config, person=person)

    return make


def run(phase, epochs=None):
    """Metrics of each epoch of the phase, or of the next few."""
    rows = []
    while not phase.done and (epochs is None or len(rows) < epochs):
        phase.begin()
        while phase.step():
            pass
        rows.append(phase.finish())
    return rows


@pytest.mark.parametrize(("plies", "decisions"), [(1, 1), (2, 1), (3, 2), (6, 3)])
def test_a_horizon_counts_both_players_plies(phase_of, plies, decisions):
    assert assistant_turns(plies) == decisions
    phase = phase_of(epochs=1, roots=3, horizon=plies)
    (row,) = run(phase)
    assert row["games"] == 3 and row["simulations"] == 3 * decisions * 6
    assert row["replayed"] == 3 * decisions == len(phase.replay[0].targets)


def test_the_work_is_known_beforehand_and_what_it_tells_is_finite(phase_of):
    phase = phase_of(epochs=2)
    steps, expected = 0, phase.total_steps
    while not phase.done:
        phase.begin()
        while phase.step():
            steps += 1
        row = phase.finish()
        assert all(np.isfinite(value) for value in row.values()), row
        assert row["search_improvement"] > 0 and 0 <= row["no_op_share"] <= 1
    assert steps == expected > 0 and phase.total_steps == 0


@pytest.mark.parametrize(("roots", "passes"), [(1, 1), (2, 4), (8, 4), (8, 2)])
def test_an_epoch_passes_over_its_games_as_often_as_it_says(phase_of, roots, passes):
    phase = phase_of(epochs=1, roots=roots, horizon=2, passes=passes)
    run(phase)
    rows = sum(int((rows < roots).sum()) for rows in phase.loop.batches)
    of_a_batch = int((phase.loop.batches[0] < roots).sum())
    assert passes * roots <= rows < passes * roots + of_a_batch


def test_games_begin_in_sessions_that_are_learned_from(phase_of, sessions):
    phase = phase_of(train=(0, 4), epochs=1)
    assert {root.episode.id for root in phase.roots} == {sessions[0].id, sessions[4].id}
    assert len(phase.roots) == len(roots_of([sessions[0], sessions[4]]))
    assert not run(phase_of(train=(), epochs=1))


def test_texts_are_as_good_as_those_of_the_sessions_learned_from(phase_of, sessions, monkeypatch):
    phase, asked = phase_of(epochs=1, roots=2), []
    monkeypatch.setattr(
        "training.zero_style.zero_style_phase.rollout_from_roots",
        lambda *of, **how: asked.append(how["writers"]) or rollout_from_roots(*of, **how),
    )
    phase.begin()
    assert asked == [fit_person([sessions[i] for i in phase.train], BY_ID).writer] != [NoisyOracle()]


def test_only_the_latest_games_are_kept_and_every_minibatch_has_recorded_decisions(phase_of):
    phase = phase_of(epochs=3, replay=2, recorded_share=0.25)
    assert [row["replayed"] for row in run(phase)] == [8, 16, 16]
    games = 16
    for rows in phase.loop.batches:
        assert len(rows) == 8 and (rows >= games).sum() == 2
    revert_lines = phase_of(epochs=1, recorded_share=0.0)
    run(revert_lines)
    assert all((rows < 8).all() for rows in revert_lines.loop.batches)


def test_targets_are_what_was_searched_and_what_came_of_it(phase_of, sessions, monkeypatch):
    """The value target: rewards up to the game's end and the value behind; the goal: the session's, not the game's."""
    phase = phase_of(epochs=1, roots=2, horizon=4)
    found: list[SearchResult] = []
    played, build, decide = [], transitions.build_dataset, SearchAssistant.decide
    monkeypatch.setattr(transitions, "build_dataset", lambda games, *rest: played.extend(games) or build(games, *rest))
    monkeypatch.setattr(SearchAssistant, "decide", lambda self, *asked: noted(self, found, decide(self, *asked)))
    phase.begin()
    data = build(played, phase.policies.featurizer, phase.config.rewards)
    steps, targets = data.select_episodes(range(2), is_human=False), phase.replay[0].targets
    gamma = phase.config.ppo.gamma
    assert all(game.cut_off for game in played)
    for game in range(2):
        first, second = steps.reward[2 * game : 2 * game + 2].tolist()
        behind = targets.returns[2 * game + 1] - second
        assert targets.returns[2 * game].item() == pytest.approx(first + gamma * (second + behind.item()), abs=1e-5)
        for ply in range(2):
            policy = torch.from_numpy(found[ply].improved_policy[game]).float()
            assert torch.equal(targets.policy[2 * game + ply], policy)
    texts = {episode.states[-1].lines: episode.states[-1] for episode in sessions}
    vectors = [goal_vector(game.states[0], FinalText.from_state(state)) for game in played for state in texts.values()]
    for game in range(2):
        assert any(np.allclose(targets.goal[2 * game], vector) for vector in vectors)


def test_self_play_explores(phase_of, monkeypatch):
    """Every search of an epoch has Gumbel noise of its own at its root."""
    noise = []

    def noting(states, model, config, randomness):
        noise.append(randomness.gumbel)
        return run_search(states, model, config, randomness)

    monkeypatch.setattr("training.zero_style.self_play.run_search", noting)
    phase_of(epochs=1, roots=3, horizon=4).begin()
    rows = np.concatenate(noise)
    assert len(rows) == 3 * 2 and len(np.unique(rows, axis=0)) == len(rows)
    assert (np.abs(rows) > 0).all()


def noted(assistant, found, decided):
    found.append(assistant.searches[-1])
    return decided


def test_killed_between_epochs_it_goes_on_to_the_same_weights(phase_of, tmp_path):
    straight = phase_of(epochs=2)
    rows = run(straight)
    killed = phase_of(epochs=2)
    run(killed, epochs=1)
    saved = {"phase": killed.state_dict(), "policies": killed.policies.state_dict()}
    torch.save(saved, tmp_path / "saved.pt")
    saved = torch.load(tmp_path / "saved.pt", weights_only=True)
    policies = TrainingNetworks.restored(saved["policies"], "saved.pt")
    going_on = phase_of(epochs=2, policies=policies)
    going_on.load_state_dict(saved["phase"])
    assert run(going_on) == rows[1:]
    for name, value in straight.policies.assistant.state_dict().items():
        assert torch.equal(value, policies.assistant.state_dict()[name]), name


@pytest.mark.parametrize("model", [
    ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, n_global_tokens=2, hidden=16, radius=8),
    ModelConfig(backbone="bigru", d_in=24, d_model=16, layers=1, hidden=16),
    ModelConfig(backbone="lstm", d_in=24, d_model=16, layers=1, hidden=16),
], ids=lambda model: model.backbone)  # fmt: skip
def test_every_backbone_learns_from_its_games(phase_of, model):
    phase = phase_of(model=model, epochs=1, roots=2, horizon=2)
    before = [p.clone() for p in phase.policies.assistant.parameters()]
    run(phase)
    assert any(not torch.equal(a, b) for a, b in zip(before, phase.policies.assistant.parameters(), strict=True))


def test_who_keeps_all_is_helped_more_and_who_undoes_all_less(phase_of):
    """After a few games the assistant does nothing more often with the one, and less often with the other."""
    shares = {}
    for likes in (1.0, 0.0):
        keeps = acceptance_rates(fill=likes, line=likes, lines=likes, edit=likes, comments=likes, mistakes=1.0)
        person = ScriptedPerson(f"keeps {likes}", keeps)
        learning = PPOConfig(epochs=1, batch_size=16, learning_rate=1e-2)
        phase = phase_of(person=person, ppo=learning, epochs=5, roots=16, horizon=4, recorded_share=0.0)
        before = no_op(phase)
        rows = run(phase)
        shares[likes] = no_op(phase) - before
        assert rows[-1]["kept_share"] == pytest.approx(likes, abs=0.3)  # a person may type over what they kept
    assert shares[0.0] > 0.2 and shares[1.0] < 0 and shares[0.0] > shares[1.0] + 0.3


def no_op(phase):
    """Mean probability of a NO-OP on the recorded states."""
    policies, data = phase.policies, phase.data
    steps = data.select_episodes(phase.train, is_human=False)
    found = Predictor(policies.assistant, policies.featurizer, legal_only=True).predict(data.encoded, steps)
    return float(found.decisions[:, 0].exp().mean())


def test_survival_is_read_off_the_recording(small, sessions):
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = transitions.build_dataset(sessions, policies.featurizer, small.rewards)
    steps = data.select_episodes(range(len(sessions)), is_human=False)
    assert 0 < survival_rate(data, steps, 1.0) <= 1
    nothing = steps.select(torch.zeros(0, dtype=torch.int64))
    assert survival_rate(data, nothing, 1.0) == PRIOR_SURVIVAL_RATE == survival_rate(data, steps, 0)
    assert survival_rate(data, steps, -1e-115) == PRIOR_SURVIVAL_RATE


def test_survival_is_not_judged_at_decisions_that_teach_no_policy(small, sessions):
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = transitions.build_dataset(sessions, policies.featurizer, small.rewards)
    steps = data.select_episodes(range(len(sessions)), is_human=False)
    judged = (steps.retained.nan_to_num() > 0).nonzero().squeeze(1)
    trainable = steps.trainable.clone()
    trainable[judged[::2]] = False
    expected = survival_rate(data, steps.select(trainable), 1.0)
    assert survival_rate(data, replace(steps, trainable=trainable), 1.0) == expected
    assert survival_rate(data, replace(steps, trainable=torch.zeros_like(trainable)), 1.0) == PRIOR_SURVIVAL_RATE


def test_sessions_without_an_assistant_are_played_on_too(small, sessions):
    """Nothing recorded can teach the assistant then, so minibatches are of games alone."""
    alone = [only_human(episode) for episode in sessions[:2]]
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = transitions.build_dataset(alone, policies.featurizer, small.rewards)
    config = replace(small, zero_style=replace(small.zero_style, epochs=1))
    phase = ZeroStylePhase(policies, alone, data, (0, 1), config)
    (row,) = run(phase)
    assert row["games"] == 4 and row["policy_loss"] > 0


def only_human(episode):
    states = [
        state for state, move in zip(episode.states, episode.actions, strict=True) if not move or move.agent == "H"
    ]
    moves = [move for move in episode.actions if not move or move.agent == "H"]
    return replace(episode, states=tuple(states), actions=tuple(moves))
