"""A goal is what the person was after, not what the assistant explained."""

from actions import Decision, apply
from simulation.goal import Goal
from state_adapter import Episode


def test_the_goal_in_hindsight_leaves_out_what_the_assistant_explained(state_of):
    root = state_of("x = 1  # mine", "y = 2", "# mine too", "z = 3")
    one = apply(root, Decision.EXPLAIN_SINGLE_LINES, 1, "theirs", by="A", t=4)
    two = apply(one, Decision.EXPLAIN_MULTI_LINES, 0, "theirs", by="A", t=5)
    three = apply(two, Decision.WRITE_SINGLE_LINE, 4, "z = 4", by="A", t=6)
    assert three.lines == ("# theirs", "x = 1  # mine", "y = 2  # theirs", "# mine too", "z = 4")
    goal = Goal.from_episode(Episode("e", "", "p", (root, three), (None, None)))
    assert goal.lines == ("x = 1  # mine", "y = 2", "# mine too", "z = 4")
    assert goal.notes == ("mine", "mine too") and goal.problem is None


def test_a_known_problem_brings_its_notes(problem, state_of):
    assert Goal.from_episode(Episode("e", "", "p", (state_of("x"),), (None,)), problem).notes == problem.notes
    assert Goal.from_problem(problem).lines == problem.solution
