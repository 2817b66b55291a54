"""A submission runs every case, visible ones first; what may be seen of it is a visible case alone."""

import pytest

from errors import InputError
from judge import Case, CaseRunner, Problem
from services.solving.submission import submit

PROBLEM = Problem(
    "double",
    "Solution().double",
    (Case((21,), 42, hidden=True), Case((1,), 2), Case((5,), 10, hidden=True), Case((3,), 6)),
)
RIGHT = "class Solution:\n    def double(self, n): return 2 * n"


@pytest.fixture(scope="module")
def runner():
    with CaseRunner(unprotected=True) as runner:
        yield runner


def test_all_cases_are_run_the_visible_ones_first(runner):
    submission = submit(runner, PROBLEM, RIGHT)
    assert submission.success and (submission.total, submission.visible, len(submission.hidden_results)) == (4, 2, 2)
    assert [result.case.expected for result in submission.execution.results] == ["2", "6", "42", "10"]
    assert submission.first_failure is None


def test_a_failure_does_not_keep_the_other_cases_from_running(runner):
    submission = submit(runner, PROBLEM, RIGHT.replace("2 * n", "2 * n if n > 3 else 0"))
    assert not submission.success and submission.execution.passed == 2
    assert submission.first_failure["test_id"] == 1 and submission.first_failure["actual_output"] == "0"
    run = submission.as_test_run("e", 7)
    assert run["test_results"][0] == {"test_id": 1, "passed": False} and run["submission"] and run["timestep"] == 7


def test_a_problem_without_hidden_cases_has_none(runner):
    problem = Problem("p", "f", (Case((1,), 1),))
    submission = submit(runner, problem, "def f(n): return n")
    assert submission.success and list(submission.hidden_results) == []


def test_a_sandbox_that_is_too_weak_is_named(runner, monkeypatch):
    monkeypatch.setattr(CaseRunner, "refusal", "too weak")

    def refuse(*arguments, **options):
        raise InputError("sandbox", "too weak")

    monkeypatch.setattr(runner, "run", refuse)
    with pytest.raises(InputError, match="sandbox: too weak"):
        submit(runner, PROBLEM, RIGHT)
