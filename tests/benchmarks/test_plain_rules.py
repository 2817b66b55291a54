"""Rules by counting: the decision kept most often, the most frequent one, and when silence is better."""

import dataclasses
from random import Random

import pytest

from actions import Decision
from benchmarks.plain_rules import ConstantAssistant, break_even, most_frequent_help, most_retained_help
from config import RewardWeights
from simulation.assistants import RandomAssistant
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state import Cursor, State, unedited


def state_of(lines, cursor):
    return State(tuple(lines), 3, unedited(len(lines)), unedited(len(lines)), cursor, last_known_line=cursor.line)


@pytest.mark.parametrize(
    ("decision", "line"), [(Decision.WRITE_SINGLE_LINE, 1), (Decision.EDIT_EXISTING_LINES, 1), (Decision.NO_OP, -1)]
)
def test_the_decision_is_taken_at_the_cursor(decision, line):
    state = state_of(["a", "b", "c"], Cursor(True, 1, 0, 3))
    (action,) = ConstantAssistant(decision).decide([state], [Random(0)])
    assert (action.decision, action.line, action.probability) == (decision, line, 1.0)


def test_without_a_legal_line_it_is_silent():
    (action,) = ConstantAssistant(Decision.FILL_PARTIAL_LINE).decide([state_of([], Cursor())], [Random(0)])
    assert action.decision is Decision.NO_OP


def test_break_even_is_where_writing_is_worth_a_no_op():
    weights = RewardWeights()
    share = break_even(0.9, weights)
    survival = 0.9 * weights.survival_reward + 0.1 * weights.extinction_penalty
    assert share * (weights.retain_reward + survival) + (1 - share) * weights.undo_penalty == pytest.approx(
        weights.noop_bonus
    )


@pytest.fixture(scope="module")
def sessions_of():
    def sessions(person):
        return simulate([PEOPLE[person]], 4, RandomAssistant(), seed=1)

    return sessions


def test_whoever_keeps_nothing_is_left_in_peace(sessions_of):
    assert most_retained_help(sessions_of("hates_assistant")).decision is Decision.NO_OP


def test_whoever_likes_comments_gets_them(sessions_of):
    assert most_retained_help(sessions_of("likes_comments")).decision in (
        Decision.EXPLAIN_SINGLE_LINES,
        Decision.EXPLAIN_MULTI_LINES,
    )


def test_the_most_frequent_help_is_counted_without_no_ops(sessions_of):
    weights = dataclasses.replace(RandomAssistant(), weights=(9, 0, 3, 1, 0, 0, 0))
    episodes = simulate([PEOPLE["likes_code"]], 2, weights, seed=2)
    assert most_frequent_help(episodes).decision is Decision.WRITE_SINGLE_LINE
    assert most_frequent_help([]).decision is Decision.NO_OP
