"""What is measured on held-out sessions, against numbers worked by hand."""

import json
import math
from dataclasses import replace

import pytest
import torch

from actions import Review
from config import PPOConfig
from models import QuietPolicy
from models.reviewer import START, Reviewer
from training.data.transitions import build_dataset
from training.evaluation.held_out_report import (
    VALIDATION_KEYS,
    Baselines,
    evaluate,
    evaluate_dataset,
    validation_metrics,
)
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks


@pytest.fixture
def measured(small, sessions):
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    return policies, data, Baselines.from_steps(data.select_episodes(range(4)))


def test_a_report_adds_up(measured, sessions):
    policies, data, baselines = measured
    report = evaluate_dataset(policies, data, [4, 5], baselines, PPOConfig())
    steps = data.select_episodes([4, 5], is_human=True)
    assert report.prior_nll.mean == pytest.approx(float(-baselines.prior[steps.decision].mean()), abs=1e-5)
    assert report.nll_gain.mean == pytest.approx(report.prior_nll.mean - report.human_nll.mean, abs=1e-5)
    gain = report.assistant_return.mean - report.recorded_return.mean
    assert report.return_gain.mean == pytest.approx(gain, abs=1e-5)
    assert report.kept_gain.mean == pytest.approx(report.base_brier.mean - report.kept_brier.mean, abs=1e-5)
    assert report.recorded_return.mean == pytest.approx(
        float(data.select_episodes([4, 5], is_human=False).reward.mean()), abs=1e-5
    )
    assert report.sessions == ("session-4", "session-5") and len(report.session_nll) == len(report.session_return) == 2
    own = [evaluate_dataset(policies, data, [i], baselines, PPOConfig()).kept_brier.mean for i in (4, 5)]
    assert report.session_kept_brier == pytest.approx(own, abs=1e-5)
    assert 0 < report.effective_sample_size <= 1
    json.dumps(report.as_dict(), allow_nan=False)


def test_the_share_of_no_op_and_the_error_of_values_worked_out(measured):
    """Of a policy that gives NO-OP 0.94 and each other decision 0.01 where it is legal, and values every state 0."""
    policies, data, baselines = measured
    quiet = replace(policies, assistant=QuietPolicy().eval())
    report = evaluate_dataset(quiet, data, [4, 5], baselines, PPOConfig(gamma=0.5))
    steps = data.select_episodes([4, 5], is_human=False)
    possible = (steps.choices.decisions.sum(1) - 1).tolist()
    shares = [0.94 / (0.94 + 0.01 * count) for count in possible]
    assert report.no_op_share.mean == pytest.approx(sum(shares) / len(shares), abs=1e-6) and max(possible) > 0
    squares = []
    for session in (4, 5):
        value = 0.0
        for reward in reversed(steps.reward[steps.episode == session].tolist()):
            value = reward + 0.5 * value
            squares.append(value**2)
    assert report.value_error == pytest.approx(math.sqrt(sum(squares) / len(squares)), abs=1e-6)


def test_episodes_are_encoded_as_the_models_own_featurizer_does(measured, sessions):
    policies, data, baselines = measured
    assert (
        evaluate(policies, sessions[4:], baselines).human_nll
        == evaluate_dataset(policies, data, [4, 5], baselines, PPOConfig()).human_nll
    )


def with_recorded_log_probs(data, log_decision, log_line):
    """The data set with other recorded log-probabilities of the assistant's decisions and lines."""
    steps = replace(data.steps, log_decision=data.steps.log_decision.clone(), log_line=data.steps.log_line.clone())
    steps.log_decision[~steps.is_human], steps.log_line[~steps.is_human] = log_decision, log_line
    return replace(data, steps=steps)


def test_a_policy_that_decides_as_recorded_returns_what_was_recorded(measured):
    """Importance weights are then all 1."""
    policies, data, baselines = measured
    policies.initialise_assistant(baselines.behaviour.decision_log_prior(), 0)
    steps = data.select_episodes(range(6), is_human=False)
    predictions = Predictor(policies.assistant, policies.featurizer).predict(data.encoded, steps)
    data = with_recorded_log_probs(data, predictions.decision(steps), predictions.line)
    report = evaluate_dataset(policies, data, range(6), baselines, PPOConfig())
    assert report.assistant_return.mean == pytest.approx(report.recorded_return.mean, abs=1e-5)
    assert report.effective_sample_size == pytest.approx(1.0)


def test_the_return_is_weighted_by_importance(measured):
    """A recorder that took the rewarded decisions three times as often as the policy: each counts a third."""
    policies, data, baselines = measured
    policies.initialise_assistant(baselines.behaviour.decision_log_prior(), 0)
    steps = data.select_episodes(range(6), is_human=False)
    predictions = Predictor(policies.assistant, policies.featurizer).predict(data.encoded, steps)
    is_rewarded = steps.reward > steps.reward.median()
    ratio = torch.where(is_rewarded, 1 / 3, 1.0)
    data = with_recorded_log_probs(data, predictions.decision(steps) - ratio.log(), predictions.line)
    report = evaluate_dataset(policies, data, range(6), baselines, PPOConfig())
    expected = float((ratio * steps.reward).sum() / ratio.sum())
    assert report.assistant_return.mean == pytest.approx(expected, abs=1e-5)
    assert expected < report.recorded_return.mean - 0.1
    assert report.effective_sample_size == pytest.approx(
        float(ratio.sum().square() / (len(ratio) * ratio.square().sum()))
    )
    in_first = steps.episode == 0
    first = float((ratio * steps.reward)[in_first].sum() / ratio[in_first].sum())
    assert report.session_return[0] == pytest.approx(first, abs=1e-5)


