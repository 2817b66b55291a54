"""How good the assistant's text was is told by the sessions, and told little by few of them."""

from dataclasses import replace

import numpy as np
import pytest

from actions import Decision
from simulation.assistants import RandomAssistant
from simulation.builtin_problems import BY_ID
from simulation.oracle_writer import NoisyOracle
from simulation.person_fitting import KIND_WEIGHT, PRIOR, PRIOR_WEIGHT, WRITER_WEIGHT, fit_person
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from state_adapter import Action, Episode


def numbers(mixture):
    return mixture.right, mixture.near


@pytest.mark.parametrize("person", ["likes_code", "hates_assistant"])
@pytest.mark.parametrize(
    "written", [NoisyOracle(), NoisyOracle(1, 0), NoisyOracle(0, 1), NoisyOracle(0, 0), NoisyOracle(0.3, 0.3)]
)
def test_the_writer_is_as_good_as_the_one_that_wrote_whoever_it_wrote_for(person, written):
    sessions = simulate([PEOPLE[person]], 20, RandomAssistant(), writers=written, seed=1)
    found = fit_person(sessions, BY_ID).writer
    assert found.right == pytest.approx(written.right, abs=0.2)
    assert found.near == pytest.approx(written.near, abs=0.35)  # another line of the goal may be like the right one


@pytest.fixture
def session(state_of):
    """One decision at line 1, the file after it, and the file that the session ended with."""

    def make(decision, before, after, last):
        moves = (None, Action("A", decision, 1, True), Action("H", Decision.EDIT_EXISTING_LINES, 1, True))
        states = tuple(state_of(*lines, t=t) for t, lines in enumerate((before, after, last)))
        return Episode("one", "one.json", None, states, moves, False)

    return make


START = ("def f(a):", "")
LAST = ("def f(a):", "    b = a + 1", "    return b")
SINGLE, MULTI, EXPLAIN = Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE, Decision.EXPLAIN_SINGLE_LINES


@pytest.mark.parametrize(
    ("decision", "before", "after", "counts"),
    [
        (SINGLE, START, LAST[:2], (1, 0, 0)),
        (SINGLE, START, ("def f(a):", "    b = a - 1"), (0, 1, 0)),
        (SINGLE, START, ("def f(a):", "    print(7)"), (0, 0, 1)),
        (MULTI, START, LAST, (1, 0, 0)),
        (MULTI, START, ("def f(a):", "    b = a + 1", "    print(7)"), (0, 1, 0)),
        (EXPLAIN, START, ("def f(a):", "    # why"), (0, 0, 0)),
        (SINGLE, LAST, ("def f(a):", "    print(7)", "    return b"), (0, 0, 0)),  # the line waited for nothing
        (SINGLE, START, START, (0, 0, 0)),
    ],
)
def test_a_text_counts_as_right_nearly_right_or_wrong(session, decision, before, after, counts):
    prior, (right, near, _) = NoisyOracle(), counts
    found = fit_person([session(decision, before, after, LAST)]).writer
    assert found.right == pytest.approx((WRITER_WEIGHT * prior.right + right) / (WRITER_WEIGHT + sum(counts)))
    assert found.near == pytest.approx((WRITER_WEIGHT * prior.near + near) / (WRITER_WEIGHT + sum(counts)))


def test_the_last_text_counts_too_though_nobody_replied(session):
    whole = session(SINGLE, START, LAST[:2], LAST[:2])
    torn = replace(whole, states=whole.states[:2], actions=whole.actions[:2])
    assert fit_person([torn]).writer == fit_person([whole]).writer != NoisyOracle()


def test_without_sessions_it_is_the_mixture_itself():
    assert numbers(fit_person([]).writer) == pytest.approx(numbers(NoisyOracle()))


@pytest.mark.parametrize(("undone", "stood"), [((), 1), ({1}, 0), ({0}, 1)])
def test_a_line_that_a_person_took_back_was_not_kept_however_alike_it_is(session, undone, stood):
    whole = session(SINGLE, START, LAST[:2], ("def f(a):", "    b = a + 10"))
    last = replace(whole.states[2], undone=frozenset(undone), human=np.array([(2, 0, 1, 1, 0, 0)] * 2))
    found = fit_person([replace(whole, states=(*whole.states[:2], last))]).acceptance
    of_kind = (stood + PRIOR_WEIGHT * PRIOR[0]) / (1 + PRIOR_WEIGHT)
    assert found.rate(SINGLE, "right") == pytest.approx((stood + KIND_WEIGHT * of_kind) / (1 + KIND_WEIGHT))
    assert found.rate(MULTI, "right") == pytest.approx(of_kind)


def test_a_turn_that_took_something_back_or_pasted_much_says_nothing_of_how_a_person_types(session):
    whole = session(SINGLE, START, START, LAST)
    for mark in ("undone", "pasted"):
        marked = replace(whole.states[2], **{mark: frozenset({1})})
        style = fit_person([replace(whole, states=(*whole.states[:2], marked))]).typing_style
        assert style == fit_person([]).typing_style
    assert fit_person([whole]).typing_style != fit_person([]).typing_style
