"""Which sessions are held out: for a comparison only if there are enough of them, and never all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.held_out import choose_held_out, choose_validation

IDS = st.lists(st.text(max_size=5), unique=True, max_size=30)


@pytest.mark.parametrize(
    ("sessions", "share", "held_out"),
    [(1, 0.2, 0), (4, 0.2, 0), (12, 0.2, 0), (13, 0.2, 3), (15, 0.2, 3), (40, 0.2, 8), (40, 0.0, 0), (5, 0.4, 0),
     (4, 1.0, 3)],
)  # fmt: skip
def test_sessions_are_held_out_for_a_comparison_only_if_there_are_three(sessions, share, held_out):
    """round(share x sessions) of them: of five sessions, say, all are learned from."""
    assert len(choose_held_out([f"session-{i}" for i in range(sessions)], share)) == held_out


@given(IDS, st.floats(0, 1), st.sets(st.text(max_size=5)))
def test_held_out_sessions_are_enough_and_never_all(ids, share, learned):
    held_out = choose_held_out(ids, share, learned)
    assert held_out <= set(ids)
    assert not held_out or 3 <= len(held_out) < len(ids)
    assert held_out == choose_held_out(ids[::-1], share, learned)


@given(IDS, st.floats(0, 1), st.sets(st.text(max_size=5)))
def test_what_the_current_models_have_not_learned_from_is_held_out_first(ids, share, learned):
    held_out = choose_held_out(ids, share, learned)
    if held_out & learned:
        assert set(ids) - learned <= held_out


@given(IDS, IDS)
def test_most_of_what_is_held_out_stays_so_when_sessions_are_added(ids, more):
    together = [*ids, *(name for name in more if name not in ids)]
    before, after = choose_held_out(ids, 0.3), choose_held_out(together, 0.3)
    assert len(before - after) <= len(together) - len(ids)


@pytest.mark.parametrize(("sessions", "validation"), [(1, 0), (5, 0), (6, 1), (10, 2), (20, 4)])
def test_validation_sessions_of_one_training(sessions, validation):
    ids = [f"id-{i}" for i in range(sessions)]
    assert len(choose_validation(ids, 0.2, seed=0)) == validation
    assert choose_validation(ids, 0.0, seed=0) == set()


@given(st.lists(st.sampled_from([f"id-{i}" for i in range(8)]), max_size=30), st.floats(0, 0.9), st.integers(0, 99))
def test_recordings_of_the_same_id_are_learned_from_together_or_not_at_all(ids, share, seed):
    validation = choose_validation(ids, share, seed)
    assert {ids[i] for i in validation}.isdisjoint(ids[i] for i in range(len(ids)) if i not in validation)
    names = set(ids)
    assert len({ids[i] for i in validation}) == (max(round(len(names) * share), 1) if len(names) > 5 and share else 0)


def test_most_validation_sessions_stay_so_when_sessions_are_added():
    few, more = ([f"id-{i}" for i in range(n)] for n in (20, 24))
    first, second = ({ids[i] for i in choose_validation(ids, 0.25, seed=3)} for ids in (few, more))
    assert len(first & second) >= 4
