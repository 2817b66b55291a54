"""What a policy says about recorded steps, read off in batches without gradients. Not here: learning from it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from featurizers import Encoded, Featurizer, Lines
from models import Head, Joint, Policy, PolicyOutput, forward
from training.data.transitions import TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext


def action_distribution(policy: Policy, lines: Lines, scores: Tensor, *, legal_only: bool) -> Joint:
    """The distribution over (decision, line) of head scores `(B, 7, L)`.

    bound: whether legality binds (the assistant), or any decision may fall on any line (the human).
    """
    legal = lines.legal if legal_only else None
    return Joint.of(scores, legal, lines.mask, policy.config.pooling)


@dataclass(frozen=True)
class PolicyPredictions:
    """What a policy says about N steps.

    decisions `(N, 7)`: log-probabilities, -inf where illegal everywhere. line `(N,)`: log-probability of the recorded
    line given the decision, 0 for NO-OP. value `(N,)`; kept `(N,)`: logit of p(kept) of the recorded pair.
    goal `(N, 8)`.
    """

    decisions: Tensor
    line: Tensor
    value: Tensor
    kept: Tensor
    goal: Tensor

    def decision(self, steps: TransitionTable) -> Tensor:
        """Log-probability of the recorded decision, `(N,)`."""
        return self.decisions.gather(1, steps.decision[:, None]).squeeze(1)


def line_counts(encoded: Encoded, rows: Tensor) -> Tensor:
    """Lines of the given states, `(N,)`."""
    return torch.from_numpy(encoded.lengths())[rows]


def retention_logit(output: PolicyOutput, decision: Tensor, line: Tensor) -> Tensor | None:
    """Logit of p(kept) of one (decision, line) per state, `(B,)`; None if the policy has no such head."""
    if output.kept is None:
        return None
    return output.kept[torch.arange(len(decision), device=decision.device), decision, line]


@torch.no_grad()
def answer(
    policy: Policy,
    featurizer: Featurizer,
    encoded: Encoded,
    steps: TransitionTable,
    *,
    legal_only: bool,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> PolicyPredictions:
    """The policy's answers on the CPU, dropout off. A policy without a p(kept) head gives logits of 0.

    distributed (here and below): which processes, collectively, share the work; each gets all answers.
    """
    policy.eval()
    featurizer.eval()
    n = len(steps)
    answers = PolicyPredictions(*(torch.zeros(n, *shape) for shape in ((7,), (), (), (), (8,))))
    heads: tuple[Head, ...] = ("action", "value", "goal", "kept")
    for batch in forward(
        policy, featurizer, encoded, rows=steps.row, heads=heads, legal_only=legal_only, shard=distributed.shard
    ):
        index, output, joint = torch.from_numpy(batch.index), batch.output, batch.distribution()
        decision, line = steps.decision[index].to(output.value.device), steps.line[index].to(output.value.device)
        answers.decisions[index] = joint.decision_log_probs.cpu()
        answers.line[index] = joint.line_log_prob(decision, line).cpu()
        answers.value[index] = output.value.cpu()
        answers.goal[index] = output.goal.cpu()
        kept = retention_logit(output, decision, line)
        if kept is not None:
            answers.kept[index] = kept.cpu()
    for found in vars(answers).values():
        distributed.all_reduce_sum(found)
    return answers


@torch.no_grad()
def values(
    policy: Policy,
    featurizer: Featurizer,
    encoded: Encoded,
    rows: Tensor,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> Tensor:
    """Values of the given states, `(N,)`; 0 for a row of -1."""
    policy.eval()
    found = torch.zeros(len(rows))
    there = (rows >= 0).nonzero().squeeze(1)
    for batch in forward(
        policy, featurizer, encoded, rows=rows[there], heads=("value",), legal_only=True, shard=distributed.shard
    ):
        found[there[torch.from_numpy(batch.index)]] = batch.output.value.cpu()
    return distributed.all_reduce_sum(found)


class ReferenceLogProbs:
    """A policy's distribution over (decision, line) at recorded states, kept to anchor another one to it.

    As large as the legality of the same states in float32: 28 bytes a line. A state without lines has one place, for
    its NO-OP.
    """

    def __init__(self, rows: Tensor, lengths: Tensor) -> None:
        self.places = {row: i for i, row in enumerate(rows.tolist())}
        self.offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.clamp(min=1).cumsum(0)])
        self.values = torch.zeros(7, int(self.offsets[-1]))

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        policy: Policy,
        featurizer: Featurizer,
        encoded: Encoded,
        rows: Tensor,
        distributed: DistributedContext = SINGLE_PROCESS,
    ) -> ReferenceLogProbs:
        """Log-probabilities of the legal pairs at the given states (each once)."""
        policy.eval()
        rows = torch.unique(rows)
        reference = cls(rows, line_counts(encoded, rows))
        for batch in forward(
            policy, featurizer, encoded, rows=rows, heads=("action",), legal_only=True, shard=distributed.shard
        ):
            pairs = batch.distribution().pair_log_probs().cpu()
            for i, place in enumerate(batch.index.tolist()):
                start, end = int(reference.offsets[place]), int(reference.offsets[place + 1])
                reference.values[:, start:end] = pairs[i, :, : end - start]
        distributed.all_reduce_sum(reference.values)
        return reference

    def pair_log_probs(self, rows: Tensor, width: int) -> Tensor:
        """`(B, 7, width)` for states padded to `width` lines; -inf where illegal and at padding."""
        places = torch.tensor([self.places[row] for row in rows.tolist()])
        start, end = self.offsets[places], self.offsets[places + 1]
        index = start[:, None] + torch.arange(width)
        there = index < end[:, None]
        pairs = self.values[:, index.clamp(max=self.values.shape[1] - 1)].transpose(0, 1)
        return pairs.masked_fill(~there[:, None], -torch.inf)


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) in nats per row, `(B,)`, of log-probabilities `(B, ...)`; where p is 0 nothing is added."""
    there = p > -torch.inf
    difference = torch.where(there, p, 0.0) - torch.where(there, q, 0.0).clamp(min=-30.0)
    return torch.where(there, p.exp() * difference, 0.0).flatten(1).sum(1)
