"""Behaviour cloning: the human policy and the featurizer learn what the human does, and the other heads with them.

Loss of a batch, means over the rows each part applies to:

    - log p(decision) - line_weight * log p(line | decision)          the human's steps
    + start_anchor / sqrt(sessions) * KL(start || policy)             decisions at the human's steps
    + value_weight * huber((value - return) / spread of the returns)  all steps
    + human_weight, goal_weight, kept_weight * the losses of `auxiliary_losses`
    (p(kept)'s targets are held to the start too: `auxiliary_losses.anchored_retention_targets`)
    + KL(start || assistant)                                          all steps, if the assistant was loaded

The last one lets a loaded assistant decide as it did while the features that it sees through learn. The human's support
is every decision at every line. The assistant's states are learned from as well, because a fresh assistant begins as a
copy of this network. Not here: when to stop for a kill, files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor

from backbones.sharded_dropout import shard_of
from config import BCConfig
from featurizers import LineFeatures
from models import PolicyOutput
from training.data.minibatches import bucketed
from training.data.seeds import derived_seed, generator
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.auxiliary_losses import anchored_retention_targets, auxiliary_losses
from training.losses.losses import WeightedMean, mean, means, weighted_mean
from training.losses.optimizer import Optimizer
from training.losses.returns import returns_to_go
from training.networks.initialisation import class_prior
from training.networks.mixed_precision import network
from training.networks.predictions import (
    PolicyPredictions,
    Predictor,
    ReferenceLogProbs,
    action_distribution,
    kl_divergence,
    line_counts,
)
from training.networks.training_networks import Tensors, TrainingNetworks, weights_of

NAME = "bc"


@dataclass(frozen=True)
class Target:
    """What the losses of one batch compare with, on the network's device: the batch's steps, their returns `(B,)`, and
    the decisions' log-probabilities at the start `(B, 7)`."""

    steps: TransitionTable
    returns: Tensor
    start: Tensor


