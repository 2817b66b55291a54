"""Who moved where the recording does not say, and which decision it was."""

import numpy as np
import pytest

from actions import Action, Decision, Review, StageTimes, Withheld, Writer
from episodes.action_attribution import action_between, whose_attribution_changed, within_file
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


PART = {
    "type": 0,
    "line": 0,
    "probability": 0.25,
    "decision_probability": 0.5,
    "policy_probability": 0.0,
    "model": "m",
    "value": -1.5,
    "kept": 0.75,
    "writer": {
        "name": "w",
        "mean_log_prob": -1.5,
        "min_log_prob": -3,
        "first_log_prob": -2.5,
        "tokens": 3,
        "latency_ms": 9,
    },
    "review": {"kept": 0.5, "threshold": 0.25, "shown_probability": 0.125, "shown": False, "explored": True},
    "withheld": {"type": "Edit Existing Lines", "line": 2, "text": "x = 1"},
    "milliseconds": {"policy": 1.5, "writer": 20},
    "dropped": "stale",
}


def acted(part, lines=3):
    led_to = parse_action({"A": part}, ("f", "action"), 1)
    return action_between(RecordedState(state(lines=lines)), RecordedState(state(), led_to), -1, None)


def test_all_that_a_recording_says_of_a_decision_comes_along():
    action = acted({**PART, "mood": 3})
    assert action == Action(
        "A",
        Decision.NO_OP,
        -1,
        True,
        0.25,
        0.5,
        "m",
        0.0,
        -1.5,
        0.75,
        Writer("w", -1.5, -3, -2.5, 3, 9),
        Review(0.5, 0.25, 0.125, False, True),
        Withheld(Decision.EDIT_EXISTING_LINES, 1, "x = 1"),
        StageTimes(1.5, 20.0),
        "stale",
    )


@pytest.mark.parametrize("value", [None, 3, "x", [1.0]])
def test_times_of_another_form_say_nothing(value):
    assert acted({**PART, "milliseconds": value}).milliseconds is None


@pytest.mark.parametrize("spent", [-1, True, "1", float("inf"), float("nan"), {}])
def test_a_time_that_is_none_says_nothing(spent):
    assert acted({**PART, "milliseconds": {"policy": spent, "writer": 2}}).milliseconds == StageTimes(None, 2.0)


def test_what_a_recording_does_not_say_is_unknown():
    assert acted({"type": 2, "line": 1}) == Action("A", Decision.WRITE_SINGLE_LINE, 0)
    assert acted({"type": 2, "line": 1, "writer": {}, "review": {}}).writer == Writer()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("probability", 0),
        ("probability", 1.5),
        ("decision_probability", "0.5"),
        ("policy_probability", -0.5),
        ("policy_probability", True),
        ("model", 3),
        ("value", "high"),
        ("kept", 2),
        ("writer", "w"),
        ("writer", {"name": 3}),
        ("writer", {"mean_log_prob": None, "min_log_prob": "x"}),
        ("writer", {"tokens": -1}),
        ("writer", {"tokens": 1.5}),
        ("review", []),
        ("review", {"shown": 1}),
        ("review", {"shown_probability": 1.5}),
        ("withheld", {"type": 4, "line": 1}),
        ("withheld", {"type": 9, "line": 1, "text": ""}),
        ("withheld", {"line": 1, "text": ""}),
        ("withheld", {"type": 4, "line": -2, "text": ""}),
    ],
)
def test_what_is_not_of_its_type_is_refused_by_its_place(key, value):
    with pytest.raises(InputError, match=rf"f, action\.A\.{key}"):
        acted({**PART, key: value})


@pytest.mark.parametrize("key", ["probability", "decision_probability"])
def test_a_probability_that_rounding_has_put_above_1_is_1(key):
    assert getattr(acted({**PART, key: 1.0000000000000007}), key) == 1.0


def test_help_that_was_held_back_is_recorded_as_a_no_op():
    with pytest.raises(InputError, match=r"f, action\.A\.withheld: found withheld help beside type 4, expected type 0"):
        acted({**PART, "type": 4, "line": 1})


@pytest.mark.parametrize(("line", "expected"), [(3, 2), (4, -1), (10**9, -1), (0, -1), (-1, -1)])
def test_a_line_outside_the_file_it_was_taken_on_is_none(line, expected):
    assert within_file(acted({"type": 4, "line": line}), 3).line == expected
    held_back = within_file(acted({**PART, "withheld": {"type": 4, "line": line, "text": ""}}), 3)
    assert held_back.withheld.line == expected and held_back.probability == 0.25
