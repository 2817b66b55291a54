"""p(kept) in self-play: one for the searches, which learns, and the published one, which stays what it was.

Searches of games need to expect what the person of these games keeps, and learn it from every game. But that person is
learned from a few sessions, and what is learned from playing with them makes p(kept) worse for the real person. So it
is put aside when an epoch ends, and the published p(kept) is that of the phase's start. As the network below the head
has changed by then, the start's head is refitted to the start's predictions (distillation, Hinton et al. 2015). Not
here: how the searches' p(kept) learns (`zero_style_losses`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from actions import Decision
from featurizers import LineFeatures
from models import Policy
from models.policy import LOGIT_BIAS_ROWS
from training.losses.optimizer import Optimizer
from training.networks.training_networks import Tensors, weights_of

KEPT_ROWS = LOGIT_BIAS_ROWS["kept"]
"""Rows of `HistoryLogitBias.weight` that belong to p(kept)."""

HISTORY_BIAS = "history_bias"
"""Name of those rows in `retention_weights`."""

LEARNING_RATE, STEPS, GRAD_CLIP = 2e-3, 120, 1.0
"""Of the refit: the rate falls to 0 over so many steps."""

NO_OP = int(Decision.NO_OP)


class RetentionHead(nn.Module):
    """A copy of what only p(kept) depends on in a policy: its head, and its rows of the history's bias.

    Raises ValueError if the policy predicts no p(kept).
    """

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        if policy.kept_head is None:
            raise ValueError("the policy has no head for p(kept)")
        self.kept_head = copy.deepcopy(policy.kept_head)
        self.tilt = copy.deepcopy(policy.tilt)

    def forward(self, features: Tensor, history: Tensor | None) -> Tensor:
        """Logits of p(kept) `(B, 7, L)` from the backbone's features of lines `(B, L, d_model)`."""
        logits = self.kept_head.forward(features)
        if self.tilt is None or history is None:
            return logits
        bias: Tensor = self.tilt(history)[:, KEPT_ROWS]
        return logits + bias


def retention_weights(module: Policy | RetentionHead) -> Tensors:
    """Copies of the weights that only p(kept) depends on, on the CPU, by name."""
    assert module.kept_head is not None
    weights = weights_of(module.kept_head)
    if module.tilt is not None:
        weights[HISTORY_BIAS] = module.tilt.weight[KEPT_ROWS].detach().to("cpu", copy=True)
    return weights


@torch.no_grad()
def load_retention_weights(policy: Policy, weights: Tensors) -> None:
    """Gives a policy the p(kept) of `retention_weights`."""
    assert policy.kept_head is not None
    policy.kept_head.load_state_dict({name: tensor for name, tensor in weights.items() if name != HISTORY_BIAS})
    if policy.tilt is not None:
        policy.tilt.weight[KEPT_ROWS] = weights[HISTORY_BIAS].to(policy.tilt.weight.device)


@dataclass(frozen=True)
class _RefitBatch:
    """Features that a head reads `(B, L, d_model)`, the start's logits `(B, 7, L)`, and which pairs count."""

    features: Tensor
    history: Tensor | None
    initial_logits: Tensor
    counts: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, policy: Policy, start: Policy, lines: LineFeatures) -> _RefitBatch:
        """Pairs count if they are legal and write something."""
        initial_logits = start(lines, {"kept"}).kept
        assert initial_logits is not None
        writes = lines.legal & lines.mask[:, None]
        writes[:, NO_OP] = False
        features, _ = policy.encode(lines)
        return cls(features, lines.history, initial_logits, writes)

    def loss(self, head: RetentionHead) -> Tensor:
        """Mean KL(start || head) of the pairs that count, in nats."""
        divergence = bernoulli_kl(self.initial_logits, head(self.features, self.history))
        return torch.where(self.counts, divergence, 0.0).sum() / self.counts.sum().clamp(min=1)


def publish_retention(policy: Policy, start: Policy, batches: Sequence[LineFeatures]) -> float:
    """Gives `policy` the p(kept) of `start`, as far as a head can on top of its own network.

    batches: states at which it is fitted, at least one batch. Returns the mean KL(start || policy) of p(kept) that
    remains, in nats.
    """
    head = RetentionHead(start)
    refit_batches = [_RefitBatch.of(policy, start, lines) for lines in batches]
    optimizer = Optimizer(head.parameters(), learning_rate=0.0, weight_decay=0.0, grad_clip=GRAD_CLIP)
    for index in range(STEPS):
        optimizer.learning_rate = LEARNING_RATE * (1 - index / STEPS)
        batch = refit_batches[index % len(refit_batches)]
        optimizer.step(batch.loss(head), "p(kept)")
    load_retention_weights(policy, retention_weights(head))
    with torch.no_grad():
        losses = [batch.loss(head).item() for batch in refit_batches]
    return sum(losses) / len(losses)


def bernoulli_kl(p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """KL(p || q) in nats of Bernoulli distributions given by their logits, elementwise."""
    p = p_logits.sigmoid()
    cross_entropy = F.binary_cross_entropy_with_logits(q_logits, p, reduction="none")
    entropy = F.binary_cross_entropy_with_logits(p_logits, p, reduction="none")
    return cross_entropy - entropy
