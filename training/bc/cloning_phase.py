"""Behaviour cloning: the human policy and the featurizer learn what the human does, and the other heads with them.

Loss of a minibatch, means over the rows that each part applies to:

    - log p(decision) - line_weight * log p(line | decision)          the human's steps
    + start_anchor / sqrt(sessions) * KL(start || policy)             decisions at the human's steps
    + value_weight * huber((value - return) / scale of the returns)   all steps
    + human_weight, goal_weight, kept_weight * the losses of `auxiliary_losses`
    (p(kept)'s targets are drawn towards the start too: `anchors.anchored_retention_targets`)
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
from torch import Tensor, nn

from backbones.sharded_dropout import shard_of
from config import BCConfig
from featurizers import LineFeatures
from models import PolicyOutput
from training.bc.early_stopping import EarlyStopping
from training.data.minibatches import bucketed
from training.data.seeds import generator, seed_dropout
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.anchors import anchor_weight, anchored_retention_targets
from training.losses.auxiliary_losses import auxiliary_losses
from training.losses.minibatch_loop import MinibatchLoop
from training.losses.optimizer import Optimizer
from training.losses.returns import returns_to_go, value_scale
from training.losses.weighted_means import WeightedMean, weighted_mean
from training.networks.initialisation import class_prior
from training.networks.mixed_precision import mixed_precision_forward
from training.networks.predictions import (
    Predictor,
    ReferenceLogProbs,
    kl_divergence,
    line_counts,
)
from training.networks.training_networks import TrainingNetworks

NAME = "bc"


@dataclass(frozen=True)
class CloningTargets:
    """What the losses of a minibatch compare with, on the network's device: its steps, their returns `(B,)`, and the
    decisions' log-probabilities at the start `(B, 7)`."""

    steps: TransitionTable
    returns: Tensor
    initial_log_probs: Tensor


