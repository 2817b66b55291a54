"""The eight numbers of a goal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import Env, State, unedited
from training.data.goal_targets import GOAL_NAMES, FinalText, goal_vector


def state(lines, env=None):
    return State(tuple(lines), 0, unedited(len(lines)), unedited(len(lines)), env=env)


FINAL = ["# sums", "def f(xs):", "    total = 0", "", "    return total"]


@pytest.mark.parametrize(
    ("lines", "env", "expected"),
    [
        (FINAL, None, {"left_to_write": 0.0, "left_to_remove": 0.0, "compiles": 0.5, "tests_passed": 0.5}),
        ([], Env(True, 1, 4), {"left_to_write": 1.0, "left_to_remove": 0.0, "compiles": 1.0, "tests_passed": 0.25}),
        (["def f(xs):", "pass"], Env(False), {"left_to_write": 0.75, "left_to_remove": 0.5, "compiles": 0.0}),
        (["def f(xs):"] * 2, Env(True, 0, 0), {"left_to_write": 0.75, "left_to_remove": 0.5, "tests_passed": 0.5}),
    ],
)
def test_what_is_left_depends_on_the_state_the_rest_on_the_end(lines, env, expected):
    vector = dict(
        zip(GOAL_NAMES, goal_vector(state(lines), FinalText.from_state(state(FINAL, env))).tolist(), strict=True)
    )
    assert {name: vector[name] for name in expected} == pytest.approx(expected)
    assert vector["comment_share"] == 0.25
    assert vector["length"] == pytest.approx(4 / 34)
    assert vector["line_length"] == pytest.approx((6 + 10 + 9 + 12) / 400)
    assert vector["indentation"] == pytest.approx(2 / 32)


texts = st.lists(st.text(max_size=200), max_size=8)
envs = st.none() | st.builds(Env, st.booleans(), st.none() | st.integers(0, 9), st.none() | st.integers(0, 5))


@given(texts, texts, envs)
def test_they_are_always_within_0_and_1(lines, final, env):
    vector = goal_vector(state(lines), FinalText.from_state(state(final, env)))
    assert vector.shape == (8,) and (vector >= 0).all() and (vector <= 1).all()
