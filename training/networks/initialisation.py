"""Where fresh networks begin: at what counting and a linear fit say of the recordings.

A few sessions hold too few steps for a network to learn the plain facts from noise: how often each decision is taken,
how it depends on what was just done, which decisions are kept. These have closed or convex fits, drawn towards less
specific ones by a ridge; the network begins there and only has to learn what is left. Not here: loaded networks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from actions import EXPLAIN, Decision
from config import N_DECISIONS
from featurizers.history import SUMMARY
from models import Policy
from models.policy import LOGIT_BIAS_ROWS, Head
from training.data.transitions import Dataset, TransitionTable

RIDGE = 1.0
"""Strength of the ridge: about the steps of a kind that it takes to move a logit half of the way."""

KEPT_RIDGE = 16.0
"""Strength of the ridge for shares retained, of which a few sessions hold a handful for each decision."""

PRIOR_COUNT = 8.0
"""Decisions that the overall share retained counts for in the share of a kind, and that in each decision's own."""

KINDS = (
    (Decision.FILL_PARTIAL_LINE, Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE),
    (Decision.EDIT_EXISTING_LINES,),
    EXPLAIN,
)
"""Decisions that a person keeps or takes back alike, until their own numbers say more: writing, editing, explaining."""

ITERATIONS = 300

CONVERGED = 1e-12
"""The largest change of a weight at which a fit ends sooner: no weight of single precision moves any more."""


def class_prior(steps: TransitionTable) -> Tensor:
    """Log-probabilities `(7,)` of the human's decisions by counting, one added to each count."""
    return log_class_frequencies(steps.decision[steps.is_human & steps.trainable])


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

    def ascent(weights: Tensor) -> Tensor:
        return x.T @ (target - (prior + x @ weights).softmax(1)) - RIDGE * weights

    return _maximise(ascent, curvature, N_DECISIONS).T.float()


def ridge_logistic_fit(features: Tensor, shares: Tensor, offset: float) -> Tensor:
    """Weights `(D,)` of a ridge-regularised logistic regression of shares `(N,)` in [0, 1] on features `(N, D)`.

    The logit is `offset + features @ weights`; solved as `ridge_softmax_fit`, with the curvature bound 1 / 4.
    """
    x, target = features.double(), shares.double()
    curvature = torch.linalg.cholesky(x.T @ x / 4 + KEPT_RIDGE * torch.eye(x.shape[1], dtype=x.dtype))

    def ascent(weights: Tensor) -> Tensor:
        return x.T @ (target - (offset + x @ weights[:, 0]).sigmoid())[:, None] - KEPT_RIDGE * weights

    return _maximise(ascent, curvature, 1)[:, 0].float()


def _maximise(ascent: Callable[[Tensor], Tensor], curvature: Tensor, outputs: int) -> Tensor:
    """Weights `(D, outputs)` at which the gradient is zero. curvature: Cholesky factor `(D, D)` of its bound."""
    weights = torch.zeros(len(curvature), outputs, dtype=curvature.dtype)
    for _ in range(ITERATIONS):
        step = torch.cholesky_solve(ascent(weights), curvature)
        weights += step
        if float(step.abs().max()) < CONVERGED:
            break
    return weights


@torch.no_grad()
def initialise_human_policy(policy: Policy, data: Dataset, steps: TransitionTable, returns: Tensor) -> None:
    """Sets a fresh policy's biases and tilt from steps of both agents `(N,)` and their returns `(N,)`."""
    history = _history(data, steps)
    by_human, has_reply = steps.is_human & steps.trainable, steps.next_human >= 0
    prior = class_prior(steps)
    policy.set_decision_prior(prior)
    _fit_tilt(policy, "action", history[by_human], steps.decision[by_human], prior)
    reply_prior = log_class_frequencies(steps.next_human[has_reply])
    policy.set_human_prior(reply_prior)
    _fit_tilt(policy, "human", history[has_reply], steps.next_human[has_reply], reply_prior)
    policy.value_head.last.bias.fill_(float(returns.mean()))
    policy.goal_head.last.bias.copy_(steps.goal.mean(0))
    initialise_retention_head(policy, data, steps)


@torch.no_grad()
def initialise_retention_head(policy: Policy, data: Dataset, steps: TransitionTable) -> None:
    """Sets a fresh p(kept) head: each decision's share retained, drawn towards those of its kind and of all, tilted by
    the history."""
    if policy.kept_head is None:
        return
    steps = steps.select(steps.has_retention)
    history = _history(data, steps)
    overall = steps.retained.mean() if len(steps) else torch.tensor(0.5)
    for kind in KINDS:
        kind_share = _shrunk_mean(steps.retained[torch.isin(steps.decision, torch.tensor(kind))], overall)
        for decision in kind:
            of_decision = steps.decision == decision
            retained = steps.retained[of_decision]
            offset = float(torch.logit(_shrunk_mean(retained, kind_share), eps=0.01))
            policy.kept_head.last.bias[decision] = offset
            if policy.tilt is not None:
                row = LOGIT_BIAS_ROWS["kept"].start + decision
                policy.tilt.weight[row] = ridge_logistic_fit(history[of_decision], retained, offset)


def _history(data: Dataset, steps: TransitionTable) -> Tensor:
    """Summaries `(N, 31)` of what the assistant tried before each step."""
    return torch.from_numpy(data.encoded.history)[steps.state_index, SUMMARY]


def _fit_tilt(policy: Policy, head: Head, history: Tensor, decisions: Tensor, prior: Tensor) -> None:
    """Sets how the history tilts a head's decisions; without any decision, or without a tilt, nothing."""
    if policy.tilt is not None and len(decisions):
        policy.tilt.weight[LOGIT_BIAS_ROWS[head]] = ridge_softmax_fit(history, decisions, prior)


def _shrunk_mean(shares: Tensor, prior: Tensor) -> Tensor:
    """Mean of shares `(N,)`, drawn towards a prior."""
    return (shares.sum() + PRIOR_COUNT * prior) / (len(shares) + PRIOR_COUNT)
