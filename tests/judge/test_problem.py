"""A problem's key says how it judges, and nothing else."""

from dataclasses import replace

from judge import Case, Judge, Problem

DOUBLE = Problem("double", "double", (Case((2,), 4), Case((3,), 6)))


def test_the_key_stays_what_it_was_for_a_problem_that_judges_the_same():
    assert DOUBLE.key == "325510cd3064ef5e318b538b1e692934"
    hidden = replace(DOUBLE, cases=(Case((2,), 4, hidden=True), Case((3,), 6)))
    told = replace(DOUBLE, title="Double", statement="Twice.", topics=("numbers",), starter_code="def", number=3)
    assert hidden.key == told.key == DOUBLE.key


def test_the_key_differs_where_judging_differs():
    others = [
        replace(DOUBLE, id="other"),
        replace(DOUBLE, entry_point="twice"),
        replace(DOUBLE, cases=DOUBLE.cases[:1]),
        replace(DOUBLE, preamble="import math"),
    ]
    assert len({DOUBLE.key, *(other.key for other in others)}) == 5


def test_the_preamble_runs_before_the_text():
    problem = replace(DOUBLE, preamble="from typing import List\ntwo = 2")
    text = "def double(x: List[int]):\n    return two * x"
    with Judge() as judge:
        assert judge.verdict(text, problem).passed == 2
        assert judge.verdict(text, DOUBLE).passed == 0


def test_visible_cases_are_those_that_are_not_hidden():
    assert replace(DOUBLE, cases=(Case((2,), 4, hidden=True), Case((3,), 6))).visible_cases == (Case((3,), 6),)


def test_a_hidden_case_does_not_give_its_answer_away():
    hidden = replace(DOUBLE, cases=(Case((2,), 4), Case((3,), 677, hidden=True)))
    with Judge() as judge:
        verdict = judge.verdict("def double(x):\n    return 4", hidden)
    assert (verdict.passed, verdict.reason) == (1, "case 2: a hidden case has another result")
