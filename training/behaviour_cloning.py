"""Behaviour cloning: the human policy and the featurizer learn what the human does, and the other heads with them.

Loss of a batch, means over the rows each part applies to:

    - log p(decision) - line_weight * log p(line | decision)          the human's steps
    + human_weight * (the same for the human's next decision)         the assistant's steps that were answered
    + value_weight * huber((value - return) / spread of the returns)  all steps
    + goal_weight * (goal - goal vector)^2                            all steps
    + kept_weight * cross-entropy(p(kept), share kept)                the assistant's steps that wrote something

The human's support is every decision at every line. The assistant's states are learned from as well, because its
policy begins as a copy of this network. Not here: when to stop for a kill, files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor

from config import BCConfig
from featurizers import Lines
from models import PolicyOutput
from training.advantages import discounted_returns
from training.answers import answer, joint_of, kept_of, lengths_of
from training.batching import bucketed, derived_seed, generator
from training.dataset import Dataset, Steps
from training.losses import share_loss, weighted_mean
from training.optimisation import Optimiser
from training.policies import Policies, Tensors, weights_of
from training.priors import class_prior

NAME = "bc"


@dataclass(frozen=True)
class Target:
    """What the losses of one batch compare with, on the network's device: the batch's steps and their returns."""

    steps: Steps
    returns: Tensor


def returns_of(steps: Steps, gamma: float) -> Tensor:
    """Discounted sum of the assistant's rewards to come, `(N,)`; for a human's step, from the assistant's next on."""
    order = torch.argsort(steps.row, stable=True)
    assert bool((order == torch.arange(len(order))).all()), "steps of an episode stand in order"
    by_assistant = ~steps.by_human
    own = discounted_returns(steps.reward[by_assistant], steps.episode[by_assistant], gamma)
    following = torch.zeros(len(steps))
    following[by_assistant] = own
    upcoming, episode = 0.0, -1
    for i in reversed(range(len(steps))):
        if int(steps.episode[i]) != episode:
            upcoming, episode = 0.0, int(steps.episode[i])
        if by_assistant[i]:
            upcoming = float(following[i])
        following[i] = upcoming
    return following


