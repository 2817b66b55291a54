"""With which probability the recorded decisions were taken, where the recording does not say.

A model of whoever decided during the recording, fitted by counting. It is the denominator of PPO's ratio, so it is
smooth and gives every legal choice some probability. Not here: the policies that learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from actions import ANYWHERE, AT_CURSOR
from config import N_DECISIONS

LINE_KINDS = 10
"""Kinds of a line: five places relative to the cursor's last known line (on it, up to 3 above, up to 3 below, further
above, further below; no cursor: all further below), times blank or not."""


def luce_weights(available: Tensor, chosen: Tensor, prior: Tensor, strength: float = 2.0) -> Tensor:
    """Weights `(K,)`, mean 1, of kinds of options such that p(kind) = available * weight / sum over kinds.

    The maximum of the likelihood under Gamma priors whose modes are `prior` (Luce's choice axiom; Hunter 2004, MM
    algorithms for generalized Bradley-Terry models; Caron and Doucet 2012 for the prior).

    available: `(N, K)`, how many options of each kind each choice offered. chosen: `(N,)` kinds. prior: `(K,)` > 0.
    strength: choices that the prior counts for, per kind.
    """
    if not len(chosen):
        return prior / prior.mean()
    counts = torch.bincount(chosen, minlength=len(prior)).double()
    available, prior = available.double(), prior.double()
    weights = prior
    for _ in range(50):
        offered = (available / (available @ weights).clamp(min=1e-12)[:, None]).sum(0)
        weights = (counts + strength) / (offered + strength / prior)
        weights = weights / weights.mean()
    return weights.float()


@dataclass(frozen=True)
class ChoiceSets:
    """The decisions and lines that could be chosen at each transition, and those that were.

    decisions `(N, 7)` bool: legal somewhere. decision `(N,)`. lines `(N, LINE_KINDS)`: how many lines of each kind
    `decision` is legal on. line_kind `(N,)`: of the line chosen, -1 where none was.
    """

    decisions: Tensor
    decision: Tensor
    lines: Tensor
    line_kind: Tensor

    def __getitem__(self, rows: Tensor) -> ChoiceSets:
        return ChoiceSets(self.decisions[rows], self.decision[rows], self.lines[rows], self.line_kind[rows])


@dataclass(frozen=True)
class BehaviourPolicy:
    """How probable each decision is among the legal ones, and each kind of line given it.

    decision_weights `(7,)`, line_weights `(7, LINE_KINDS)`: in proportion to the probability of one option.
    """

    decision_weights: Tensor
    line_weights: Tensor

    def log_probs(self, choices: ChoiceSets) -> tuple[Tensor, Tensor]:
        """log p(decision) and log p(line | decision), `(N,)` each; the latter 0 where no line was chosen."""
        rows = torch.arange(len(choices.decision))
        weights = choices.decisions * self.decision_weights
        decision = (weights[rows, choices.decision] / weights.sum(1)).clamp(min=1e-6).log()
        line_weights = self.line_weights[choices.decision]
        total = (choices.lines * line_weights).sum(1).clamp(min=1e-12)
        line = (line_weights[rows, choices.line_kind.clamp(min=0)] / total).clamp(1e-6, 1.0).log()
        return decision, torch.where(choices.line_kind < 0, 0.0, line)

    def decision_log_prior(self) -> Tensor:
        """`(7,)` log-probabilities where everything is legal: where a policy may start so that ratios are near 1."""
        return (self.decision_weights / self.decision_weights.sum()).log()


def fit_behaviour_policy(choices: ChoiceSets) -> BehaviourPolicy:
    """Counts of the decision among the legal ones, then of the line among those legal for it.

    Lines of decisions bound to the cursor and of those free to go anywhere are counted apart, each shrunk towards all.
    """
    decisions = luce_weights(choices.decisions.float(), choices.decision, torch.ones(N_DECISIONS))
    chose = choices.line_kind >= 0
    shared = luce_weights(choices.lines[chose], choices.line_kind[chose], torch.ones(LINE_KINDS))
    lines = shared.repeat(N_DECISIONS, 1)
    for group in (AT_CURSOR, ANYWHERE):
        rows = chose & torch.isin(choices.decision, torch.tensor(group))
        lines[list(group)] = luce_weights(choices.lines[rows], choices.line_kind[rows], shared)
    return BehaviourPolicy(decisions, lines)
