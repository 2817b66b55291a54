"""What policies do on sessions that they have not learned from, with standard errors over sessions.

Not here: the statistics (`clustered_statistics.py`, `calibration.py`), what follows from it (`promotion.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from config import PPOConfig, RewardWeights
from models import Networks
from models.reviewer import Reviewer
from state_adapter import Episode
from strict_json import finite_or_null
from training.data import transitions
from training.data.behaviour_policy import BehaviourPolicy, fit_behaviour_policy
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.evaluation.calibration import Reliability, calibration_error, reliability
from training.evaluation.clustered_statistics import Estimate, clustered_difference, clustered_mean, session_means
from training.losses.importance import importance_weights
from training.losses.returns import returns_to_go
from training.networks.initialisation import class_prior
from training.networks.predictions import PolicyPredictions, Predictor

VALIDATION_KEYS = (
    "val_return", "val_return_error", "val_recorded_return", "val_effective_sample_size", "val_no_op_share",
    "val_kept_brier", "val_base_brier", "val_calibration_error", "val_value_error",
)  # fmt: skip
"""Keys of `validation_metrics`."""


@dataclass(frozen=True)
class Baselines:
    """What policies are compared with, by counting in sessions that they may learn from.

    prior `(7,)`: log-probabilities of the human's decisions, one added to each count. behaviour: who decided for the
    assistant during the recording. retained_share: mean share of what it wrote that was retained.
    """

    prior: Tensor
    behaviour: BehaviourPolicy
    retained_share: float

    @classmethod
    def from_steps(cls, steps: TransitionTable) -> Baselines:
        retained = steps.retained[steps.has_retention]
        legal = steps.select(~steps.is_human & steps.trainable)
        retained_share = float(retained.mean()) if len(retained) else 0.5
        return cls(class_prior(steps), fit_behaviour_policy(legal.choices), retained_share)


@dataclass(frozen=True)
class Report:
    """Measured on some sessions. NLL in nats a decision, returns in reward a decision. Decisions outside the network's
    window, and illegal ones of the assistant, count nowhere.

    human_accuracy, human_nll, line_nll: of the human's decisions, of the line given the decision; prior_nll: of the
    class prior; nll_gain: prior_nll - human_nll, paired.
    assistant_return: expected reward of a decision, from the recorded ones weighted by pi / b (each at most `cap`,
    self-normalised); recorded_return: of those that recorded; return_gain: the difference, paired.
    effective_sample_size: share of the sample that the weights leave. no_op_share: mean probability of NO-OP.
    kept_brier, base_brier: squared error of p(kept), of the training sessions' base rate; kept_gain: the difference.
    calibration_error: mean |predicted - observed| over the bins of `reliability`. value_error: root mean square error;
    value_spread: standard deviation of the returns.
    sessions: ids; session_nll, session_return, session_kept_brier: of each session, NaN where there is nothing to
    measure it on.
    """

    human_accuracy: Estimate
    human_nll: Estimate
    line_nll: Estimate
    prior_nll: Estimate
    nll_gain: Estimate
    assistant_return: Estimate
    recorded_return: Estimate
    return_gain: Estimate
    effective_sample_size: float | None
    no_op_share: Estimate
    kept_brier: Estimate
    base_brier: Estimate
    kept_gain: Estimate
    calibration_error: float | None
    reliability: tuple[Reliability, ...]
    value_error: float | None
    value_spread: float | None
    sessions: tuple[str, ...]
    session_nll: tuple[float, ...]
    session_return: tuple[float, ...]
    session_kept_brier: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The report in plain JSON types; None where a session says nothing."""
        return {name: finite_or_null(value) for name, value in asdict(self).items()}


def evaluate(
    models: Networks, episodes: Sequence[Episode], baselines: Baselines, *,
    weights: RewardWeights | None = None, ppo: PPOConfig | None = None, reviewer: Reviewer | None = None,
) -> Report:  # fmt: skip
    """Measures the models on episodes, encoded as their own featurizer encodes.

    reviewer: the one that will serve; None: the one that recorded.
    """
    data = transitions.build_dataset(episodes, models.featurizer, weights, reviewer=reviewer)
    return evaluate_dataset(models, data, range(len(episodes)), baselines, ppo or PPOConfig())


