"""Networks play by what they say: files' own lines, legal pairs for the assistant, every pair for people."""

from random import Random

import numpy as np
import pytest
import torch

from actions import Decision, legality_mask
from config import FeaturizerConfig, ModelConfig
from inference import decide, fresh_models
from simulation.assistants import sampled_action
from simulation.builtin_problems import PROBLEMS
from simulation.goal import Goal
from simulation.learned_person import LearnedPerson
from simulation.network_agents import NetworkAssistant, NetworkPolicy, pair_probabilities
from simulation.oracle_writer import NoisyOracle
from simulation.person_fitting import fit_person
from simulation.rollout import RolloutSpec, run_rollouts
from simulation.sessions import first_state, simulate


@pytest.fixture(scope="module")
def models():
    torch.set_num_threads(1)
    small = ModelConfig(backbone="bigru", d_in=32, d_model=16, hidden=16, layers=1, dropout=0.0)
    return fresh_models(model=small, featurizer=FeaturizerConfig(d_in=32, h_max=20), seed=3)


def test_probabilities_stand_at_the_lines_of_the_file(models, state_of):
    states = [
        state_of("a", "b", "", cursor=2),
        state_of(*"abcdefgh"),
        state_of("x"),
        state_of(*["y = 1"] * 50, cursor=40),
    ]
    for legal_only in (True, False):
        policy = models.assistant if legal_only else models.human
        found = pair_probabilities(policy, models.featurizer, states, legal_only=legal_only)
        records = decide(states, models, agent="assistant" if legal_only else "human")
        for pairs, state, record in zip(found, states, records, strict=True):
            assert pairs.shape == (7, len(state)) and pairs.sum() == pytest.approx(1, abs=1e-5)
            assert (pairs[0, 1:] == 0).all()
            assert pairs[record.decision, max(record.line, 0)] == pytest.approx(record.probability, abs=1e-5)
            if legal_only:
                assert (pairs[1:][~legality_mask([state], 160)[0, 1:]] == 0).all()
    assert (found[3][:, :30] == 0)[1:].all() and found[3][1:, 30:].sum() > 0


def test_the_assistant_draws_from_its_distribution_and_says_so(models, state_of):
    state = state_of("a = 1", "b", "", cursor=2)
    assistant = NetworkAssistant.of(models)
    pairs = pair_probabilities(models.assistant, models.featurizer, [state], legal_only=True)[0]
    drawn = assistant.decide([state] * 300, [Random(seed) for seed in range(300)])
    assert sum(choice.decision is Decision.NO_OP for choice in drawn) == pytest.approx(300 * pairs[0, 0], abs=40)
    for choice in drawn:
        assert choice.probability == pytest.approx(pairs[choice.decision, max(choice.line, 0)])
        assert (
            choice.decision_probability == pytest.approx(pairs[choice.decision].sum()) and choice.model == "untrained"
        )
    greedy = NetworkAssistant.of(models, greedy=True).decide([state] * 2, [Random(0), Random(1)])
    assert greedy[0] == greedy[1] and greedy[0].probability == 1.0


def test_a_greedy_assistant_decides_as_infer_action_does(models, state_of):
    states = [state_of("a", "b", "", cursor=2), state_of(*"abcdefgh"), state_of(*["y = 1"] * 50, cursor=40)]
    assistant = NetworkAssistant.of(models, greedy=True)
    chosen = assistant.decide(states, [Random(0)] * 3)
    assert [(c.decision, c.line) for c in chosen] == [(r.decision, r.line) for r in decide(states, models)]
    bias = models.assistant.action_head.last.bias
    before = bias.data.clone()
    bias.data[:] = -9.0
    bias.data[0], bias.data[4] = 0.0, 1.0  # each line of an edit is less probable than the one NO-OP
    try:
        (choice,) = assistant.decide(states[2:], [Random(0)])
        assert choice.decision == 4 and choice.line >= 30
    finally:
        bias.data[:] = before


def test_drawing_never_takes_what_has_no_probability():
    pairs = np.zeros((7, 3))
    pairs[2, 1] = pairs[0, 0] = 0.5
    actions = [sampled_action(pairs, Random(seed), None) for seed in range(50)]
    assert {(action.decision, action.line) for action in actions} == {(2, 1), (0, -1)}


def test_learned_people_and_networks_play_whole_sessions(models):
    episodes = simulate([], 0, NetworkAssistant.of(models))
    assert episodes == []
    policy, parameters = NetworkPolicy.of(models), fit_person([])
    people = [LearnedPerson(f"person {i}", policy, parameters.acceptance, parameters.typing_style) for i in range(3)]
    games = [
        RolloutSpec(
            first_state(problem),
            Goal.from_problem(problem),
            person,
            f"{person.name}/{problem.id}",
            "H",
            problem_id=problem.id,
        )
        for person in people
        for problem in PROBLEMS[:3]
    ]
    played = run_rollouts(games, NetworkAssistant.of(models), NoisyOracle(), horizon=5)
    assert all(len(episode.states) == 12 for episode in played) and len({episode.id for episode in played}) == 9
    assert any(move and move.agent == "H" and move.probability for episode in played for move in episode.actions)
    again = run_rollouts(games[4:5], NetworkAssistant.of(models), NoisyOracle(), horizon=5)
    assert [state.lines for state in again[0].states] == [state.lines for state in played[4].states]
