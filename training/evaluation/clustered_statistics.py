"""Means over decisions, with standard errors that know that decisions of one session are alike.

Every standard error is clustered by session: with session sums u_s of the influence of each step on a ratio
m = sum(x) / sum(w), se^2 = S / (S - 1) * sum u_s^2 / sum(w)^2, u = x - m w (Liang and Zeger 1986, for a ratio of
means). Not here: what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error over sessions; None: nothing to measure it on, or a single session."""

    mean: float | None
    error: float | None


def clustered_mean(values: Tensor, session: Tensor, weights: Tensor | None = None) -> Estimate:
    """Weighted mean of `values (N,)` and its standard error, clustered by `session (N,)`; weights: by default 1."""
    weights = torch.ones(len(values)) if weights is None else weights
    total = float(weights.double().sum())
    if total <= 0:
        return Estimate(None, None)
    mean = float((values.double() * weights).sum()) / total
    return Estimate(mean, _standard_error((values.double() - mean) * weights / total, session))


def clustered_difference(values: Tensor, session: Tensor, weights: Tensor, baseline: Tensor) -> Estimate:
    """Mean of `values (N,)` with `weights (N,)` minus that with `baseline (N,)`, and the error of the difference."""
    if not baseline.sum():
        return Estimate(None, None)
    mean, influence = _mean_and_influence(values, weights)
    baseline_mean, baseline_influence = _mean_and_influence(values, baseline)
    return Estimate(mean - baseline_mean, _standard_error(influence - baseline_influence, session))


def session_means(values: Tensor, weights: Tensor, session: Tensor, sessions: Sequence[int]) -> tuple[float, ...]:
    """Weighted mean of `values (N,)` in each of some sessions; NaN where nothing counts."""
    means = []
    for index in sessions:
        in_session = session == index
        total = float(weights[in_session].sum())
        weighted_sum = float((values[in_session] * weights[in_session]).sum())
        means.append(weighted_sum / total if total > 0 else math.nan)
    return tuple(means)


def _mean_and_influence(values: Tensor, weights: Tensor) -> tuple[float, Tensor]:
    """Weighted mean of `values (N,)`, and each step's influence on it `(N,)`."""
    shares = weights.double() / weights.double().sum()
    mean = float((shares * values).sum())
    return mean, shares * (values - mean)


def _standard_error(influence: Tensor, session: Tensor) -> float | None:
    """From the influence of each step `(N,)` on an estimate."""
    _, cluster = torch.unique(session, return_inverse=True)
    count = int(cluster.max()) + 1
    if count < 2:
        return None
    sums = torch.zeros(count, dtype=torch.float64).index_add(0, cluster, influence.double())
    return math.sqrt(float(sums.square().sum()) * count / (count - 1))
