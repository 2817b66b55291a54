"""What is measured on held-out sessions, against numbers worked by hand."""

import json
import math
from dataclasses import replace

import pytest
import torch

from config import PPOConfig
from training.data.minibatches import bucketed
from training.data.seeds import derived_seed, generator
from training.data.transitions import build_dataset
from training.evaluation.held_out_report import (
    VALIDATION,
    Baselines,
    Reliability,
    calibration_error,
    evaluate,
    evaluate_on,
    mean,
    reliability,
    validation,
)
from training.networks.training_networks import TrainingNetworks


@pytest.fixture
def measured(small, sessions):
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = build_dataset(sessions, policies.featurizer)
    return policies, data, Baselines.of(data.select_episodes(range(4)))


def test_the_error_of_a_mean_is_clustered_by_session():
    """Ten copies of a session's step say no more than one."""
    values, sessions = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 1, 2])
    once, often = mean(values, sessions), mean(values.repeat(10), sessions.repeat(10))
    assert once.mean == pytest.approx(7 / 3)
    assert once.error == pytest.approx(values.std().item() / math.sqrt(3))
    assert often.mean == pytest.approx(once.mean) and often.error == pytest.approx(once.error)


@pytest.mark.parametrize(
    ("values", "weights", "sessions", "expected"),
    [
        ([], None, [], (None, None)),
        ([3.0], None, [0], (3.0, None)),  # one session has no error
        ([1.0, 5.0], [1.0, 0.0], [0, 1], (1.0, 0.0)),
        ([1.0, 5.0], [0.0, 0.0], [0, 1], (None, None)),
        ([1.0, 2.0], [3.0, 1.0], [0, 0], (1.25, None)),
    ],
)
def test_means_at_the_edges(values, weights, sessions, expected):
    found = mean(torch.tensor(values), torch.tensor(sessions), None if weights is None else torch.tensor(weights))
    assert (found.mean, found.error) == pytest.approx(expected)


def test_the_error_shrinks_as_it_covers():
    """Of 300 repetitions about 95 % have the truth within two errors."""
    torch.manual_seed(0)
    hits = 0
    for _ in range(300):
        sessions = torch.arange(20).repeat_interleave(5)
        values = torch.randn(20).repeat_interleave(5) + 0.3 * torch.randn(100)
        found = mean(values, sessions)
        hits += abs(found.mean) < 2 * found.error
    assert 0.9 < hits / 300 < 0.98


def test_reliability_and_calibration():
    bins = reliability(torch.tensor([0.05, 0.07, 0.92, 1.0]), torch.tensor([0.0, 1.0, 1.0, 0.5]))
    assert bins[0].count == 2 and bins[0].predicted == pytest.approx(0.06) and bins[0].kept == 0.5
    assert bins[1].count == 2 and bins[1].predicted == pytest.approx(0.96) and bins[1].kept == 0.75
    assert calibration_error(bins) == pytest.approx((0.44 + 0.21) / 2)
    assert calibration_error(()) is None
    assert calibration_error((Reliability(3, 0.5, 0.5),)) == 0.0


def test_a_report_adds_up(measured, sessions):
    policies, data, baselines = measured
    report = evaluate_on(policies, data, [4, 5], baselines, PPOConfig())
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
    assert 0 < report.effective_sample_size <= 1 and 0 < report.no_op_share.mean < 1
    json.dumps(report.as_dict(), allow_nan=False)


def test_episodes_are_encoded_as_the_models_own_featurizer_does(measured, sessions):
    policies, data, baselines = measured
    assert (
        evaluate(policies, sessions[4:], baselines).human_nll
        == evaluate_on(policies, data, [4, 5], baselines, PPOConfig()).human_nll
    )


def test_a_policy_that_decides_as_recorded_returns_what_was_recorded(measured, sessions):
    """Importance weights are then all 1."""
    policies, _, baselines = measured
    data = build_dataset(sessions, policies.featurizer)
    policies.initialise_assistant(baselines.behaviour.decision_log_prior(), 0)
    from training.networks.predictions import Predictor

    steps = data.select_episodes(range(6), is_human=False)
    answers = Predictor(policies.assistant, policies.featurizer, legal_only=True).predict(data.encoded, steps)
    told = replace(data.steps, log_decision=data.steps.log_decision.clone(), log_line=data.steps.log_line.clone())
    own = ~told.is_human
    told.log_decision[own], told.log_line[own] = answers.decision(steps), answers.line
    report = evaluate_on(policies, replace(data, steps=told), range(6), baselines, PPOConfig())
    assert report.assistant_return.mean == pytest.approx(report.recorded_return.mean, abs=1e-5)
    assert report.effective_sample_size == pytest.approx(1.0)


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
    assert tuple(validation(evaluate_on(policies, data, [4, 5], baselines, PPOConfig()))) == VALIDATION
    assert validation(None) == dict.fromkeys(VALIDATION)


def test_minibatches_hold_every_row_once_and_hardly_any_padding():
    lengths = torch.randint(1, 200, (500,), generator=torch.Generator().manual_seed(0))
    batches = bucketed(lengths, 16, generator("order"))
    assert sorted(torch.cat(batches).tolist()) == list(range(500))
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    assert padded < 1.15 * int(lengths.sum())


def test_orders_follow_from_their_seed():
    lengths = torch.arange(50)
    seeds = ((0, "bc", 1), (0, "bc", 1), (0, "bc", 2))
    orders = [torch.cat(bucketed(lengths, 8, generator(*parts))).tolist() for parts in seeds]
    assert orders[0] == orders[1] != orders[2]
    assert derived_seed(1, "a") != derived_seed("1a") and 0 <= derived_seed("x") < 2**63
