"""Who moved where the recording does not say, and which decision it was."""

import numpy as np
import pytest

from episodes.action_attribution import action_between, whose_attribution_changed
from episodes.recorded_state import RecordedState, parse_action
from errors import InputError
from state import UNEDITED, State


def state(human=(), assistant=(), lines=3, t=1):
    arrays = []
    for edits in (human, assistant):
        array = np.array([UNEDITED] * lines, dtype=np.int64).reshape(-1, 6)
        for line, turn in edits:
            array[line] = (turn, 0, 1, 1, 0, 0)
        arrays.append(array)
    return State(("x",) * lines, t, *arrays)


@pytest.mark.parametrize(
    ("before", "after", "agent"),
    [
        (state(), state(), "H"),
        (state(), state([(0, 1)]), "H"),
        (state(), state((), [(0, 1)]), "A"),
        (state(), state([(0, 1)], [(1, 2)]), "A"),
        (state(), state([(0, 2)], [(1, 1)]), "H"),
        (state(), state([(0, 2)], [(1, 2)]), "H"),
        (state([(0, 1)]), state([(0, 1)], [(0, 0)]), "A"),
        (state([(0, 1)]), state([(1, 1)], [(0, 2)], lines=4), "A"),
        (state([(0, 1)], [(1, 1)]), state([(0, 1)], lines=1), "A"),
        (state([(0, 1)], [(1, 1)]), state((), [(0, 1)], lines=2), "H"),
    ],
    ids=[
        "neither", "human", "assistant", "both, later", "both, human later", "both at once", "at turn 0",
        "a line above moves the human's", "only the assistant's went", "only the human's went",
    ],
)  # fmt: skip
def test_the_agent_whose_attribution_changed(before, after, agent):
    assert whose_attribution_changed(before, after) == agent


@pytest.mark.parametrize(
    ("action", "first_line", "expected"),
    [
        (None, 1, ("H", 0, -1, False)),
        ({}, 1, ("H", 0, -1, False)),
        ({"H": None, "A": None}, 1, ("H", 0, -1, False)),
        ({"H": {"type": 2, "line": 3}}, 1, ("H", 2, 2, True)),
        ({"H": None, "A": {"type": 6, "line": 1}}, 1, ("A", 6, 0, True)),
        ({"A": {"type": 6, "line": 0}}, 1, ("A", 6, -1, True)),
        ({"A": {"type": 6, "line": -1}}, 1, ("A", 6, -1, True)),
        ({"A": {"type": 6}}, 1, ("A", 6, -1, True)),
        ({"A": {"type": 6, "line": 0}}, 0, ("A", 6, 0, True)),
        ({"A": {"type": 6, "line": -1}}, 0, ("A", 6, -1, True)),
        ({"A": {"type": "Explain Multi Lines", "line": 2}}, 0, ("A", 6, 2, True)),
        ({"A": {"type": 0, "line": 2}}, 1, ("A", 0, -1, True)),
        ({"A": {"type": 0, "line": 99}}, 1, ("A", 0, -1, True)),
        ({"A": {}}, 1, ("A", 0, -1, False)),
        ({"A": {"type": None, "line": 2}}, 1, ("A", 0, -1, False)),
        ({"H": {"type": 0}, "A": {"type": 4, "line": 1}}, 1, ("A", 4, 0, True)),
        ({"H": {"type": 4, "line": 1}, "A": {"type": 0}}, 1, ("H", 4, 0, True)),
        ({"H": {"type": 4, "line": 1}, "A": {"type": 2, "line": 1}}, 1, ("H", 4, 0, True)),
    ],
)
def test_what_an_action_says(action, first_line, expected):
    led_to = parse_action(action, "f", first_line)
    move = action_between(RecordedState(state()), RecordedState(state(), led_to), cursor=-1, silent="H")
    assert (move.agent, int(move.decision), move.line, move.recorded) == expected


def test_probabilities_and_model_come_along():
    part = {"type": 4, "line": 1, "probability": 0.25, "decision_probability": 0.5, "model": "m", "mood": 3}
    move = action_between(RecordedState(state()), RecordedState(state(), parse_action({"A": part}, "f", 1)), -1, None)
    assert (move.probability, move.decision_probability, move.model) == (0.25, 0.5, "m")


@pytest.mark.parametrize(("line", "first_line"), [(4, 1), (3, 0), (10**9, 1)])
def test_a_line_outside_the_file_it_was_taken_on_is_refused(line, first_line):
    led_to = parse_action({"A": {"type": 4, "line": line}}, ("f", "action"), first_line)
    with pytest.raises(InputError, match=r"f, action\.A\.line: is line \d+ of a file of 3"):
        action_between(RecordedState(state()), RecordedState(state(lines=20), led_to), -1, None)
