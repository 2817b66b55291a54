"""The reviewer that serves: the start's, then the person's own once training has refitted it."""

from dataclasses import replace
from random import Random

from actions import Action, Decision
from delegates import Completion
from exploration import MODEL as EXPLORATION
from models.reviewer import FEATURES, FILE, START, save_coefficients
from services.learning.current_reviewer import EXPLORING_SHARE, CurrentReviewer
from state import State, unedited

STATE = State(("",), 1, unedited(1), unedited(1))
ACTION = Action("A", Decision.WRITE_SINGLE_LINE, 0)
SURE = Completion("x = 1", "writer", (-0.1,))


def review(reviewer):
    return reviewer.review(STATE, ["x = 1"], ACTION, SURE, Random(0))


def test_what_training_refitted_decides_at_once(tmp_path):
    reviewer = CurrentReviewer(tmp_path, threshold=0.4, exploration=0.0)
    before = review(reviewer)
    assert reviewer.current().coefficients == START and "learned" not in reviewer.description
    save_coefficients(tmp_path, [-5.0] + [0.0] * (len(FEATURES) - 1), 12)
    after = review(reviewer)
    assert after.kept < 0.01 < before.kept and not after.shown
    assert "from 12 of your texts" in reviewer.description


def test_a_damaged_file_leaves_the_start_and_says_so(tmp_path):
    (tmp_path / FILE).write_text("{")
    reviewer = CurrentReviewer(tmp_path, threshold=0.4, exploration=0.0)
    assert review(reviewer).kept == review(CurrentReviewer(tmp_path / "none", threshold=0.4, exploration=0.0)).kept
    assert FILE in reviewer.failure
    save_coefficients(tmp_path, START, 1)
    assert review(reviewer) and reviewer.failure is None


def test_while_exploration_decides_much_of_what_is_below_the_threshold_is_shown(tmp_path):
    reviewer = CurrentReviewer(tmp_path, threshold=1.0, exploration=0.05)
    exploring = replace(ACTION, model=EXPLORATION)
    generator = Random(0)
    reviews = [reviewer.review(STATE, ["x = 1"], exploring, SURE, generator) for _ in range(400)]
    assert {review.shown_probability for review in reviews} == {EXPLORING_SHARE}
    assert 150 < sum(review.shown for review in reviews) < 250
    assert review(reviewer).shown_probability == 0.05
    always = CurrentReviewer(tmp_path, threshold=1.0, exploration=0.9)
    assert always.review(STATE, ["x = 1"], exploring, SURE, generator).shown_probability == 0.9
