"""What the worker's events mean: how many cases passed, and the first thing that went wrong."""

import pytest

from judge.problem import Case, Problem
from judge.run_watch import Ending
from judge.text_run import Event
from judge.verdict import Verdict, equals_expected, parse_verdict
from state import Env

PROBLEM = Problem("p", "f", (Case((1,), 1), Case((2,), 4)))
COMPILED, RIGHT, WRONG = (Event.COMPILED, ""), (Event.RESULT, "1"), (Event.RESULT, "3")


@pytest.mark.parametrize(
    ("events", "ending", "compiled", "passed", "reason"),
    [
        ([COMPILED, RIGHT, (Event.RESULT, "4")], Ending.FINISHED, True, 2, ""),
        ([COMPILED, RIGHT, WRONG], Ending.FINISHED, True, 1, "case 2: 4 was expected, 3 came"),
        ([COMPILED, (Event.ERROR, "KeyError"), WRONG], Ending.FINISHED, True, 0, "case 1: KeyError"),
        ([COMPILED, RIGHT], Ending.FINISHED, True, 1, "it stopped before the last case"),
        ([COMPILED, RIGHT], Ending.TIMEOUT, True, 1, "it ran out of time"),
        ([COMPILED], Ending.DIED, True, 0, "its process died"),
        ([COMPILED, (Event.NOT_RUN, "NameError: x")], Ending.FINISHED, True, 0, "NameError: x"),
        ([(Event.NOT_COMPILED, "line 1: invalid")], Ending.FINISHED, False, 0, "line 1: invalid"),
        ([(Event.UNKNOWN, "too long")], Ending.FINISHED, None, None, "too long"),
        ([], Ending.DIED, None, None, "its process died"),
    ],
)
def test_a_case_without_a_right_result_has_failed(events, ending, compiled, passed, reason):
    verdict = parse_verdict(events, ending, 0.5, PROBLEM)
    assert (verdict.compiled, verdict.passed, verdict.reason, verdict.seconds) == (compiled, passed, reason, 0.5)
    assert verdict.total == (None if compiled is None else 2)


@pytest.mark.parametrize("problem", [None, Problem("p", "f", ())])
def test_without_cases_tests_are_unknown(problem):
    assert parse_verdict([COMPILED], Ending.FINISHED, 0.0, problem) == Verdict(True, None, None, 0.0)


def test_a_state_carries_what_is_known():
    assert Verdict(None, None, None, 0.0).env is None
    assert Verdict(True, 1, 2, 0.0).env == Env(True, 1, 2)


def test_a_reason_is_short():
    events = [COMPILED, (Event.RESULT, "9" * 5000), (Event.RESULT, "4")]
    assert len(parse_verdict(events, Ending.FINISHED, 0.0, PROBLEM).reason) < 250


@pytest.mark.parametrize(
    ("shown", "expected", "equal"),
    [
        ("4", 4, True),
        ("4.0", 4, True),
        ("'4'", 4, False),
        ("None", None, True),
        ("(1, 2)", [1, 2], False),
        ("{'b': 1, 'a': 2}", {"a": 2, "b": 1}, True),
        ("{2, 1}", {1, 2}, True),
        ("nan", 1, False),
        ("(" * 5000, 1, False),
    ],
)
def test_results_are_compared_by_value(shown, expected, equal):
    assert equals_expected(shown, expected) is equal


@pytest.mark.parametrize("outcome", [(Event.RESULT, "'key-7731'"), (Event.ERROR, "ValueError: key-7731")])
def test_the_reason_gives_nothing_of_a_hidden_case_away(outcome):
    problem = Problem("p", "f", (Case(("key-7731",), "value-8842", hidden=True), Case((1,), 1)))
    verdict = parse_verdict([COMPILED, outcome, RIGHT], Ending.FINISHED, 0.0, problem)
    assert verdict.passed == 1 and verdict.reason.startswith("case 1: a hidden case ")
    assert "7731" not in verdict.reason and "8842" not in verdict.reason
