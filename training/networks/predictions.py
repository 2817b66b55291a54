"""A policy's predictions of recorded steps, computed in batches without gradients. Not here: learning from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from featurizers import EncodedStates, Featurizer
from models import ForwardBatch, Head, Policy, PolicyOutput, forward_states
from training.data.transitions import TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext


@dataclass(frozen=True)
class PolicyPredictions:
    """A policy's predictions of N steps.

    decisions `(N, 7)`: log-probabilities, -inf where illegal everywhere. line `(N,)`: log-probability of the recorded
    line given the decision, 0 for NO-OP and where no line counts. value `(N,)`. retention_logit
    `(N,)`: of p(kept) of the recorded pair.
    goal `(N, 8)`.
    """

    decisions: Tensor
    line: Tensor
    value: Tensor
    retention_logit: Tensor
    goal: Tensor

    def decision(self, steps: TransitionTable) -> Tensor:
        """Log-probability of the recorded decision, `(N,)`."""
        return self.decisions.gather(1, steps.decision[:, None]).squeeze(1)


def line_counts(encoded: EncodedStates, rows: Tensor) -> Tensor:
    """Lines of the given states, `(N,)`."""
    return torch.from_numpy(encoded.lengths())[rows]


def retention_logit(output: PolicyOutput, decision: Tensor, line: Tensor) -> Tensor | None:
    """Logit of p(kept) of one (decision, line) per state, `(B,)`; None if the policy has no such head."""
    if output.kept is None:
        return None
    return output.kept[torch.arange(len(decision), device=decision.device), decision, line]


@dataclass(frozen=True)
class Predictor:
    """A policy, with the featurizer that it sees through, as a function of recorded states; dropout off, no gradients.

    legal_only: whether legality binds (the assistant), or any decision may fall on any line (the human). distributed:
    the processes that share the work of each call, collectively; each gets all predictions.
    """

    policy: Policy
    featurizer: Featurizer
    legal_only: bool = True
    distributed: DistributedContext = SINGLE_PROCESS

    @torch.no_grad()
    def predict(self, encoded: EncodedStates, steps: TransitionTable) -> PolicyPredictions:
        """Predictions about N steps, on the CPU. A policy without a p(kept) head gives logits of 0."""
        predictions = PolicyPredictions(*(torch.zeros(len(steps), *shape) for shape in ((7,), (), (), (), (8,))))
        for batch in self._forward(encoded, steps.state_index, ("action", "value", "goal", "kept")):
            index, output = torch.from_numpy(batch.index), batch.output
            distribution = batch.distribution()
            device = output.value.device
            decision, line = steps.decision[index].to(device), steps.line[index].to(device)
            predictions.decisions[index] = distribution.decision_log_probs.cpu()
            predictions.line[index] = distribution.line_log_prob(decision, line).cpu()
            predictions.line[index[~steps.line_trainable[index]]] = 0.0
            predictions.value[index] = output.value.cpu()
            predictions.goal[index] = output.goal.cpu()
            logit = retention_logit(output, decision, line)
            if logit is not None:
                predictions.retention_logit[index] = logit.cpu()
        for tensor in vars(predictions).values():
            self.distributed.all_reduce_sum(tensor)
        return predictions

    @torch.no_grad()
    def values(self, encoded: EncodedStates, rows: Tensor) -> Tensor:
        """Values of the states at `rows`, `(N,)`; 0 for a row of -1."""
        values = torch.zeros(len(rows))
        valid = (rows >= 0).nonzero().squeeze(1)
        for batch in self._forward(encoded, rows[valid], ("value",)):
            values[valid[torch.from_numpy(batch.index)]] = batch.output.value.cpu()
        self.distributed.all_reduce_sum(values)
        return values

    @torch.no_grad()
    def reference(self, encoded: EncodedStates, rows: Tensor) -> ReferenceLogProbs:
        """Log-probabilities of the legal pairs at the states at `rows` (each once)."""
        rows = torch.unique(rows)
        reference = ReferenceLogProbs(rows, line_counts(encoded, rows))
        for batch in self._forward(encoded, rows, ("action",)):
            reference.set(batch.index.tolist(), batch.distribution().pair_log_probs().cpu())
        self.distributed.all_reduce_sum(reference.values)
        return reference

    def _forward(self, encoded: EncodedStates, rows: Tensor, heads: Sequence[Head]) -> Iterator[ForwardBatch]:
        """This process's batches of the states at `rows`."""
        self.policy.eval()
        self.featurizer.eval()
        return forward_states(
            self.policy, self.featurizer, encoded, rows=rows, heads=heads, legal_only=self.legal_only,
            shard=self.distributed.shard,
        )  # fmt: skip


class ReferenceLogProbs:
    """A policy's distribution over (decision, line) at recorded states, kept to anchor another one to it.

    As large as the legality of the same states in float32: 28 bytes a line. A state without lines has one place, for
    its NO-OP.
    """

    def __init__(self, rows: Tensor, lengths: Tensor) -> None:
        self.places = {row: i for i, row in enumerate(rows.tolist())}
        self.offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.clamp(min=1).cumsum(0)])
        self.values = torch.zeros(7, int(self.offsets[-1]))

    def set(self, places: Sequence[int], pairs: Tensor) -> None:
        """Stores the log-probabilities `(B, 7, L)` of the states at `places`, indices into the sorted rows."""
        for i, place in enumerate(places):
            start, end = int(self.offsets[place]), int(self.offsets[place + 1])
            self.values[:, start:end] = pairs[i, :, : end - start]

    def pair_log_probs(self, rows: Tensor, width: int) -> Tensor:
        """`(B, 7, width)` for states padded to `width` lines; -inf where illegal and at padding."""
        places = torch.tensor([self.places[row] for row in rows.tolist()])
        start, end = self.offsets[places], self.offsets[places + 1]
        index = start[:, None] + torch.arange(width)
        inside = index < end[:, None]
        pairs = self.values[:, index.clamp(max=self.values.shape[1] - 1)].transpose(0, 1)
        return pairs.masked_fill(~inside[:, None], -torch.inf)


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) in nats per row, `(B,)`, of log-probabilities `(B, ...)`; where p is 0 nothing is added."""
    positive = p > -torch.inf
    difference = torch.where(positive, p, 0.0) - torch.where(positive, q, 0.0).clamp(min=-30.0)
    return torch.where(positive, p.exp() * difference, 0.0).flatten(1).sum(1)