class Cloning:
    """The phase, epoch by epoch and step by step."""

    name, saves_inside = NAME, True

    def __init__(
        self, policies: Policies, data: Dataset, train: set[int], held_out: set[int], config: BCConfig,
        *, gamma: float, seed: int,
    ) -> None:  # fmt: skip
        self.policies, self.data, self.config, self.seed = policies, data, config, seed
        self.steps = data.of(train)
        self.held_out = data.of(held_out, by_human=True)
        self.returns = returns_of(self.steps, gamma)
        self.spread = max(float(self.returns.std()) if len(self.returns) > 1 else 1.0, 0.1)
        self.prior = class_prior(self.steps)
        self.epoch, self.position, self.since_best, self.best_loss = 0, 0, 0, math.inf
        self.sums: dict[str, float] = {}
        self.best: dict[str, Tensors] = {}
        self.optimiser = Optimiser(
            chain(policies.human.parameters(), policies.featurizer.parameters()),
            learning_rate=config.learning_rate, weight_decay=config.weight_decay, grad_clip=config.grad_clip,
        )  # fmt: skip
        self.batches: list[Tensor] = []

    @property
    def done(self) -> bool:
        """Whether no epoch is left, or the held-out loss has not become better for long enough."""
        return self.epoch >= self.config.epochs or self.since_best >= self.config.patience

    @property
    def total_steps(self) -> int:
        """Steps of all epochs together."""
        return self.config.epochs * math.ceil(len(self.steps) / self.config.batch_size)

    def begin(self) -> None:
        """Prepares the next epoch, or goes on with the one that was interrupted."""
        if self.epoch == 0 and self.position == 0:
            self._judge()
        order = generator(self.seed, NAME, self.epoch)
        self.batches = bucketed(lengths_of(self.data.encoded, self.steps.row), self.config.batch_size, order)
        self.policies.human.train()
        self.policies.featurizer.train()

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left."""
        if self.position >= len(self.batches):
            return False
        torch.manual_seed(derived_seed(self.seed, NAME, self.epoch, self.position))  # dropout
        steps = self.steps.select(self.batches[self.position])
        device = next(self.policies.human.parameters()).device
        lines = self.policies.featurizer(self.data.encoded.batch(steps.row, device))
        target = Target(steps.to(device), self.returns[self.batches[self.position]].to(device))
        parts = self._losses(lines, self.policies.human(lines), target)
        where = f"{NAME}, epoch {self.epoch + 1}, step {self.position + 1}"
        norm = self.optimiser.step(parts["loss"], where)
        for name, part in parts.items():
            self.sums[name] = self.sums.get(name, 0.0) + part.item()
        self.sums["gradient_norm"] = self.sums.get("gradient_norm", 0.0) + norm
        self.position += 1
        return True

    def finish(self) -> dict[str, float | None]:
        """Ends the epoch; returns its metrics: mean losses, and the human's decisions on held-out sessions."""
        metrics: dict[str, float | None] = {k: v / max(self.position, 1) for k, v in self.sums.items()}
        self.epoch, self.position, self.sums = self.epoch + 1, 0, {}
        metrics.update(self._judge())
        return metrics

    def close(self) -> None:
        """Takes the weights that were best on the held-out sessions."""
        for name, weights in self.best.items():
            getattr(self.policies, name).load_state_dict(weights)

    def _losses(self, lines: Lines, output: PolicyOutput, target: Target) -> dict[str, Tensor]:
        steps, config, policy = target.steps, self.config, self.policies.human
        assert output.scores is not None and output.human_scores is not None
        assert output.value is not None and output.goal is not None
        own = joint_of(policy, lines, output.scores, bound=False)
        after = joint_of(policy, lines, output.human_scores, bound=False)
        mine = (steps.by_human & steps.learn).float()
        following = (steps.next_human >= 0).float()
        placed = following * ((steps.next_human_line >= 0) | (steps.next_human == 0))
        human, human_line = steps.next_human.clamp(min=0), steps.next_human_line.clamp(min=0)
        parts = {
            "decision_loss": weighted_mean(-own.decision_log_prob(steps.decision), mine),
            "line_loss": weighted_mean(-own.line_log_prob(steps.decision, steps.line), mine),
            "next_human_loss": weighted_mean(-after.decision_log_prob(human), following)
            + config.line_weight * weighted_mean(-after.line_log_prob(human, human_line), placed),
            "value_loss": F.smooth_l1_loss(output.value / self.spread, target.returns / self.spread),
            "goal_loss": F.mse_loss(output.goal, steps.goal),
            "kept_loss": output.value.new_zeros(()),
        }
        logit = kept_of(output, steps.decision, steps.line)
        if logit is not None:
            known = (~steps.by_human & steps.learn & ~steps.kept.isnan()).float()
            parts["kept_loss"] = weighted_mean(share_loss(logit, steps.kept.nan_to_num()), known)
        parts["loss"] = (
            parts["decision_loss"]
            + config.line_weight * parts["line_loss"]
            + config.human_weight * parts["next_human_loss"]
            + config.value_weight * parts["value_loss"]
            + config.goal_weight * parts["goal_loss"]
            + config.kept_weight * parts["kept_loss"]
        )
        return parts

    def _judge(self) -> dict[str, float | None]:
        """Measures the human policy on the held-out sessions and keeps it if it is the best so far."""
        held_out = self.held_out
        if not len(held_out):
            return {"val_decision_nll": None, "val_line_nll": None, "val_accuracy": None, "val_prior_nll": None}
        answers = answer(self.policies.human, self.policies.featurizer, self.data.encoded, held_out, bound=False)
        learn = held_out.learn.float()
        decision = float(weighted_mean(-answers.decision(held_out), torch.ones(len(held_out))))
        line = float(weighted_mean(-answers.line, learn))
        loss = decision + self.config.line_weight * line
        if loss < self.best_loss:
            self.best_loss, self.since_best = loss, 0
            self.best = {name: weights_of(getattr(self.policies, name)) for name in ("human", "featurizer")}
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
            "sums": dict(self.sums), "best": self.best, "optimiser": self.optimiser.state_dict(),
        }  # fmt: skip

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        for name in ("epoch", "position", "since_best", "best_loss", "sums", "best"):
            setattr(self, name, saved[name])
        self.optimiser.load_state_dict(saved["optimiser"])  # type: ignore[arg-type]
