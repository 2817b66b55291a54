"""What policies do on sessions that they have not learned from, with standard errors. Not here: what follows from it.

Decisions of one session are alike, so every standard error is clustered by session: with session sums u_s of the
influence of each step on a ratio m = sum(x) / sum(w), se^2 = S / (S - 1) * sum u_s^2 / sum(w)^2, u = x - m w
(Liang and Zeger 1986, for a ratio of means).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from config import PPOConfig, RewardWeights
from featurizers import Featurizer
from models import Policy
from state_adapter import Episode
from training.data import behaviour_policy, transitions
from training.data.behaviour_policy import BehaviourPolicy
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.importance import effective_sample_size
from training.losses.returns import returns_to_go
from training.networks.initialisation import class_prior
from training.networks.predictions import PolicyPredictions, Predictor

BINS = 10
"""Of equal width, in which calibration is measured."""

VALIDATION = (
    "val_return", "val_return_error", "val_recorded_return", "val_effective_sample_size", "val_no_op_share",
    "val_kept_brier", "val_base_brier", "val_calibration_error", "val_value_error",
)  # fmt: skip
"""Keys of `validation`."""


class EvaluatedNetworks(Protocol):
    """Whatever holds the three networks: `models.Models`, `training.networks.training_networks.TrainingNetworks`."""

    @property
    def human(self) -> Policy: ...
    @property
    def assistant(self) -> Policy: ...
    @property
    def featurizer(self) -> Featurizer: ...


@dataclass(frozen=True)
class Baselines:
    """What policies are compared with, by counting in sessions that they may learn from.

    prior `(7,)`: log-probabilities of the human's decisions, one added to each count. behaviour: who decided for the
    assistant during the recording. kept: mean share kept.
    """

    prior: Tensor
    behaviour: BehaviourPolicy
    kept: float

    @classmethod
    def of(cls, steps: TransitionTable) -> Baselines:
        known = steps.retained[~steps.is_human & ~steps.retained.isnan()]
        kept = float(known.mean()) if len(known) else 0.5
        legal = steps.select(~steps.is_human & steps.trainable)
        return cls(class_prior(steps), behaviour_policy.fit_behaviour_policy(legal.choices), kept)


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error over sessions; None: nothing to measure it on, or a single session."""

    mean: float | None
    error: float | None

    def as_dict(self) -> dict[str, float | None]:
        return {"mean": self.mean, "error": self.error}


@dataclass(frozen=True)
class Reliability:
    """One bin of predicted shares: how many, mean predicted, mean kept."""

    count: int
    predicted: float
    kept: float


@dataclass(frozen=True)
class Report:
    """Measured on some sessions. NLL in nats a decision, returns in reward a decision.

    human_accuracy, human_nll, line_nll: of the human's decisions, of the line given the decision; prior_nll: of the
    class prior; nll_gain: prior_nll - human_nll, paired.
    assistant_return: expected reward of a decision, from the recorded ones weighted by pi / b (each at most `cap`,
    self-normalised); recorded_return: of those that recorded; return_gain: the difference, paired.
    effective_sample_size: share of the sample that the weights leave. no_op_share: mean probability of NO-OP.
    kept_brier, base_brier: squared error of p(kept), of the training sessions' base rate; kept_gain: the difference.
    calibration_error: mean |predicted - kept| over the bins of `reliability`. value_error: root mean square error.
    sessions, session_nll, session_return: ids, and per session the human's NLL and the assistant's return (NaN: none).
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

    def as_dict(self) -> dict[str, object]:
        """The same in plain JSON types."""
        plain: dict[str, object] = {}
        for name, value in vars(self).items():
            if isinstance(value, Estimate):
                plain[name] = value.as_dict()
            elif name == "reliability":
                plain[name] = [dict(vars(one)) for one in value]
            elif isinstance(value, tuple):
                plain[name] = [None if isinstance(one, float) and math.isnan(one) else one for one in value]
            else:
                plain[name] = value
        return plain


def evaluate(
    models: EvaluatedNetworks, episodes: Sequence[Episode], baselines: Baselines, *,
    weights: RewardWeights | None = None, ppo: PPOConfig | None = None,
) -> Report:  # fmt: skip
    """Measures the models on episodes, encoded as their own featurizer encodes."""
    data = transitions.build_dataset(episodes, models.featurizer, weights)
    return evaluate_on(models, data, range(len(episodes)), baselines, ppo or PPOConfig())


def evaluate_on(
    models: EvaluatedNetworks, data: Dataset, episodes: Sequence[int], baselines: Baselines, ppo: PPOConfig, *,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> Report:  # fmt: skip
    """The same on episodes of a data set that is there already. Collective, if there are several processes."""
    both = data.select_episodes(episodes)
    human, assistant = both.select(both.is_human), both.select(~both.is_human)
    hers = Predictor(models.human, models.featurizer, legal_only=False, distributed=distributed).predict(
        data.encoded, human
    )
    its = Predictor(models.assistant, models.featurizer, legal_only=True, distributed=distributed).predict(
        data.encoded, assistant
    )
    nll, prior_nll = -hers.decision(human), -baselines.prior[human.decision]
    placed = human.trainable & (human.decision > 0)
    importance, log_weights = _importance(assistant, its, baselines.behaviour, ppo.importance_cap)
    learn = assistant.trainable.float()
    returned = mean(assistant.reward, assistant.episode, importance)
    recorded = mean(assistant.reward, assistant.episode, learn)
    known = ~assistant.retained.isnan()
    kept, kept_episode = assistant.retained[known], assistant.episode[known]
    predicted = its.retention_logit[known].sigmoid()
    brier, base = (predicted - kept).square(), (baselines.kept - kept).square()
    returns = returns_to_go(both, ppo.gamma)[~both.is_human]
    sessions = sorted(set(episodes))
    return Report(
        human_accuracy=mean((hers.decisions.argmax(1) == human.decision).float(), human.episode),
        human_nll=mean(nll, human.episode),
        line_nll=mean(-hers.line, human.episode, placed.float()),
        prior_nll=mean(prior_nll, human.episode),
        nll_gain=mean(prior_nll - nll, human.episode),
        assistant_return=returned,
        recorded_return=recorded,
        return_gain=_gain(assistant, importance, learn),
        effective_sample_size=effective_sample_size(log_weights) if len(log_weights) else None,
        no_op_share=mean(its.decisions[:, 0].exp(), assistant.episode),
        kept_brier=mean(brier, kept_episode),
        base_brier=mean(base, kept_episode),
        kept_gain=mean(base - brier, kept_episode),
        calibration_error=calibration_error(reliability(predicted, kept)),
        reliability=reliability(predicted, kept),
        value_error=float((its.value - returns).square().mean().sqrt()) if len(returns) else None,
        value_spread=float(returns.std()) if len(returns) > 1 else None,
        sessions=tuple(data.ids[i] for i in sessions),
        session_nll=_per_session(nll, torch.ones(len(nll)), human.episode, sessions),
        session_return=_per_session(assistant.reward, importance, assistant.episode, sessions),
    )


def validation(report: Report | None) -> dict[str, float | None]:
    """What an epoch of the assistant's phases logs of a report; None: no session is held out."""
    if report is None:
        return dict.fromkeys(VALIDATION)
    numbers = (
        report.assistant_return.mean, report.assistant_return.error, report.recorded_return.mean,
        report.effective_sample_size, report.no_op_share.mean, report.kept_brier.mean, report.base_brier.mean,
        report.calibration_error, report.value_error,
    )  # fmt: skip
    return dict(zip(VALIDATION, numbers, strict=True))


