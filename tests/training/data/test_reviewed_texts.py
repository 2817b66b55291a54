"""Which written texts the reviewer learns from, as what, and with which weight."""

import math
from dataclasses import replace

import numpy as np
import pytest

from actions import Action, Decision, Review, Withheld, Writer
from models.reviewer import FEATURES, LARGEST_WEIGHT, START, Reviewer, WrittenText, estimates
from state import Cursor, State, unedited
from state_adapter import Episode
from training.data.reviewed_texts import LEAST_RATIO, ReviewedTexts, log_review_ratio, written_text

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
        session(replace(SHOWN, writer=Writer("tutor"))),
        session(SHOWN, reply=None),
        session(SHOWN, written=("", "b"), reply=("", "b", "c")),
        session(
            replace(SHOWN, decision=Decision.NO_OP, line=-1, withheld=Withheld(Decision.WRITE_SINGLE_LINE, 0, "x")),
            written=("", "b"),
        ),
        session(replace(SHOWN, line=-1)),
    ],
)
def test_what_nobody_saw_nobody_is_known_to_have_written_or_the_tutor_did_teaches_nothing(unseen):
    texts = ReviewedTexts.of([unseen])
    assert len(texts) == 0 and texts.features.shape == (0, len(FEATURES))
    assert texts.fit() == pytest.approx(START)


def test_somebody_who_deletes_everything_is_shown_less():
    texts = ReviewedTexts.of([session(SHOWN, reply=("", "b", "c"))] * 30)
    before, after = (estimates(each, texts.features[:1])[0] for each in (START, texts.fit()))
    assert after < 0.3 < before and np.isfinite(texts.fit()).all()


SHOWS, HIDES = ((bias,) + (0.0,) * (len(FEATURES) - 1) for bias in (9.0, -9.0))


def reviewed(probability, *, shown, decided_with=0.5):
    """A decision whose text was shown or held back, shown with this probability."""
    review = Review(0.3, 0.4, probability, shown, False)
    action = replace(SHOWN, review=review, probability=decided_with, decision_probability=decided_with)
    if shown:
        return session(action)
    withheld = Withheld(action.decision, action.line, "total = 1")
    return session(replace(action, decision=Decision.NO_OP, line=-1, withheld=withheld), written=("", "b"))


@pytest.mark.parametrize(
    ("shown", "recorded", "coefficients", "exploration", "ratio"),
    [
        # shown: new / recorded probability of showing
        (True, 1.0, SHOWS, 0.05, 1.0),
        (True, 1.0, HIDES, 0.05, 0.05 / 1.0),
        (True, 0.05, SHOWS, 0.05, 1.0 / 0.05),
        (True, 0.05, HIDES, 0.05, 1.0),
        (True, 0.05, HIDES, 0.2, 0.2 / 0.05),
        # held back: the same of hiding
        (False, 0.05, HIDES, 0.05, 1.0),
        (False, 0.05, HIDES, 0.24, 0.76 / 0.95),
        (False, 0.6, HIDES, 0.05, 0.95 / 0.4),
        # what it would never do
        (False, 0.05, SHOWS, 0.05, LEAST_RATIO),
        (True, 1.0, HIDES, 0.0, LEAST_RATIO),
        # what could not have been is taken as it is
        (False, 1.0, HIDES, 0.05, 1.0),
        (True, 0.0, SHOWS, 0.05, 1.0),
    ],
)
def test_the_ratio_of_what_was_done_with_a_text(shown, recorded, coefficients, exploration, ratio):
    (transition,) = reviewed(recorded, shown=shown).transitions("A")
    current = Reviewer(coefficients, 0.4, exploration)
    assert log_review_ratio(transition, current) == pytest.approx(math.log(ratio))


@pytest.mark.parametrize(
    "unreviewed",
    [
        session(replace(SHOWN, review=None)),
        reviewed(None, shown=True),
        reviewed(None, shown=False),
        reviewed(1.0, shown=True, decided_with=None),  # a client asked for it
        session(replace(SHOWN, decision=Decision.NO_OP, line=-1), written=("", "b")),
        session(SHOWN, written=("", "b")),
    ],
)
def test_where_no_reviewer_drew_the_ratio_is_one(unreviewed):
    (transition,) = unreviewed.transitions("A")
    assert log_review_ratio(transition, Reviewer(HIDES)) == 0.0


def test_a_text_is_seen_alike_whether_it_was_shown_or_held_back():
    shown, hidden = (written_text(*reviewed(0.5, shown=shown).transitions("A")) for shown in (True, False))
    assert shown == hidden and shown.text == "total = 1" and (shown.mean_log_prob, shown.policy_kept) == (-0.2, 0.6)


@pytest.mark.parametrize(("line", "text"), [(-1, "x"), (7, "x"), (0, ""), (0, "  ")])
def test_help_that_was_held_back_and_would_have_changed_nothing_has_no_text(line, text):
    (transition,) = reviewed(0.5, shown=False).transitions("A")
    withheld = Withheld(Decision.WRITE_SINGLE_LINE, line, text)
    changed = replace(transition, action=replace(transition.action, withheld=withheld))
    assert written_text(changed) is None and log_review_ratio(changed, Reviewer(HIDES)) == 0.0
