"""The distribution over pairs (decision, line). Not here: the network that scores them, the choice of one.

P(decision, line) = P(decision) P(line | decision). NO-OP has no line: it is one pair, kept at line 0 of its row.
A pair outside the support has probability exactly 0, and no gradient reaches or comes from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from actions import Decision
from config import N_DECISIONS

NO_OP = int(Decision.NO_OP)
Pooling = Literal["mean", "sum"]


@dataclass(frozen=True, slots=True)
class ActionDistribution:
    """B distributions over 7 decisions at L lines.

    decision_logits `(B, 7)`: pooled over the legal lines, -inf where legal nowhere. decision_log_probs `(B, 7)`.
    line_log_probs `(B, 7, L)`: log P(line | decision) where masked `(B, 7, L)` bool is False; what stands elsewhere,
    and in NO-OP's row, means nothing (`pair_log_probs` has -inf there).
    """

    decision_logits: Tensor
    decision_log_probs: Tensor
    line_log_probs: Tensor
    masked: Tensor

    @staticmethod
    def from_scores(
        scores: Tensor, legal: Tensor | None, mask: Tensor, pooling: Pooling = "mean"
    ) -> ActionDistribution:
        """The distribution that scores `(B, 7, L)` give on the legal pairs `(B, 7, L)` of the lines in mask `(B, L)`.

        legal: as `actions.legal` has it, NO-OP's row True at every line, nothing True at padding; None: every decision
        at every line (the human). pooling `mean`: a decision's logit is the logsumexp of its lines' scores minus the
        log of their number, so that a decision legal at many lines does not win by counting; `sum`: the logsumexp
        alone (imported models). In a file without lines NO-OP has probability 1.
        """
        support = mask[:, None].expand_as(scores) if legal is None else legal
        masked = ~support
        filled = scores.masked_fill(masked, torch.finfo(scores.dtype).min)
        lines = torch.log_softmax(filled, dim=2)
        logits = filled.amax(2) - lines.amax(2)  # the logsumexp, of which log_softmax has taken the difference
        count = support.sum(2)
        if pooling == "mean":
            logits = logits - count.log()  # infinite where the count is 0; the next line takes another value there
        logits = torch.where(count > 0, logits, _nowhere(scores.device, scores.dtype))
        return ActionDistribution(logits, torch.log_softmax(logits, dim=1), lines, masked)

    def with_decision_logits(self, logits: Tensor) -> ActionDistribution:
        """A copy with other decision logits `(7,)`; where a decision is legal nowhere -inf stays."""
        logits = torch.where(self.decision_logits == -torch.inf, -torch.inf, logits)
        return replace(self, decision_logits=logits, decision_log_probs=torch.log_softmax(logits, dim=1))

    def decision_log_prob(self, decision: Tensor) -> Tensor:
        """log P(decision) `(B,)`."""
        return self.decision_log_probs.gather(1, decision[:, None])[:, 0]

    def line_log_prob(self, decision: Tensor, line: Tensor) -> Tensor:
        """log P(line | decision) `(B,)`; 0 for NO-OP, for which `line` is ignored."""
        no_op = decision == NO_OP
        place = (torch.arange(len(decision), device=decision.device), decision, line.masked_fill(no_op, 0))
        log_prob = self.line_log_probs[place].masked_fill(self.masked[place], -torch.inf)
        return log_prob.masked_fill(no_op, 0.0)

    def log_prob(self, decision: Tensor, line: Tensor) -> Tensor:
        """log P(decision, line) `(B,)`."""
        return self.decision_log_prob(decision) + self.line_log_prob(decision, line)

    def pair_log_probs(self) -> Tensor:
        """log P of every pair `(B, 7, L)`, -inf outside the support; NO-OP's stands at `[:, 0, 0]`."""
        log_probs = (self.decision_log_probs[:, :, None] + self.line_log_probs).masked_fill(self.masked, -torch.inf)
        no_op = log_probs.select(1, NO_OP)
        no_op.fill_(-torch.inf)
        no_op.select(1, 0).copy_(self.decision_log_probs.select(1, NO_OP))
        return log_probs

    def entropy(self) -> Tensor:
        """Entropy over pairs in nats, `(B,)`."""
        log_p = self.pair_log_probs()
        return -(log_p.exp() * log_p.masked_fill(log_p == -torch.inf, 0.0)).sum((1, 2))

    def kl(self, other: ActionDistribution) -> Tensor:
        """KL(self || other) in nats, `(B,)`; infinite where `other` lacks a pair that self has."""
        log_p = self.pair_log_probs()
        difference = (log_p - other.pair_log_probs()).masked_fill(log_p == -torch.inf, 0.0)
        return (log_p.exp() * difference).sum((1, 2))

    def argmax(self) -> tuple[Tensor, Tensor]:
        """The most probable decision and then its most probable line, each `(B,)`; NO-OP has line -1.

        Of equals the first. It need not be the most probable pair: a decision's probability is shared by its lines.
        """
        decision = self.decision_logits.argmax(1)
        row = torch.arange(len(decision), device=decision.device), decision
        line = self.line_log_probs[row].masked_fill(self.masked[row], -torch.inf).argmax(1)
        return decision, torch.where(decision == NO_OP, -1, line)

    def sample(self, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Decisions and lines drawn from the distribution, each `(B,)`; NO-OP has line -1."""
        size, _, longest = self.line_log_probs.shape
        pair = torch.multinomial(self.pair_log_probs().exp().view(size, -1), 1, generator=generator)[:, 0]
        decision = pair // longest
        return decision, torch.where(decision == NO_OP, -1, pair % longest)


@cache
@torch.inference_mode(False)
def _nowhere(device: torch.device, dtype: torch.dtype) -> Tensor:
    """Logits `(7,)` of decisions in a file without a line for them: only NO-OP is possible."""
    logits = torch.full((N_DECISIONS,), -torch.inf, device=device, dtype=dtype)
    logits[NO_OP] = 0.0
    return logits
