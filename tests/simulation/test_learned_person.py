"""A learned person acts as the policy says where it leads to the goal, and keeps what their sessions say they keep."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from actions import Decision
from simulation.assistants import RandomAssistant
from simulation.builtin_problems import BY_ID
from simulation.goal import Goal
from simulation.learned_person import LearnedPerson
from simulation.oracle_writer import NoisyOracle
from simulation.person import MAX_OPTIONS, Person, Turn, draw_reply
from simulation.person_fitting import PRIOR, fit_person
from simulation.rollout import RolloutSpec, run_rollouts
from simulation.scripted_people import LIKES_CODE, PEOPLE
from simulation.sessions import simulate
from simulation.typing_model import TypingStyle

GOAL = Goal(("def f(a):", "    b = a + 1", "    if b > 2:", "        return b", "    return a"))
TYPING_STYLE = TypingStyle(part=0, line=1, block=0, typo_rate=0)


class Even:
    """A policy that gives all decisions the weights `weights`, all lines the same."""

    def __init__(self, weights=(1, 1, 1, 1, 1, 1, 1)):
        self.weights = np.array(weights) / sum(weights)

    def pair_probabilities(self, states):
        found = []
        for state in states:
            pairs = np.repeat(self.weights[:, None] / len(state), len(state), axis=1)
            pairs[0] = 0
            pairs[0, 0] = self.weights[0]
            found.append(pairs)
        return found


def person(policy):
    return LearnedPerson("someone", policy, LIKES_CODE, TYPING_STYLE)


def test_decisions_come_in_the_proportions_of_the_policy_among_those_that_lead_to_the_goal(state_of):
    state = state_of("def f(a):", "", "    return a", cursor=1)
    policy = Even((6, 3, 0, 1, 2, 5, 5))
    pairs = policy.pair_probabilities([state])[0]
    taken = Counter()
    for seed in range(600):
        move = draw_reply(person(policy), Turn(state, GOAL), pairs, Random(seed)).action
        taken[move.decision] += 1
    assert set(taken) == {Decision.NO_OP, Decision.FILL_PARTIAL_LINE, Decision.WRITE_MULTI_LINE}
    assert taken[Decision.NO_OP] == pytest.approx(360, abs=50)
    assert taken[Decision.FILL_PARTIAL_LINE] == pytest.approx(180, abs=45)


def test_lines_come_in_the_proportions_of_the_policy(state_of):
    state = state_of("def f(a):", "    b = 5", "    if b < 2:", "        return b", "    return a")
    pairs = np.zeros((7, 5))
    pairs[Decision.EDIT_EXISTING_LINES, 1], pairs[Decision.EDIT_EXISTING_LINES, 2] = 0.25, 0.75
    moves = [draw_reply(person(Even()), Turn(state, GOAL), pairs, Random(seed)).action for seed in range(400)]
    assert sum(move.line == 2 for move in moves) == pytest.approx(300, abs=40)
    assert all(move.line in (1, 2) for move in moves)
    assert next(move for move in moves if move.line == 2).probability == pytest.approx(0.75, abs=0.01)


class LastLine(Random):
    """Draws the last of the lines, however unlikely it is."""

    def choices(self, population, weights):
        return [population[-1]]


def test_a_line_that_the_policy_excludes_and_the_goal_needs_has_one_part_in_ten_thousand(state_of):
    state = state_of("def f(a):", "    b = 5", "    if b < 2:", "        return b", "    return a")
    pairs = np.zeros((7, 5))
    pairs[Decision.EDIT_EXISTING_LINES, 1] = 0.5
    _, edit = person(Even()).options(Turn(state, GOAL), pairs)
    action = edit.carry_out(LastLine(0)).action
    assert (action.decision, action.line) == (Decision.EDIT_EXISTING_LINES, 2)
    assert action.probability == pytest.approx(1e-4 / (1 + 2e-4))  # both lines have 1e-4 more than the policy's share


def test_what_they_type_follows_the_goal_even_if_the_policy_points_elsewhere(state_of):
    state = state_of("def f(a):", "", "    return a", cursor=1)
    pairs = np.zeros((7, 3))
    pairs[Decision.FILL_PARTIAL_LINE, 2] = 1.0
    after = draw_reply(person(Even()), Turn(state, GOAL), pairs, Random(0)).state
    assert after.lines[1] == "    b = a + 1"
    nowhere = draw_reply(person(Even()), Turn(state, GOAL), np.zeros((7, 3)), Random(0))
    assert nowhere.state.t == state.t + 1


def test_the_ways_to_reply_are_a_distribution_and_nothing_is_done_when_nothing_is_left(state_of):
    learned = person(Even())
    assert isinstance(learned, Person)
    for lines in (("",), ("def f(a):", ""), GOAL.lines, ("x", *GOAL.lines)):
        state = state_of(*lines, cursor=0)
        options = learned.options(Turn(state, GOAL), learned.policy.pair_probabilities([state])[0])
        assert sum(option.probability for option in options) == pytest.approx(1) and len(options) <= MAX_OPTIONS
    done = state_of(*GOAL.lines)
    assert (
        draw_reply(
            learned, Turn(done, GOAL), Even((0, 1, 1, 1, 1, 1, 1)).pair_probabilities([done])[0], Random(0)
        ).state.lines
        == GOAL.lines
    )


def test_a_learned_person_reaches_the_goal_from_any_state():
    recorded = simulate([PEOPLE["likes_code"]], 4, RandomAssistant(), seed=3)
    someone = person(Even((1, 3, 3, 1, 2, 1, 1)))
    games = [
        RolloutSpec.from_episode(episode, i, someone, f"{i}", Goal.from_problem(BY_ID[episode.problem_id]))
        for episode in recorded
        for i in (0, 3, 8)
    ]
    for episode, game in zip(
        run_rollouts(games, RandomAssistant(), NoisyOracle(), horizon=60, rounds_after_goal=0), games, strict=True
    ):
        assert game.goal.progress(episode.states[-1].lines).done and not episode.cut_off


def test_fitted_parameters_are_those_of_the_sessions():
    fitted = {name: fit_person(simulate([PEOPLE[name]], 10, RandomAssistant(), seed=8), BY_ID) for name in PEOPLE}
    single, comment = Decision.WRITE_SINGLE_LINE, Decision.EXPLAIN_MULTI_LINES
    keep = {name: parameters.acceptance for name, parameters in fitted.items()}
    assert keep["likes_code"].rate(single, "right") > 0.85 and keep["likes_code"].rate(single, "wrong") < 0.4
    assert keep["hates_comments"].rate(comment, "right") < 0.15 and keep["hates_comments"].rate(single, "right") > 0.75
    assert keep["likes_comments"].rate(comment, "right") > 0.8
    assert keep["hates_assistant"].rate(single, "right") < 0.3
    for name, parameters in fitted.items():
        style = parameters.typing_style
        assert style.part + style.line + style.block == pytest.approx(1)
        assert 0 < style.typo_rate < (0.4 if name == "clumsy" else 0.1)
    assert fitted["hates_assistant"].typing_style.part == pytest.approx(0.45, abs=0.15)


def test_little_evidence_leaves_the_prior_little_changed():
    nobody = fit_person([])
    for quality, prior in zip(("right", "close", "wrong"), PRIOR, strict=True):
        assert nobody.acceptance.rate(Decision.WRITE_SINGLE_LINE, quality) == pytest.approx(prior)
    few = fit_person(simulate([PEOPLE["hates_assistant"]], 1, RandomAssistant(), rounds=3, seed=1), BY_ID)
    many = fit_person(simulate([PEOPLE["hates_assistant"]], 10, RandomAssistant(), seed=1), BY_ID)
    right = [parameters.acceptance.rate(Decision.WRITE_SINGLE_LINE, "right") for parameters in (nobody, few, many)]
    assert right[0] >= right[1] > right[2]


def test_without_probabilities_a_learned_person_cannot_act(state_of):
    with pytest.raises(ValueError, match="someone acts by a policy"):
        person(Even()).options(Turn(state_of("x"), GOAL), None)
