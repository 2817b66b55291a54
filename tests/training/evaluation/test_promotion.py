"""promotion.py promises: a person's models give way only to a person's that are not worse."""

import math
from pathlib import Path

import pytest

from data_paths import quarantine_folder
from training.evaluation.promotion import Scores, decide_promotion, paired_gain

NAN = math.nan
SAME = Scores([1.0, 1.2, 0.8, 1.1], [2.0, 1.0, 3.0, 2.5], [0.2, 0.1, 0.3, 0.2])


def shifted(nll=0.0, returns=0.0, noise=0.0, brier=0.0):
    """SAME, each session better or worse by a shift, plus noise of alternating sign."""
    signs = (1, -1, 1, -1)
    return Scores(
        [x + nll + noise * s for x, s in zip(SAME.human_nll, signs, strict=True)],
        [x + returns + noise * s for x, s in zip(SAME.assistant_return, signs, strict=True)],
        [x + brier for x in SAME.kept_brier],
    )


@pytest.mark.parametrize(
    "new, replaced, words",
    [
        (SAME, True, "not worse on 4"),
        (shifted(nll=-0.2, returns=0.2), True, "not worse"),
        (shifted(nll=0.2), False, "NLL is worse by 0.200"),
        (shifted(returns=-0.2), False, "return is worse by 0.200"),
        (shifted(nll=0.2, returns=-0.2), False, "NLL is worse by 0.200 +- 0.000 and the assistant's return"),
        (shifted(nll=0.1, noise=0.5), True, "not worse"),  # within the standard error
        (shifted(nll=0.4, noise=0.5), False, "worse by 0.400 +- 0.289"),
        (shifted(brier=0.05), False, "p(kept)'s Brier score is worse by 0.050 +- 0.000"),
        (shifted(brier=-0.05), True, "not worse"),
        (Scores(SAME.human_nll, SAME.assistant_return, [NAN, NAN, 0.9, 0.9]), True, "not worse"),  # too few know
        (shifted(nll=-0.4, returns=-0.2), False, "return"),  # better at one thing does not pay for the other
    ],
)
def test_models_of_the_same_kind_are_compared_session_by_session(new, replaced, words):
    decision = decide_promotion(new, SAME, trained_on="person", old_trained_on="person")
    assert decision.replace is replaced and words in decision.reason


@pytest.mark.parametrize(
    "new, old, sessions",
    [
        (Scores([9.0], [-9.0], [0.9]), Scores([1.0], [1.0], [0.1]), 1),
        (Scores([9.0, 9.0, NAN], [NAN] * 3, [NAN] * 3), Scores([1.0, 1.0, 1.0], [1.0] * 3, [0.1] * 3), 0),
    ],
)
def test_too_few_sessions_to_tell_means_replaced(new, old, sessions):
    decision = decide_promotion(new, old, trained_on="person", old_trained_on="person")
    assert decision.replace and decision.reason == f"held-out sessions are too few to tell them apart: {sessions}"


def test_where_nothing_is_held_out_nothing_is_compared_and_the_models_are_replaced():
    decision = decide_promotion(Scores(), Scores(), trained_on="person", old_trained_on="person")
    assert (
        decision.replace and decision.reason == "nothing was compared, because fewer than 3 sessions could be held out"
    )


WORSE = shifted(nll=1.0, returns=-1.0)
BETTER = shifted(nll=-1.0, returns=1.0)


@pytest.mark.parametrize(
    "new, trained_on, old, old_trained_on, replaced",
    [
        (WORSE, "person", None, None, True),
        (WORSE, "samples", None, None, True),
        (BETTER, "samples", SAME, "person", False),
        (BETTER, "scripted", SAME, "person", False),
        (BETTER, "samples", SAME, "imported", False),
        (BETTER, "samples", SAME, None, False),  # unknown: it may be a person's
        (WORSE, "person", SAME, "samples", True),
        (WORSE, "person", SAME, "scripted", True),
        (WORSE, "person", SAME, "imported", False),
        (WORSE, "samples", SAME, "samples", False),
        (BETTER, "samples", SAME, "scripted", True),
        (WORSE, "nothing", None, None, True),
        (BETTER, "nothing", SAME, "person", False),
        (BETTER, "nothing", SAME, "samples", False),
        (WORSE, "samples", SAME, "nothing", True),
        (WORSE, "person", SAME, "nothing", True),
    ],
)
def test_whose_models_may_replace_whose(new, trained_on, old, old_trained_on, replaced):
    assert decide_promotion(new, old, trained_on=trained_on, old_trained_on=old_trained_on).replace is replaced


def test_the_paired_standard_error_is_that_of_the_differences():
    assert paired_gain([1.0, 2.0, 3.0], [0.0, 2.0, 1.0]) == (1.0, pytest.approx(1 / math.sqrt(3)))
    assert paired_gain([1.0, 2.0], [0.0, 0.0]) == (0.0, math.inf)


def test_models_set_aside_have_a_folder_of_their_own():
    assert quarantine_folder(Path("data/trainer/models"), "samples") == Path("data/trainer/models-from-samples")
