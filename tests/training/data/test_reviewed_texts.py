"""Which written texts the reviewer learns from, as what, and with which weight."""

from dataclasses import replace

import numpy as np
import pytest

from actions import Action, Decision, Review, Withheld, Writer
from models.reviewer import FEATURES, LARGEST_WEIGHT, START, WrittenText, estimates
from state import Cursor, State, unedited
from state_adapter import Episode
from training.data.reviewed_texts import ReviewedTexts

WRITER = Writer("writer", mean_log_prob=-0.2)
SHOWN = Action("A", Decision.WRITE_SINGLE_LINE, 0, kept=0.6, writer=WRITER, review=Review(0.7, 0.4, 1.0, True, False))


def state(t, *lines):
    return State(tuple(lines), t, unedited(len(lines)), unedited(len(lines)), Cursor(True, 0, 0, t), last_known_line=0)


def session(action, written=("total = 1", "b"), reply=("total = 1", "b", "c")):
    """A text that the assistant wrote, and the person's reply (none: the session ended)."""
    states = [state(0, "", "b"), state(1, *written)] + ([] if reply is None else [state(2, *reply)])
    actions = [None, action, Action("H", Decision.WRITE_SINGLE_LINE, 0)][: len(states)]
    return Episode("one", "made up", None, tuple(states), tuple(actions))


def test_a_text_that_was_shown_is_learned_as_it_was_judged_with_the_share_that_stood():
    texts = ReviewedTexts.of([session(SHOWN), session(SHOWN, reply=("", "b", "c"))])
    judged = WrittenText.of(state(0, "", "b"), ["total = 1", "b"], SHOWN, -0.2)
    assert texts.features.tolist() == [list(judged.features())] * 2
    assert texts.shares.tolist() == [1.0, 0.0] and texts.weights.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("probability", "weight"), [(0.05, 20.0), (0.5, 2.0), (None, 1.0), (1e-6, LARGEST_WEIGHT), (0.0, LARGEST_WEIGHT)]
)
def test_a_text_counts_for_those_like_it_that_were_held_back(probability, weight):
    explored = replace(SHOWN, review=Review(0.1, 0.4, probability, True, True))
    assert ReviewedTexts.of([session(explored)]).weights.tolist() == pytest.approx([weight])


@pytest.mark.parametrize(
    "unseen",
    [
        session(replace(SHOWN, writer=None)),
        session(SHOWN, reply=None),
        session(SHOWN, written=("", "b"), reply=("", "b", "c")),
        session(
            replace(SHOWN, decision=Decision.NO_OP, line=-1, withheld=Withheld(Decision.WRITE_SINGLE_LINE, 0, "x")),
            written=("", "b"),
        ),
        session(replace(SHOWN, line=-1)),
    ],
)
def test_what_nobody_saw_or_nobody_is_known_to_have_written_teaches_nothing(unseen):
    texts = ReviewedTexts.of([unseen])
    assert len(texts) == 0 and texts.features.shape == (0, len(FEATURES))
    assert texts.fit() == pytest.approx(START)


def test_somebody_who_deletes_everything_is_shown_less():
    texts = ReviewedTexts.of([session(SHOWN, reply=("", "b", "c"))] * 30)
    before, after = (estimates(each, texts.features[:1])[0] for each in (START, texts.fit()))
    assert after < 0.3 < before and np.isfinite(texts.fit()).all()
