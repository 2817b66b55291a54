"""Where fresh networks begin: at what counting and a linear fit say of the recordings.

A few sessions hold too few steps for a network to learn the plain facts from noise: how often each decision is taken,
how it depends on what was just done, which decisions are kept. These have closed or convex fits, drawn towards less
specific ones by a ridge; the network begins there and only has to learn what is left. Not here: loaded networks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from actions import EXPLAIN, Decision
from config import N_DECISIONS
from featurizers.history import SUMMARY_DIM
from models import Policy
from training.data.transitions import Dataset, TransitionTable

RIDGE = 1.0
"""Strength of the ridge: about the steps of a kind that it takes to move a logit half of the way."""

KEPT_RIDGE = 16.0
"""The same for shares kept, of which a few sessions hold a handful for each decision."""

PRIOR_COUNT = 8.0
"""Decisions that the overall share kept counts for in the share of a kind, and that share in each decision's own."""

KINDS = (
    (Decision.FILL_PARTIAL_LINE, Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE),
    (Decision.EDIT_EXISTING_LINES,),
    EXPLAIN,
)
"""Decisions that a person keeps or takes back alike, until their own numbers say more: writing, editing, explaining."""

ITERATIONS = 300


def class_prior(steps: TransitionTable) -> Tensor:
    """Log-probabilities `(7,)` of the human's decisions by counting, one added to each count."""
    return log_class_frequencies(steps.decision[steps.is_human])


def log_class_frequencies(decisions: Tensor) -> Tensor:
    """Log-probabilities `(7,)` of decisions `(N,)`, one added to each count."""
    counts = torch.bincount(decisions, minlength=N_DECISIONS) + 1.0
    return (counts / counts.sum()).log()


def ridge_softmax_fit(features: Tensor, decisions: Tensor, prior: Tensor) -> Tensor:
    """Weights `(7, D)` of a ridge-regularised softmax regression of decisions `(N,)` on features `(N, D)`.

    The logits are `prior (7,) + features @ weights.T`. Solved by the lower-bound method, whose curvature bound
    (I - 1 1' / 7) / 2 is the same in every step (Boehning 1992, Multinomial logistic regression algorithm).
    """
    x, target = features.double(), torch.nn.functional.one_hot(decisions, N_DECISIONS).double()
    curvature = torch.linalg.cholesky(x.T @ x / 2 + RIDGE * torch.eye(x.shape[1], dtype=x.dtype))
    weights = torch.zeros(x.shape[1], N_DECISIONS, dtype=x.dtype)
    for _ in range(ITERATIONS):
        gradient = x.T @ (target - (prior + x @ weights).softmax(1)) - RIDGE * weights
        weights += torch.cholesky_solve(gradient, curvature)
    return weights.T.float()


def ridge_logistic_fit(features: Tensor, shares: Tensor, offset: float) -> Tensor:
    """Weights `(D,)` of a ridge-regularised logistic regression of shares `(N,)` in [0, 1] on features `(N, D)`.

    The logit is `offset + features @ weights`; the same method, with the curvature bound 1 / 4.
    """
    x, target = features.double(), shares.double()
    curvature = torch.linalg.cholesky(x.T @ x / 4 + KEPT_RIDGE * torch.eye(x.shape[1], dtype=x.dtype))
    weights = torch.zeros(x.shape[1], 1, dtype=x.dtype)
    for _ in range(ITERATIONS):
        gradient = x.T @ (target - (offset + x @ weights[:, 0]).sigmoid())[:, None] - KEPT_RIDGE * weights
        weights += torch.cholesky_solve(gradient, curvature)
    return weights[:, 0].float()


@torch.no_grad()
def initialise_human_policy(policy: Policy, data: Dataset, steps: TransitionTable, returns: Tensor) -> None:
    """Sets a fresh policy's biases and tilt from steps of both agents `(N,)` and their returns `(N,)`."""
    history = torch.from_numpy(data.encoded.history)[steps.state_index, :SUMMARY_DIM]
    answered = steps.next_human >= 0
    for first, chosen, decisions in ((0, steps.is_human, steps.decision), (7, answered, steps.next_human)):
        prior = log_class_frequencies(decisions[chosen])
        (policy.set_human_prior if first else policy.set_decision_prior)(prior)
        if policy.tilt is not None and chosen.any():
            policy.tilt.weight[first : first + N_DECISIONS] = ridge_softmax_fit(
                history[chosen], decisions[chosen], prior
            )
    policy.value_head.last.bias.fill_(float(returns.mean()))
    policy.goal_head.last.bias.copy_(steps.goal.mean(0))
    initialise_retention_head(policy, data, steps)


@torch.no_grad()
def initialise_retention_head(policy: Policy, data: Dataset, steps: TransitionTable) -> None:
    """Sets a fresh p(kept) head: each decision's share kept, drawn towards those of its kind and of all, tilted by the
    history."""
    if policy.kept_head is None:
        return
    history = torch.from_numpy(data.encoded.history)[steps.state_index, :SUMMARY_DIM]
    known = ~steps.is_human & steps.trainable & ~steps.retained.isnan()
    overall = steps.retained[known].mean() if known.any() else torch.tensor(0.5)
    for kind in KINDS:
        of_kind = _share(steps.retained[known & torch.isin(steps.decision, torch.tensor(kind))], overall)
        for decision in kind:
            here = known & (steps.decision == decision)
            offset = float(torch.logit(_share(steps.retained[here], of_kind), eps=0.01))
            policy.kept_head.last.bias[decision] = offset
            if policy.tilt is not None:
                tilt = ridge_logistic_fit(history[here], steps.retained[here], offset)
                policy.tilt.weight[2 * N_DECISIONS + decision] = tilt


def _share(kept: Tensor, prior: Tensor) -> Tensor:
    """Mean of the shares `(N,)`, drawn towards a prior."""
    return (kept.sum() + PRIOR_COUNT * prior) / (len(kept) + PRIOR_COUNT)
