"""What tests of simulated sessions share: states, and a problem that is quickly solved."""

import numpy as np
import pytest

from judge import Case, Problem
from state import Cursor, State, unedited


@pytest.fixture
def state_of():
    """A state of the given lines, all free; the cursor at the end of line `cursor`, None: off."""

    def make(*lines, cursor=None, t=3, **others):
        at = Cursor() if cursor is None else Cursor(True, cursor, len(lines[cursor]), t)
        seen = -1 if cursor is None else cursor
        return State(lines, t, unedited(len(lines)), unedited(len(lines)), at, last_known_line=seen, **others)

    return make


@pytest.fixture
def protected():
    """Human attribution in which the first line belongs to the skeleton."""

    def make(lines):
        human = np.array(unedited(lines))
        human[0] = (0, 0, 5, 1, 0, 0)
        human.flags.writeable = False
        return human

    return make


@pytest.fixture
def problem():
    """Three lines, of which the first is given."""
    solution = ("def double(number):", "    twice = number + number", "    return twice")
    return Problem("double", "double", (Case((2,), 4), Case((3,), 6)), solution, 1, ("the same twice", "done"))
