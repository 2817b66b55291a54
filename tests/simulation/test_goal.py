"""A goal is what the person was after, not what the assistant explained."""

import pytest

from actions import Decision, apply
from simulation.goal import Goal, code, comments, is_comment
from state_adapter import Episode


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 1", "x = 1"),
        ("x = 1  # one", "x = 1"),
        ("    # only a comment", ""),
        ('x = "#"', 'x = "#"'),
        ('x = "#" # one', 'x = "#"'),
        ("x = '\\'#' # one", "x = '\\'#'"),
        ('x = "# never closed', 'x = "# never closed'),
        ("", ""),
    ],
)
def test_code_is_what_is_left_without_the_comment(line, expected):
    assert code(line) == expected


def test_a_long_line_of_quotes_takes_no_time():
    assert code("'" * 100_001 + "#")


def test_comments_are_found_once_each_without_their_sign():
    assert comments(["# a", "x = 1  ## b ", "x  # a", "'# c'", "#"]) == ("a", "b")
    assert is_comment("  # a") and not is_comment("x  # a")


def test_the_goal_in_hindsight_leaves_out_what_the_assistant_explained(state_of):
    root = state_of("x = 1  # mine", "y = 2", "# mine too", "z = 3")
    one = apply(root, Decision.EXPLAIN_SINGLE_LINES, 1, "theirs", by="A", t=4)
    two = apply(one, Decision.EXPLAIN_MULTI_LINES, 0, "theirs", by="A", t=5)
    three = apply(two, Decision.WRITE_SINGLE_LINE, 4, "z = 4", by="A", t=6)
    assert three.lines == ("# theirs", "x = 1  # mine", "y = 2  # theirs", "# mine too", "z = 4")
    goal = Goal.of(Episode("e", "", "p", (root, three), (None, None)))
    assert goal.lines == ("x = 1  # mine", "y = 2", "# mine too", "z = 4")
    assert goal.notes == ("mine", "mine too") and goal.problem is None


def test_a_known_problem_brings_its_notes(problem, state_of):
    assert Goal.of(Episode("e", "", "p", (state_of("x"),), (None,)), problem).notes == problem.notes
    assert Goal.solving(problem).lines == problem.solution