def evaluate_dataset(
    models: Networks, data: Dataset, episodes: Sequence[int], baselines: Baselines, ppo: PPOConfig, *,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> Report:  # fmt: skip
    """Measures the models on some episodes of a data set. Collective, if there are several processes."""
    sessions = sorted(set(episodes))
    steps = data.select_episodes(sessions)
    human, assistant = steps.select(steps.is_human & steps.trainable), steps.select(~steps.is_human)
    human_predictor = Predictor(models.human, models.featurizer, legal_only=False, distributed=distributed)
    assistant_predictor = Predictor(models.assistant, models.featurizer, legal_only=True, distributed=distributed)
    predictions = assistant_predictor.predict(data.encoded, assistant)
    predicts_kept = models.assistant.config.predict_kept
    return Report(
        **_human_metrics(human, human_predictor.predict(data.encoded, human), baselines, sessions),
        **_return_metrics(assistant, predictions, baselines, ppo.importance_cap, sessions),
        **_retention_metrics(assistant, predictions, baselines, sessions, predicted=predicts_kept),
        **_value_metrics(predictions, returns_to_go(steps, ppo.gamma)[~steps.is_human]),
        no_op_share=clustered_mean(predictions.decisions[:, 0].exp(), assistant.episode),
        sessions=tuple(data.ids[i] for i in sessions),
    )


def validation_metrics(report: Report | None) -> dict[str, float | None]:
    """What an epoch of the assistant's phases logs of a report; None: no session is held out."""
    if report is None:
        return dict.fromkeys(VALIDATION_KEYS)
    metrics = (
        report.assistant_return.mean, report.assistant_return.error, report.recorded_return.mean,
        report.effective_sample_size, report.no_op_share.mean, report.kept_brier.mean, report.base_brier.mean,
        report.calibration_error, report.value_error,
    )  # fmt: skip
    return dict(zip(VALIDATION_KEYS, metrics, strict=True))


def _human_metrics(
    steps: TransitionTable, predictions: PolicyPredictions, baselines: Baselines, sessions: Sequence[int]
) -> dict[str, Any]:
    session = steps.episode
    correct = predictions.decisions.argmax(1) == steps.decision
    nll, prior_nll = -predictions.decision(steps), -baselines.prior[steps.decision]
    has_line = (steps.line_trainable & (steps.decision > 0)).float()
    return {
        "human_accuracy": clustered_mean(correct.float(), session),
        "human_nll": clustered_mean(nll, session),
        "line_nll": clustered_mean(-predictions.line, session, has_line),
        "prior_nll": clustered_mean(prior_nll, session),
        "nll_gain": clustered_mean(prior_nll - nll, session),
        "session_nll": session_means(nll, torch.ones(len(nll)), session, sessions),
    }


def _return_metrics(
    steps: TransitionTable, predictions: PolicyPredictions, baselines: Baselines, cap: float, sessions: Sequence[int]
) -> dict[str, Any]:
    importance = importance_weights(steps, predictions, baselines.behaviour, cap)
    trainable = steps.trainable.float()
    weights = importance.clipped * trainable
    return {
        "assistant_return": clustered_mean(steps.reward, steps.episode, weights),
        "recorded_return": clustered_mean(steps.reward, steps.episode, trainable),
        "return_gain": clustered_difference(steps.reward, steps.episode, weights, trainable),
        "effective_sample_size": importance.effective_sample_size if steps.trainable.any() else None,
        "session_return": session_means(steps.reward, weights, steps.episode, sessions),
    }


def _retention_metrics(
    steps: TransitionTable,
    predictions: PolicyPredictions,
    baselines: Baselines,
    sessions: Sequence[int],
    *,
    predicted: bool,
) -> dict[str, Any]:
    """predicted: whether the policy says anything of p(kept); without, only the base rate is measured."""
    has_target = steps.has_retention
    retained, session = steps.retained[has_target], steps.episode[has_target]
    base_brier = (baselines.retained_share - retained).square()
    probability = predictions.retention_logit[has_target].sigmoid()
    measured = torch.full((len(retained),), float(predicted))
    brier = (probability - retained).square()
    bins = reliability(zip(probability.tolist(), retained.tolist(), strict=True)) if predicted else ()
    return {
        "kept_brier": clustered_mean(brier, session, measured),
        "base_brier": clustered_mean(base_brier, session),
        "kept_gain": clustered_mean(base_brier - brier, session, measured),
        "calibration_error": calibration_error(bins),
        "reliability": bins,
        "session_kept_brier": session_means(brier, measured, session, sessions),
    }


def _value_metrics(predictions: PolicyPredictions, returns: Tensor) -> dict[str, Any]:
    squared_errors = (predictions.value - returns).square()
    return {
        "value_error": float(squared_errors.mean().sqrt()) if len(returns) else None,
        "value_spread": float(returns.std()) if len(returns) > 1 else None,
    }
