"""The exploration policy: its probabilities."""

import math

import numpy as np
import pytest

from actions import legality_mask
from exploration import exploration_probabilities
from state import Cursor, State, unedited


def state_of(lines, cursor=-1, **more):
    where = Cursor(cursor >= 0, cursor, 0, 3)
    return State(tuple(f"x{i} = {i}" for i in range(lines)), 4, unedited(lines), unedited(lines), where, **more)


@pytest.mark.parametrize("lines", [0, 1, 7, 5000])
@pytest.mark.parametrize("cursor", [-1, 0, 3])
def test_silence_has_one_half_and_the_legal_decisions_share_the_other(lines, cursor):
    state = state_of(lines, min(cursor, lines - 1))
    legal = legality_mask([state], 160)[0]
    probabilities = exploration_probabilities(state, legal[:, :lines])
    assert probabilities.sum() == pytest.approx(1.0)
    assert (probabilities[1:, :lines][~legal[1:, :lines]] == 0).all()
    possible = legal[1:].any(1)
    assert probabilities[0, 0] == (0.5 if possible.any() else 1.0) and (probabilities[0, 1:] == 0).all()
    expected = np.where(possible, 0.5 / max(possible.sum(), 1), 0.0)
    assert probabilities[1:].sum(1) == pytest.approx(expected)


def edit_probabilities(state):
    return exploration_probabilities(state, legality_mask([state], 160)[0])[4]


def test_a_line_twenty_further_from_the_cursor_has_a_share_of_one_over_e():
    edit = edit_probabilities(state_of(60, cursor=30))
    assert edit.argmax() == 30
    assert edit[50] == pytest.approx(edit[30] / math.e) and edit[10] == pytest.approx(edit[50])


def test_the_last_place_where_the_cursor_was_seen_counts_and_without_any_all_lines_are_alike():
    assert edit_probabilities(state_of(30, last_known_line=20)).argmax() == 20
    assert np.ptp(edit_probabilities(state_of(30))) == 0
