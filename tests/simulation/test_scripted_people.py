"""Scripted people show their tastes, finish what they begin, and others can be added."""

from collections import defaultdict

import pytest

from actions import Decision
from errors import InputError
from simulation.acceptance import assess_lines
from simulation.assistants import RandomAssistant, SilentAssistant
from simulation.builtin_problems import BY_ID
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle
from simulation.person import MAX_OPTIONS, Person, Turn
from simulation.person_fitting import fit_person
from simulation.scripted_people import PEOPLE, ScriptedPerson
from simulation.sessions import simulate

COMMENTS = (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES)


@pytest.fixture(scope="module")
def sessions():
    """Eight sessions of each scripted person with a random assistant."""
    everyone = {name: simulate([person], 8, RandomAssistant(), seed=5) for name, person in PEOPLE.items()}
    return {
        name: [(e, Goal.from_problem(BY_ID[e.problem_id])) for e in episodes] for name, episodes in everyone.items()
    }


def kept(sessions, where=lambda progress: True):
    """Share of what was written that was kept: right code, comments."""
    shares = defaultdict(list)
    for episode, goal in sessions:
        for i, move in enumerate(episode.actions[:-1]):
            if move is None or move.agent != "A" or move.decision is Decision.NO_OP:
                continue
            if not where(goal.progress(episode.states[i].lines)):
                continue
            lines = assess_lines(Turn(episode.states[i], goal, episode.states[i - 1], move))
            past = episode.states[i + 1].history[-1]
            if past.kept is not None and all(line.quality == "right" for line in lines):
                shares["comments" if move.decision in COMMENTS else "code"].append(past.kept)
    return {kind: sum(found) / len(found) for kind, found in shares.items()}


def test_tastes_show_in_what_is_kept(sessions):
    shares = {name: kept(of) for name, of in sessions.items()}
    assert shares["likes_code"]["code"] > 0.85 and 0.25 < shares["likes_code"]["comments"] < 0.75
    assert shares["likes_comments"]["comments"] > 0.85
    assert shares["hates_comments"]["comments"] < 0.15 and shares["hates_comments"]["code"] > 0.75
    assert max(shares["hates_assistant"].values()) < 0.25


def test_one_changes_their_mind_midway(sessions):
    early = kept(sessions["changes_mind"], lambda now: now.share <= 0.4)
    late = kept(sessions["changes_mind"], lambda now: now.share > 0.6)
    assert early["code"] > 0.8 and late["code"] < 0.3


@pytest.fixture(scope="module")
def alone():
    """Twenty sessions of three people without help, and how they type in them."""
    names = ("likes_code", "clumsy", "patient")
    episodes = {name: simulate([PEOPLE[name]], 20, SilentAssistant(), rounds=200, seed=4) for name in names}
    return {name: (of, fit_person(of, BY_ID).typing_style) for name, of in episodes.items()}


def test_who_is_clumsy_makes_more_mistakes_types_bits_and_needs_longer(alone):
    (usual, typing_style), (clumsy, theirs) = alone["likes_code"], alone["clumsy"]
    assert theirs.typo_rate > 3 * typing_style.typo_rate and theirs.part > typing_style.part
    assert sum(len(episode.states) for episode in clumsy) > 1.25 * sum(len(episode.states) for episode in usual)


def test_who_is_patient_waits_and_then_types_whole_blocks(alone):
    def rests(episodes):
        decisions = [move.decision for episode in episodes for move in episode.actions if move and move.agent == "H"]
        return decisions.count(Decision.NO_OP) / len(decisions)

    (usual, typing_style), (patient, theirs) = alone["likes_code"], alone["patient"]
    assert rests(patient) > 1.4 * rests(usual)
    assert theirs.block > 0.45 and typing_style.block < 0.15
    assert theirs.part < 0.2 * typing_style.part + 0.1 and theirs.typo_rate < 0.04


def test_who_is_clumsy_keeps_more_of_what_is_mistaken_and_who_is_patient_hardly_any():
    mistaken = {}
    for name in ("clumsy", "likes_code", "patient"):
        kept = []
        for episode in simulate([PEOPLE[name]], 14, RandomAssistant(), writers=NoisyOracle(0.0, 0.5), seed=5):
            goal = Goal.from_problem(BY_ID[episode.problem_id])
            for step in episode.transitions("A"):
                lines = assess_lines(Turn(step.next, goal, step.state, step.action))
                if lines and all(line.quality != "right" for line in lines):
                    kept.append(step.reply.history[-1].kept)
        mistaken[name] = sum(kept) / len(kept)
    assert mistaken["clumsy"] > mistaken["likes_code"] + 0.1
    assert mistaken["patient"] < mistaken["likes_code"] - 0.03


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_solves_every_problem_alone(name):
    for episode in simulate([PEOPLE[name]], len(BY_ID), SilentAssistant(), rounds=200, seed=2):
        goal = Goal.from_problem(BY_ID[episode.problem_id])
        assert goal.progress(episode.states[-1].lines).done and not episode.cut_off


@pytest.mark.parametrize("name", PEOPLE)
def test_the_ways_to_reply_are_a_distribution_over_a_few(name, sessions):
    person = PEOPLE[name]
    assert isinstance(person, Person)
    for episode, goal in sessions[name][:3]:
        for i, move in enumerate(episode.actions):
            if move is not None and move.agent == "A":
                options = person.options(Turn(episode.states[i], goal, episode.states[i - 1], move), None)
                assert sum(option.probability for option in options) == pytest.approx(1.0)
                assert all(option.probability >= 0 for option in options) and len(options) <= MAX_OPTIONS


def test_a_scripted_person_is_a_handful_of_numbers():
    person = ScriptedPerson("calm", PEOPLE["likes_code"].acceptance, wait_rate=1.0)
    (episode,) = simulate([person], 1, SilentAssistant(), rounds=4)
    assert len({state.lines for state in episode.states}) == 1


@pytest.mark.parametrize("numbers", [{"wait_rate": 3}, {"comment_rate": -0.1}, {"changes_at": float("nan")}])
def test_numbers_that_are_no_probabilities_are_refused_when_a_person_is_made(numbers):
    with pytest.raises(InputError, match=r"calm: .* expected a probability"):
        ScriptedPerson("calm", PEOPLE["likes_code"].acceptance, **numbers)
