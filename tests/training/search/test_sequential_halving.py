"""Sequential halving as a table: the visits a candidate must have to be considered, simulation by simulation."""

import numpy as np
import pytest

from training.search.sequential_halving import considered_visits, visit_table


@pytest.mark.parametrize(
    ("considered", "simulations", "expected"),
    [
        (1, 4, [0, 1, 2, 3]),
        (2, 4, [0, 0, 1, 1]),
        (2, 5, [0, 0, 1, 1, 2]),
        (3, 5, [0, 0, 0, 1, 1]),
        (4, 2, [0, 0]),
        (4, 8, [0, 0, 0, 0, 1, 1, 2, 2]),
        (4, 10, [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]),
        (4, 16, [0] * 4 + [1] * 4 + [2] * 2 + [3] * 2 + [4] * 2 + [5] * 2),
        (8, 16, [0] * 8 + [1] * 4 + [2] * 2 + [3] * 2),
        (8, 24, [0] * 8 + [1] * 4 + [2] * 4 + [3] * 2 + [4] * 2 + [5] * 2 + [6] * 2),
        (16, 16, [0] * 16),
    ],
)
def test_schedule(considered, simulations, expected):
    assert list(considered_visits(considered, simulations)) == expected


@pytest.mark.parametrize("considered", range(1, 17))
def test_somebody_always_has_the_visits_asked_for(considered):
    visits = np.zeros(considered, dtype=int)
    for asked in considered_visits(considered, 64):
        ready = np.flatnonzero(visits == asked)
        assert len(ready)
        visits[ready[0]] += 1


def test_the_table_has_a_row_for_each_number_of_candidates():
    table = visit_table(8, 16)
    assert table.shape == (9, 16)
    assert table[5].tolist() == list(considered_visits(5, 16))
