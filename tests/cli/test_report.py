"""The report promises: each measure before and after with what it is held against, gaps shown as gaps."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from cli.report import render
from config import LoopConfig
from data_paths import SAMPLE_STATE, DataPaths
from training.evaluation.clustered_statistics import Estimate
from training.evaluation.held_out_report import Report
from training.evaluation.promotion import PromotionDecision
from training.training_loop import Outcome

NONE = Estimate(None, None)
REPORT = Report(
    human_accuracy=Estimate(0.5, 0.1),
    human_nll=Estimate(1.25, 0.05),
    line_nll=NONE,
    prior_nll=Estimate(1.5, None),
    nll_gain=NONE,
    assistant_return=Estimate(-0.25, 0.125),
    recorded_return=NONE,
    return_gain=NONE,
    effective_sample_size=None,
    no_op_share=NONE,
    kept_brier=NONE,
    base_brier=NONE,
    kept_gain=NONE,
    calibration_error=None,
    reliability=(),
    value_error=float("nan"),
    value_spread=2.0,
    sessions=("a",),
    session_nll=(1.25,),
    session_return=(-0.25,),
    session_kept_brier=(0.2,),
)
OUTCOME = Outcome(
    learned_from=3,
    validation_sessions=1,
    held_out=1,
    games=2,
    before=REPORT,
    after=replace(REPORT, human_nll=Estimate(1.0, 0.1)),
    promotion=PromotionDecision(True, "they are better"),
    models=Path("data/trainer/models"),
    generation="000001-a",
)
PATHS = DataPaths(Path("data"))


def test_before_and_after_stand_beside_what_they_are_compared_with():
    text = render(OUTCOME, PATHS, LoopConfig())
    rows = {line[:31].strip(): line[31:].split("  ") for line in text.splitlines()}
    assert text.startswith(
        "Learned from 4 sessions, 1 of them only when to stop, and 2 games; 1 more held out to compare."
    )
    assert [cell.strip() for cell in rows["human's decision, NLL"] if cell] == [
        "1.250 ± 0.050",
        "1.000 ± 0.100",
        "class prior",
        "1.500",
    ]
    assert "-0.250 ± 0.125" in "".join(rows["assistant's return a decision"])
    assert [cell.strip() for cell in rows["value, RMS error"] if cell.strip()] == ["-", "-", "spread", "2.000"]
    assert "The new models are current: they are better." in text
    assert "put your own" not in text


@pytest.mark.parametrize(
    "outcome, words",
    [
        (
            replace(OUTCOME, promotion=PromotionDecision(False, "they are worse"), models=Path("aside")),
            "The current models stay: they are worse. The new ones are in aside.",
        ),
        (
            replace(OUTCOME, learned_from=1, validation_sessions=0, games=1),
            "Learned from 1 session, and 1 game; 1 more held out to compare.",
        ),
        (replace(OUTCOME, held_out=0), "none held out, so nothing is compared"),
        (
            replace(OUTCOME, nothing_new=True, promotion=PromotionDecision(False, "nothing is new since x")),
            "Nothing is new since x. The models in data/trainer/models stay as they are.",
        ),
    ],
)
def test_what_came_of_it_is_a_sentence(outcome, words):
    assert words in render(outcome, PATHS, LoopConfig())


def test_a_table_says_which_sessions_it_is_measured_on():
    assert "on held-out sessions  " in render(OUTCOME, PATHS, LoopConfig())
    learned = render(replace(OUTCOME, held_out=0), PATHS, LoopConfig())
    assert "on the sessions learned from  " in learned and "held-out" not in learned


def test_where_nothing_is_new_no_table_is_shown():
    outcome = replace(OUTCOME, learned_from=0, before=None, after=None, nothing_new=True)
    text = render(outcome, PATHS, LoopConfig())
    assert text.startswith("They are better. The models in") and "earned from" not in text


def test_models_of_samples_are_said_to_serve_nobody():
    outcome = replace(OUTCOME, models=Path("data/trainer/models-from-samples"))
    text = render(outcome, PATHS, replace(LoopConfig(), trained_on="samples"))
    assert "The new models are in data/trainer/models-from-samples, where they serve nobody by default" in text
    assert "samples models       data/trainer/models-from-samples" in text and "current models" not in text


def test_samples_are_followed_by_how_to_use_ones_own_sessions():
    text = render(OUTCOME, PATHS, replace(LoopConfig(), trained_on="samples"))
    assert "put your own recorded sessions into data/state-service/episodes" in text


def test_after_the_samples_the_command_for_a_decision_can_be_typed_as_it_stands():
    text = render(OUTCOME, PATHS, replace(LoopConfig(), trained_on="samples"))
    assert f"infer_action --state_json {shlex.quote(str(SAMPLE_STATE))}" in text
    assert "--state_json FILE" in render(OUTCOME, PATHS, LoopConfig())
    assert f"PERSISTENT_DATA_DIR={PATHS.root.absolute()} python -m cli.run_tasks models" in text