def mean(values: Tensor, session: Tensor, weights: Tensor | None = None) -> Estimate:
    """Weighted mean of `values (N,)` and its standard error, clustered by `session (N,)`."""
    weights = torch.ones(len(values)) if weights is None else weights
    total = float(weights.double().sum())
    if total <= 0:
        return Estimate(None, None)
    centre = float((values.double() * weights).sum()) / total
    return Estimate(centre, _clustered((values.double() - centre) * weights / total, session))


def _clustered(influence: Tensor, session: Tensor) -> float | None:
    """Standard error from the influence of each step `(N,)`."""
    _, cluster = torch.unique(session, return_inverse=True)
    count = int(cluster.max()) + 1
    if count < 2:
        return None
    sums = torch.zeros(count, dtype=torch.float64).index_add(0, cluster, influence.double())
    return math.sqrt(float(sums.square().sum()) * count / (count - 1))


def _gain(steps: TransitionTable, importance: Tensor, learn: Tensor) -> Estimate:
    """Weighted mean reward minus plain mean reward, with the error of their difference."""
    if not learn.sum():
        return Estimate(None, None)
    influence = torch.zeros(len(steps), dtype=torch.float64)
    centres = []
    for weights, sign in ((importance, 1), (learn, -1)):
        share = weights.double() / weights.double().sum()
        centre = float((share * steps.reward).sum())
        centres.append(centre)
        influence += sign * share * (steps.reward - centre)
    return Estimate(centres[0] - centres[1], _clustered(influence, steps.episode))


def _importance(
    steps: TransitionTable, answers: PolicyPredictions, behaviour: BehaviourPolicy, cap: float
) -> tuple[Tensor, Tensor]:
    """Clipped weights pi / b `(N,)`, 0 for steps that were not legal; and the log of the others, not clipped."""
    decision, line = steps.behaviour_log_probs(behaviour)
    off_decision = torch.where(steps.trainable, answers.decision(steps) - decision, 0.0)
    off_line = torch.where(steps.trainable, answers.line - line, 0.0)
    limit = math.log(cap)
    clipped = (off_decision.clamp(max=limit) + off_line.clamp(max=limit)).exp()
    return torch.where(steps.trainable, clipped, 0.0), (off_decision + off_line)[steps.trainable]


def reliability(predicted: Tensor, kept: Tensor) -> tuple[Reliability, ...]:
    """Predictions `(N,)` in `BINS` bins of equal width, empty ones left out."""
    bins = (predicted * BINS).long().clamp(max=BINS - 1)
    return tuple(
        Reliability(int(here.sum()), float(predicted[here].mean()), float(kept[here].mean()))
        for here in (bins == i for i in range(BINS))
        if here.any()
    )


def calibration_error(bins: Sequence[Reliability]) -> float | None:
    """Expected calibration error: mean |predicted - kept| over predictions; None without any."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.predicted - one.kept) for one in bins) / total if total else None


def _per_session(values: Tensor, weights: Tensor, session: Tensor, sessions: Sequence[int]) -> tuple[float, ...]:
    found = []
    for one in sessions:
        here = session == one
        total = float(weights[here].sum())
        found.append(float((values[here] * weights[here]).sum()) / total if total > 0 else math.nan)
    return tuple(found)
