"""Requests for help as first sessions make them: half-written files, all decisions, and honest counts."""

from random import Random

from actions import Decision
from benchmarks import help_requests
from benchmarks.help_requests import RequestAnswer, answer, requests, share, summary
from delegates import Completion
from simulation.builtin_problems import PROBLEMS


class Fixed:
    """Writes the solution's line that is due, or anything else that it is told to."""

    name = "fixed"

    def __init__(self, text):
        self.text = text

    def write(self, state, decision, line, context):
        return Completion(self.text(state, line, context), "fixed", (-0.1,))


def test_each_decision_is_asked_for_at_legal_lines_of_half_written_files():
    asked = list(requests(PROBLEMS[:2], seed=1))
    assert {request.decision for request in asked} == set(help_requests.ASKED_FOR)
    assert all(request.line >= request.problem.skeleton for request in asked)
    assert not any(request.goal.progress(request.state.lines).done for request in asked)
    assert [request.state.lines for request in asked] == [request.state.lines for request in requests(PROBLEMS[:2], 1)]


def test_the_solutions_lines_are_right_and_others_are_not():
    asked = [each for each in requests(PROBLEMS, seed=2) if each.decision is Decision.WRITE_SINGLE_LINE]
    right = Fixed(lambda state, line, context: _due_line(state, line, context.problem))
    wrong = Fixed(lambda state, line, context: "zzz = 12345")
    counts = summary([answer(right, request) for request in asked])["code"]
    assert counts["right"] == counts["written"] - counts["faulty"] > 5
    counts = summary([answer(wrong, request) for request in asked])["code"]
    assert counts["right"] == 0 < counts["written"]


def _due_line(state, line, problem):
    """The line of the solution that the one at the cursor is the beginning of."""
    typed = state.lines[line]
    begun = [each for each in problem.solution if typed.strip() and each.startswith(typed) and each != typed]
    return begun[0] if begun and begun[0] not in state.lines else ""


def test_a_writer_that_is_silent_has_nothing_right_and_nothing_wrong():
    silent = Fixed(lambda state, line, context: "")
    counts = summary([answer(silent, request) for request in requests(PROBLEMS[:1], 0)])["all"]
    assert counts["requests"] > 0 == counts["written"] == counts["faulty"] == counts["shown"]


def test_shares_have_intervals_and_counts_add_up():
    answers = [
        RequestAnswer(Decision.WRITE_SINGLE_LINE, "x", ("repeats",), False, True, 1.0),
        RequestAnswer(Decision.WRITE_SINGLE_LINE, "y", (), True, False, 0.5),
        RequestAnswer(Decision.EXPLAIN_SINGLE_LINES, ""),
    ]
    counts = summary(answers)
    assert counts["all"]["requests"] == 3 and counts["code"]["requests"] == 2
    assert counts["code"]["faults"] == {"repeats": 1} and counts["code"]["shown"] == 1.5
    assert len(help_requests.cells("w", "all", counts["all"])) == len(help_requests.COLUMNS)
    assert share(0, 0) == "-" and share(5, 10) == "50.0% [23.7%, 76.3%]"


def test_the_same_moments_are_asked_about_whatever_the_writer():
    generator_state = Random(0).getstate()
    first = [(each.decision, each.line) for each in requests(PROBLEMS[:1], 3)]
    assert first == [(each.decision, each.line) for each in requests(PROBLEMS[:1], 3)]
    assert Random(0).getstate() == generator_state