class CloningPhase:
    """The phase, epoch by epoch and step by step.

    train, held_out: indices of the sessions to learn from, and of those that say when to stop.
    gamma: discount of the returns. distributed: the processes that share each minibatch.
    """

    name = NAME
    saves_inside = True

    def __init__(
        self, policies: TrainingNetworks, data: Dataset, train: set[int], held_out: set[int], config: BCConfig,
        *, gamma: float, seed: int, distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.policies = policies
        self.data = data
        self.config = config
        self.seed = seed
        self.distributed = distributed
        self.epoch = 0
        self.steps = data.select_episodes(train)
        self.held_out = data.select_episodes(held_out, is_human=True)
        self.prior = class_prior(self.steps)
        self.returns = returns_to_go(self.steps, gamma)
        self.value_scale = value_scale(self.returns)
        self.start_anchor = anchor_weight(config.start_anchor, len(train))
        self.retention_anchor = anchor_weight(config.kept_anchor, len(train))
        self.initial_log_probs: Tensor | None = None
        self.retention_targets: Tensor | None = None
        self.assistant_reference: ReferenceLogProbs | None = None
        self.learning = self._learning_modules()
        self.early_stopping = EarlyStopping(self.learning, config.patience)
        parameters = chain.from_iterable(module.parameters() for module in self.learning.values())
        self.optimizer = Optimizer.from_config(parameters, config, distributed)
        self.loop = MinibatchLoop(self.optimizer, self._total_loss, distributed)

    @property
    def done(self) -> bool:
        """Whether no epoch is left, or the held-out loss has not fallen for long enough."""
        return self.epoch >= self.config.epochs or self.early_stopping.exhausted

    @property
    def total_steps(self) -> int:
        """Steps that are left, if all epochs are needed."""
        epoch_steps = math.ceil(len(self.steps) / self.config.batch_size)
        return (self.config.epochs - self.epoch) * epoch_steps - self.loop.position

    def begin(self) -> None:
        """Prepares the next epoch, or goes on with the one that was interrupted."""
        if self.initial_log_probs is None:
            self._validate()
            self._fix_anchors()
        if "assistant" in self.learning and self.assistant_reference is None:
            self.assistant_reference = self._initial_predictor().reference(self.data.encoded, self.steps.state_index)
        order = generator(self.seed, NAME, self.epoch)
        lengths = line_counts(self.data.encoded, self.steps.state_index)
        self.loop.begin(bucketed(lengths, self.config.batch_size, order))
        for module in self.learning.values():
            module.train()

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left."""
        return self.loop.step(self._minibatch_losses, f"{NAME}, epoch {self.epoch + 1}")

    def finish(self) -> dict[str, float | None]:
        """Ends the epoch; returns its metrics: mean losses, and the human's decisions on held-out sessions."""
        self.epoch += 1
        return {**self.loop.finish(), **self._validate()}

    def close(self) -> str:
        """Takes the weights that were best on the held-out sessions."""
        self.early_stopping.restore_best()
        if self.epoch >= self.config.epochs:
            return ""
        best = self.epoch - self.early_stopping.epochs_since_best
        return f"stopped early after epoch {self.epoch}: the validation loss was best after epoch {best}"

    def _learning_modules(self) -> dict[str, nn.Module]:
        """Networks that learn; a loaded assistant follows its features if they do."""
        policies = self.policies
        modules: dict[str, nn.Module] = {"human": policies.human, "featurizer": policies.featurizer}
        if policies.loaded and any(p.requires_grad for p in policies.featurizer.parameters()):
            modules["assistant"] = policies.assistant
        return modules

    def _human_predictor(self) -> Predictor:
        policies = self.policies
        return Predictor(policies.human, policies.featurizer, legal_only=False, distributed=self.distributed)

    def _initial_predictor(self) -> Predictor:
        """The assistant as it was before the run, through the features of then."""
        policies = self.policies
        return Predictor(policies.initial_assistant, policies.initial_featurizer, distributed=self.distributed)

    def _fix_anchors(self) -> None:
        """Takes the anchors of the human policy from its predictions before it learns."""
        predictions = self._human_predictor().predict(self.data.encoded, self.steps)
        self.initial_log_probs = self._anchor_log_probs(predictions.decisions)
        self.retention_targets = anchored_retention_targets(
            self.steps.retained, predictions.retention_logit, self.retention_anchor
        )

    def _anchor_log_probs(self, initial: Tensor) -> Tensor:
        """Log-probabilities `(N, 7)` that cloning is anchored to: the start's, or the class prior's if the recorded
        decisions of these people are more probable under that."""
        human = self.steps.is_human & self.steps.trainable
        decision = self.steps.decision[:, None]
        prior = self.prior.expand_as(initial)
        if prior.gather(1, decision)[human].mean() > initial.gather(1, decision)[human].mean():
            return prior.clone()
        return initial

    def _minibatch_losses(self, minibatch: Tensor) -> dict[str, WeightedMean]:
        """Losses of this process's rows of a minibatch."""
        assert self.initial_log_probs is not None and self.retention_targets is not None
        device = next(self.policies.human.parameters()).device
        seed_dropout(device, self.seed, NAME, self.epoch, self.loop.position)  # the same in all processes
        rows = self.distributed.shard_rows(minibatch)
        steps = replace(self.steps.select(rows), retained=self.retention_targets[rows])
        lines = self.policies.featurizer(self.data.encoded.batch(steps.state_index, device))
        targets = CloningTargets(
            steps.to(device), self.returns[rows].to(device), self.initial_log_probs[rows].to(device)
        )
        with self._dropout_shard(minibatch):
            losses = self._losses(lines, mixed_precision_forward(self.policies.human, lines), targets)
            if self.assistant_reference is not None:
                losses["kl_assistant"] = self._assistant_kl(lines, self.assistant_reference, steps.state_index)
        return losses

    def _dropout_shard(self, minibatch: Tensor) -> AbstractContextManager[None]:
        """Lets networks know of which minibatch their rows are, if other processes have the others."""
        if self.distributed.world_size == 1:
            return nullcontext()
        lengths = line_counts(self.data.encoded, self.steps.state_index[minibatch])
        return shard_of(lengths, self.distributed.shard_rows(torch.arange(len(minibatch))))

    def _losses(self, lines: LineFeatures, output: PolicyOutput, targets: CloningTargets) -> dict[str, WeightedMean]:
        steps, policy = targets.steps, self.policies.human
        distribution = policy.distribution(output.scores, lines, legal_only=False)
        by_human = (steps.is_human & steps.trainable).float()
        with_line = (steps.is_human & steps.line_trainable).float()
        anchor = kl_divergence(targets.initial_log_probs, distribution.decision_log_probs)
        value, returns = output.value / self.value_scale, targets.returns / self.value_scale
        return {
            "decision_loss": weighted_mean(-distribution.decision_log_prob(steps.decision), by_human),
            "line_loss": weighted_mean(-distribution.line_log_prob(steps.decision, steps.line), with_line),
            "kl_start": weighted_mean(anchor, by_human),
            "value_loss": weighted_mean(F.smooth_l1_loss(value, returns, reduction="none")),
            **auxiliary_losses(policy, lines, output, steps),
        }

    def _assistant_kl(self, lines: LineFeatures, reference: ReferenceLogProbs, rows: Tensor) -> WeightedMean:
        """KL(start || assistant) over (decision, line) at the states at `rows`."""
        policy = self.policies.assistant
        scores = policy(lines, {"action"}).scores
        pairs = policy.distribution(scores, lines, legal_only=True).pair_log_probs()
        initial = reference.pair_log_probs(rows, pairs.shape[2]).to(pairs.device)
        return weighted_mean(kl_divergence(initial, pairs))

    def _total_loss(self, losses: Mapping[str, Tensor]) -> Tensor:
        config = self.config
        loss = (
            losses["decision_loss"]
            + config.line_weight * losses["line_loss"]
            + self.start_anchor * losses["kl_start"]
            + config.human_weight * (losses["next_human_loss"] + losses["next_human_line_loss"])
            + config.value_weight * losses["value_loss"]
            + config.goal_weight * losses["goal_loss"]
            + config.kept_weight * losses["kept_loss"]
        )
        return loss + losses["kl_assistant"] if "kl_assistant" in losses else loss

    def _validate(self) -> dict[str, float | None]:
        """Measures the human policy on the held-out sessions and keeps its weights if it is the best so far."""
        steps = self.held_out
        if not len(steps):
            return {"val_decision_nll": None, "val_line_nll": None, "val_accuracy": None, "val_prior_nll": None}
        predictions = self._human_predictor().predict(self.data.encoded, steps)
        trainable = steps.trainable.float()
        decision_nll = float(weighted_mean(-predictions.decision(steps), trainable).value)
        correct = predictions.decisions.argmax(1) == steps.decision
        line_nll = float(weighted_mean(-predictions.line, steps.line_trainable.float()).value)
        self.early_stopping.observe(decision_nll + self.config.line_weight * line_nll)
        return {
            "val_decision_nll": decision_nll,
            "val_line_nll": line_nll,
            "val_accuracy": float(weighted_mean(correct.float(), trainable).value),
            "val_prior_nll": float(weighted_mean(-self.prior[steps.decision], trainable).value),
        }

    def state_dict(self) -> dict[str, object]:
        return {
            "epoch": self.epoch,
            **self.loop.state_dict(),
            **self.early_stopping.state_dict(),
            "start": self.initial_log_probs,
            "kept": self.retention_targets,
            "optimiser": self.optimizer.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        self.epoch = saved["epoch"]  # type: ignore[assignment]
        self.initial_log_probs = saved["start"]  # type: ignore[assignment]
        self.retention_targets = saved["kept"]  # type: ignore[assignment]
        self.loop.load_state_dict(saved)
        self.early_stopping.load_state_dict(saved)
        self.optimizer.load_state_dict(saved["optimiser"])  # type: ignore[arg-type]
