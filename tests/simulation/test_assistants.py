"""Assistants without training decide legally and record the probabilities with which they drew."""

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from actions import Decision, is_legal, legality_mask
from exploration import exploration_probabilities
from simulation.assistants import ExploringAssistant, RandomAssistant
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state import unedited
from state_adapter import read_episodes, write_snapshot

EXPLORING = ExploringAssistant()


def pairs_at(state):
    return EXPLORING.pair_probabilities(state)


def all_protected(state):
    human = np.array(unedited(len(state)))
    human[:] = (0, 0, 5, 1, 0, 0)
    return replace(state, human=human)


def test_noop_has_half_and_the_other_legal_decisions_share_the_rest_evenly(state_of):
    pairs = pairs_at(state_of("a", "b", "c", cursor=1))
    assert pairs.sum(axis=1).tolist() == pytest.approx([1 / 2, *[1 / 12] * 6])
    long_line = pairs_at(state_of("a", "x" * 200, cursor=1))
    assert long_line.sum(axis=1).tolist() == pytest.approx([1 / 2, 0, *[1 / 10] * 5])


def test_lines_are_drawn_by_their_distance_to_the_cursor(state_of):
    edits = pairs_at(state_of(*"abcdefgh", cursor=3))[Decision.EDIT_EXISTING_LINES]
    assert edits.argmax() == 3 and edits[2] == edits[4] == pytest.approx(edits[3] * np.exp(-1 / EXPLORING.reach))
    assert (np.diff(edits[3:]) < 0).all() and (np.diff(edits[:4]) > 0).all()
    unseen = pairs_at(state_of(*"abcdefgh"))
    assert unseen[1:] == pytest.approx(1 / 12 / 8)
    last_seen = pairs_at(replace(state_of(*"abcdefgh"), last_known_line=5))
    assert (last_seen[1:].argmax(axis=1) == 5).all()


def test_where_nothing_else_is_legal_it_is_a_noop(state_of, protected):
    for state in (all_protected(state_of("a", "b", cursor=1)), state_of()):
        (action,) = EXPLORING.decide([state], [Random(0)])
        assert (action.decision, action.line) == (Decision.NO_OP, -1)
        assert action.probability == action.decision_probability == 1.0


def test_far_lines_are_drawn_if_no_others_are_legal(state_of, protected):
    state = state_of(*["x"] * 40_000, cursor=0)
    human = np.array(unedited(len(state)))
    human[:-3] = (0, 0, 1, 1, 0, 0)
    state = replace(state, human=human)
    sees_all = replace(EXPLORING, h_max=len(state))
    actions = sees_all.decide([state] * 50, [Random(seed) for seed in range(50)])
    assert {action.line for action in actions} - {-1} <= {39_997, 39_998, 39_999}
    assert len({action.line for action in actions}) == 4


def test_its_draws_name_their_model_and_record_the_probabilities_of_the_policy(state_of):
    state = state_of("a", "x" * 200, "c", cursor=2)
    pairs = exploration_probabilities(state, legality_mask([state], EXPLORING.w_max)[0])
    for action in EXPLORING.decide([state] * 200, [Random(seed) for seed in range(200)]):
        assert action.agent == "A" and action.model == "exploration"
        assert (action.line == -1) == (action.decision is Decision.NO_OP)
        assert action.probability == pytest.approx(pairs[action.decision, max(action.line, 0)])
        assert action.decision_probability == pytest.approx(pairs[action.decision].sum())
        assert action.policy_probability == action.probability


@pytest.mark.parametrize(("cursor", "first"), [(None, 0), (0, 0), (40, 38), (99, 96)])
def test_of_long_files_it_takes_lines_that_a_network_sees_too(cursor, first, state_of):
    state = state_of(*["x"] * 100, cursor=cursor)
    pairs = replace(EXPLORING, h_max=4).pair_probabilities(state)
    assert set(np.flatnonzero(pairs[Decision.EDIT_EXISTING_LINES])) == set(range(first, first + 4))
    assert pairs.sum() == pytest.approx(1.0) and pairs[Decision.NO_OP, 0] == 0.5
    assert (pairs_at(state)[Decision.EDIT_EXISTING_LINES] > 0).all()


def test_it_draws_as_often_as_it_says(state_of):
    state = state_of("a", "b", "c", cursor=1)
    actions = EXPLORING.decide([state] * 6000, [Random(seed) for seed in range(6000)])
    drawn = Counter((action.decision, action.line) for action in actions)
    by_pair = {(action.decision, action.line): action.probability for action in actions}
    assert sum(by_pair.values()) == pytest.approx(1.0) and len(by_pair) == 11
    for pair, probability in by_pair.items():
        assert drawn[pair] / 6000 == pytest.approx(probability, abs=4 * (probability / 6000) ** 0.5)


@pytest.mark.parametrize("assistant", [ExploringAssistant(), RandomAssistant()])
def test_decisions_are_legal_and_their_probabilities_are_recorded(assistant, tmp_path):
    (episode,) = simulate([PEOPLE["likes_comments"]], 1, assistant, seed=4)
    (again,), _ = read_episodes(write_snapshot(episode, tmp_path), strict=True)
    assert again.actions == episode.actions
    for transition in again.transitions("A"):
        action = transition.action
        assert is_legal(transition.state, action.decision, action.line, 160)
        assert 0 < action.probability <= action.decision_probability <= 1