def test_the_base_rate_is_that_of_the_sessions_learned_from(measured):
    policies, data, baselines = measured
    learned, held_out = (data.select_episodes(ids).retained for ids in (range(4), [4, 5]))
    learned, held_out = learned[~learned.isnan()], held_out[~held_out.isnan()]
    assert abs(learned.mean() - held_out.mean()) > 0.02
    assert baselines.retained_share == pytest.approx(float(learned.mean()))
    report = evaluate_dataset(policies, data, [4, 5], baselines, PPOConfig())
    assert report.base_brier.mean == pytest.approx(float((learned.mean() - held_out).square().mean()), abs=1e-6)
    assert report.base_brier.mean > float((held_out.mean() - held_out).square().mean()) + 1e-4


def test_decisions_that_teach_nothing_are_judged_nowhere(measured, sessions):
    """Illegal ones of the assistant, and the human's at lines that the network does not see."""
    policies, data, baselines = measured
    trainable = torch.ones(len(data.steps), dtype=torch.bool)
    trainable[::3] = False
    retained = torch.where(trainable, data.steps.retained, math.nan)
    masked = replace(data.steps, trainable=trainable, line_trainable=trainable.clone(), retained=retained)
    report = evaluate_dataset(policies, replace(data, steps=masked), range(6), baselines, PPOConfig())
    human = data.steps.select(trainable & data.steps.is_human)
    predictions = Predictor(policies.human, policies.featurizer, legal_only=False).predict(data.encoded, human)
    assert report.human_nll.mean == pytest.approx(float(-predictions.decision(human).mean()), abs=1e-5)
    assert report.prior_nll.mean == pytest.approx(float(-baselines.prior[human.decision].mean()), abs=1e-5)
    correct = predictions.decisions.argmax(1) == human.decision
    assert report.human_accuracy.mean == pytest.approx(float(correct.float().mean()), abs=1e-6)
    rewards = data.steps.reward[trainable & ~data.steps.is_human]
    assert report.recorded_return.mean == pytest.approx(float(rewards.mean()), abs=1e-5)


def test_each_session_has_a_brier_score_of_its_own(measured):
    policies, data, baselines = measured
    report = evaluate_dataset(policies, data, [4, 5], baselines, PPOConfig())
    steps = data.select_episodes([5], is_human=False)
    predictions = Predictor(policies.assistant, policies.featurizer).predict(data.encoded, steps)
    errors = (predictions.retention_logit.sigmoid() - steps.retained).square()
    assert report.session_kept_brier[1] == pytest.approx(float(errors.nanmean()), abs=1e-6)


def test_a_policy_without_p_kept_is_not_measured_as_if_it_said_one_half(measured, sessions):
    policies, _, baselines = measured
    report = evaluate(replace(policies, assistant=QuietPolicy().eval()), sessions[4:], baselines)
    assert report.kept_brier.mean is report.kept_gain.mean is report.calibration_error is None
    assert report.base_brier.mean is not None and report.reliability == ()
    assert all(math.isnan(value) for value in report.session_kept_brier)


def test_sessions_of_one_side_only_are_measured_as_far_as_they_go(measured, sessions):
    policies, _, baselines = measured
    alone = [replace(one, actions=tuple(m if m and m.agent == "H" else None for m in one.actions)) for one in sessions]
    report = evaluate(policies, alone, baselines)
    assert report.human_nll.mean is not None
    assert report.assistant_return.mean is None and report.kept_brier.mean is None and report.value_error is None
    assert all(math.isnan(value) for value in report.session_return)
    json.dumps(report.as_dict(), allow_nan=False)


def test_validation_names_what_it_logs(measured):
    policies, data, baselines = measured
    assert (
        tuple(validation_metrics(evaluate_dataset(policies, data, [4, 5], baselines, PPOConfig()))) == VALIDATION_KEYS
    )
    assert validation_metrics(None) == dict.fromkeys(VALIDATION_KEYS)


def test_returns_are_those_with_the_reviewer_that_will_serve(measured, sessions):
    """What it would hold back weighs less, so the expected return is that of the others."""
    policies, _, baselines = measured
    episodes = [with_reviewed_writing(one) for one in sessions[4:]]
    hides = Reviewer((-9.0,) + (0.0,) * (len(START) - 1), exploration=0.0)
    recorded, hidden = (evaluate(policies, episodes, baselines, reviewer=one) for one in (None, hides))
    data = build_dataset(episodes, policies.featurizer, reviewer=hides)
    steps = data.select_episodes([0, 1], is_human=False)
    silent = steps.reward[steps.log_review == 0.0]
    assert 0 < len(silent) < len(steps) and hidden.effective_sample_size < recorded.effective_sample_size
    assert hidden.assistant_return.mean != pytest.approx(recorded.assistant_return.mean)
    assert float(silent.min()) - 1e-4 <= hidden.assistant_return.mean <= float(silent.max()) + 1e-4


def with_reviewed_writing(episode):
    """The session with a review of every text that the assistant wrote."""
    review = Review(0.9, 0.4, 1.0, True, False)
    return replace(
        episode,
        actions=tuple(
            replace(action, review=review, probability=0.5, decision_probability=0.5)
            if action is not None and action.agent == "A" and action.decision
            else action
            for action in episode.actions
        ),
    )