class CloningPhase:
    """The phase, epoch by epoch and step by step."""

    name, saves_inside = NAME, True

    def __init__(
        self, policies: TrainingNetworks, data: Dataset, train: set[int], held_out: set[int], config: BCConfig,
        *, gamma: float, seed: int, distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.policies, self.data, self.config, self.seed, self.distributed = policies, data, config, seed, distributed
        self.steps = data.select_episodes(train)
        self.held_out = data.select_episodes(held_out, is_human=True)
        self.returns = returns_to_go(self.steps, gamma)
        self.spread = max(float(self.returns.std()) if len(self.returns) > 1 else 1.0, 0.1)
        self.prior = class_prior(self.steps)
        self.epoch, self.position, self.since_best, self.best_loss = 0, 0, 0, math.inf
        self.sums: dict[str, float] = {}
        self.best: dict[str, Tensors] = {}
        self.start: Tensor | None = None
        self.kept: Tensor | None = None
        """Targets of p(kept), `(N,)`."""
        self.start_anchor, self.kept_anchor = (
            weight / math.sqrt(max(len(train), 1)) for weight in (config.start_anchor, config.kept_anchor)
        )
        moving = any(p.requires_grad for p in policies.featurizer.parameters())
        self.learning = ("human", "featurizer", *(("assistant",) if policies.loaded and moving else ()))
        self.in_step: ReferenceLogProbs | None = None
        self.optimizer = Optimizer(
            chain.from_iterable(getattr(policies, name).parameters() for name in self.learning),
            learning_rate=config.learning_rate, weight_decay=config.weight_decay, grad_clip=config.grad_clip,
            distributed=distributed,
        )  # fmt: skip
        self.batches: list[Tensor] = []

    @property
    def done(self) -> bool:
        """Whether no epoch is left, or the held-out loss has not become better for long enough."""
        return self.epoch >= self.config.epochs or self.since_best >= self.config.patience

    @property
    def total_steps(self) -> int:
        """Steps that are left, if all epochs are needed."""
        return (self.config.epochs - self.epoch) * math.ceil(len(self.steps) / self.config.batch_size) - self.position

    def begin(self) -> None:
        """Prepares the next epoch, or goes on with the one that was interrupted."""
        policies = self.policies
        if self.start is None:
            self._judge()
            answers = self._answers(self.steps)
            self.start = self._worth_holding_on_to(answers.decisions)
            self.kept = anchored_retention_targets(self.steps.retained, answers.retention_logit, self.kept_anchor)
        if "assistant" in self.learning and self.in_step is None:
            self.in_step = Predictor(
                policies.initial_assistant, policies.initial_featurizer, legal_only=True, distributed=self.distributed
            ).reference(self.data.encoded, self.steps.state_index)
        order = generator(self.seed, NAME, self.epoch)
        self.batches = bucketed(line_counts(self.data.encoded, self.steps.state_index), self.config.batch_size, order)
        for name in self.learning:
            getattr(policies, name).train()

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left."""
        if self.position >= len(self.batches):
            return False
        torch.manual_seed(derived_seed(self.seed, NAME, self.epoch, self.position))  # dropout, of all processes
        assert self.start is not None and self.kept is not None
        whole = self.batches[self.position]
        batch = self.distributed.shard_rows(whole)
        steps = replace(self.steps.select(batch), retained=self.kept[batch])
        device = next(self.policies.human.parameters()).device
        lines = self.policies.featurizer(self.data.encoded.batch(steps.state_index, device))
        target = Target(steps.to(device), self.returns[batch].to(device), self.start[batch].to(device))
        with self._part_of(whole):
            parts = self._losses(lines, network(self.policies.human, lines), target)
            if self.in_step is not None:
                parts["kl_assistant"] = self._assistant_moved(lines, self.in_step, steps.state_index)
        shares, found = means(parts, self.distributed, counts=self.distributed.has_rows(whole))
        where = f"{NAME}, epoch {self.epoch + 1}, step {self.position + 1}"
        norm = self.optimizer.step(self._loss(shares), where)
        for name, part in {**found, "loss": self._loss(found)}.items():
            self.sums[name] = self.sums.get(name, 0.0) + part.item()
        self.sums["gradient_norm"] = self.sums.get("gradient_norm", 0.0) + norm
        self.position += 1
        return True

    def _part_of(self, whole: Tensor) -> AbstractContextManager[None]:
        """Lets networks know of which minibatch their rows are, if other processes have the rest."""
        if self.distributed.world_size == 1:
            return nullcontext()
        lengths = line_counts(self.data.encoded, self.steps.state_index[whole])
        return shard_of(lengths, self.distributed.shard_rows(torch.arange(len(whole))))

    def finish(self) -> dict[str, float | None]:
        """Ends the epoch; returns its metrics: mean losses, and the human's decisions on held-out sessions."""
        metrics: dict[str, float | None] = {k: v / max(self.position, 1) for k, v in self.sums.items()}
        self.epoch, self.position, self.sums = self.epoch + 1, 0, {}
        metrics.update(self._judge())
        return metrics

    def close(self) -> str:
        """Takes the weights that were best on the held-out sessions."""
        for name, weights in self.best.items():
            getattr(self.policies, name).load_state_dict(weights)
        if self.epoch >= self.config.epochs:
            return ""
        best = self.epoch - self.since_best
        return f"stopped early after epoch {self.epoch}: the held-out loss was best after epoch {best}"

    def _worth_holding_on_to(self, decisions: Tensor) -> Tensor:
        """The start's log-probabilities of the decisions `(N, 7)`; the class prior's if it knows these people less."""
        human = self.steps.is_human & self.steps.trainable
        taken = self.steps.decision[:, None]
        own, prior = (x.gather(1, taken)[human].mean() for x in (decisions, self.prior.expand_as(decisions)))
        return self.prior.expand_as(decisions).clone() if prior > own else decisions

    def _losses(self, lines: LineFeatures, output: PolicyOutput, target: Target) -> dict[str, WeightedMean]:
        steps, policy = target.steps, self.policies.human
        own = action_distribution(policy, lines, output.scores, legal_only=False)
        mine = (steps.is_human & steps.trainable).float()
        moved = kl_divergence(target.start, own.decision_log_probs)
        missed = F.smooth_l1_loss(output.value / self.spread, target.returns / self.spread, reduction="none")
        return {
            "decision_loss": mean(-own.decision_log_prob(steps.decision), mine),
            "line_loss": mean(-own.line_log_prob(steps.decision, steps.line), mine),
            "kl_start": mean(moved, mine),
            "value_loss": mean(missed),
            **auxiliary_losses(policy, lines, output, steps),
        }

    def _loss(self, parts: Mapping[str, Tensor]) -> Tensor:
        config = self.config
        loss = (
            parts["decision_loss"]
            + config.line_weight * parts["line_loss"]
            + self.start_anchor * parts["kl_start"]
            + config.human_weight * (parts["next_human_loss"] + parts["next_human_line_loss"])
            + config.value_weight * parts["value_loss"]
            + config.goal_weight * parts["goal_loss"]
            + config.kept_weight * parts["kept_loss"]
        )
        return loss + parts["kl_assistant"] if "kl_assistant" in parts else loss

    def _assistant_moved(self, lines: LineFeatures, start: ReferenceLogProbs, rows: Tensor) -> WeightedMean:
        """KL from what the assistant decided at the start, through the features of then."""
        policy = self.policies.assistant
        scores = policy(lines, {"action"}).scores
        pairs = action_distribution(policy, lines, scores, legal_only=True).pair_log_probs()
        return mean(kl_divergence(start.pair_log_probs(rows, pairs.shape[2]).to(pairs.device), pairs))

    def _answers(self, steps: TransitionTable) -> PolicyPredictions:
        """The human policy's, as it is."""
        human, featurizer = self.policies.human, self.policies.featurizer
        return Predictor(human, featurizer, legal_only=False, distributed=self.distributed).predict(
            self.data.encoded, steps
        )

    def _judge(self) -> dict[str, float | None]:
        """Measures the human policy on the held-out sessions and keeps it if it is the best so far."""
        held_out = self.held_out
        if not len(held_out):
            return {"val_decision_nll": None, "val_line_nll": None, "val_accuracy": None, "val_prior_nll": None}
        answers = self._answers(held_out)
        learn = held_out.trainable.float()
        decision = float(weighted_mean(-answers.decision(held_out), torch.ones(len(held_out))))
        line = float(weighted_mean(-answers.line, learn))
        loss = decision + self.config.line_weight * line
        if loss < self.best_loss:
            self.best_loss, self.since_best = loss, 0
            self.best = {name: weights_of(getattr(self.policies, name)) for name in self.learning}
        else:
            self.since_best += 1
        return {
            "val_decision_nll": decision,
            "val_line_nll": line,
            "val_accuracy": float((answers.decisions.argmax(1) == held_out.decision).float().mean()),
            "val_prior_nll": float(-self.prior[held_out.decision].mean()),
        }

    def state_dict(self) -> dict[str, object]:
        return {
            "epoch": self.epoch, "position": self.position, "since_best": self.since_best, "best_loss": self.best_loss,
            "sums": dict(self.sums), "best": self.best, "start": self.start, "kept": self.kept,
            "optimiser": self.optimizer.state_dict(),
        }  # fmt: skip

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        for name in ("epoch", "position", "since_best", "best_loss", "sums", "best", "start", "kept"):
            setattr(self, name, saved[name])
        self.optimizer.load_state_dict(saved["optimiser"])  # type: ignore[arg-type]
