"""PPO from recorded decisions: the assistant learns what was worth it from decisions that it did not take itself.

The objective is E_b[pi / b * A], b the behaviour that recorded, split at pi0, the policy that the epoch begins with
(Hilton et al. 2022, Batch size-invariance for policy optimization, eq. 5: the decoupled objective):

    weight = min(pi0 / b, cap)                   of the decision times the same of the line, held in the epoch
    loss   = weight * (surrogate(pi / pi0 of the decision, A) + surrogate(pi / pi0 of the line given it, A))

so the ratio is against the recorded probability (else the fitted behaviour's), and every epoch may move the policy a
clip further. NO-OP has no line and no line ratio. If the weights pi0 / b leave less than `sample_size_floor` of the
sample, the update is advantage-weighted regression: the recorded decisions' log-likelihood, weighted exp(A / beta).

    + value_weight * clipped value loss + human_weight, goal_weight, kept_weight * the losses of `auxiliary_losses`
    - entropy_weight * entropy + human_anchor * KL(pi || human) + start_anchor / sqrt(sessions) * KL(start || pi)

Not here: self-play (`zero_style_phase.py` makes the episodes and learns through `PPOUpdate`), files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from config import PPOConfig
from featurizers import LineFeatures
from models import ActionDistribution, PolicyOutput
from training.data.behaviour_policy import BehaviourPolicy
from training.data.minibatches import bucketed
from training.data.seeds import generator
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.auxiliary_losses import anchored_retention_targets, auxiliary_losses
from training.losses.losses import (
    WeightedMean,
    advantage_weights,
    clipped_surrogate,
    clipped_value_loss,
    effective_sample_size,
    mean,
    means,
)
from training.losses.optimizer import Optimizer
from training.losses.returns import gae, normalized
from training.networks.predictions import Predictor, action_distribution, kl_divergence, line_counts
from training.networks.training_networks import TrainingNetworks

NAME = "ppo_from_episodes"


@dataclass
class OldPolicyStatistics:
    """What stays as it was when the epoch began, one row per step.

    advantage, target, value `(N,)`; log_decision, log_line `(N,)` and decisions `(N, 7)`: log-probabilities of the
    policy; weight `(N,)`: of the step, for the behaviour's sake. sample_size: effective share of the sample.
    """

    advantage: Tensor
    target: Tensor
    value: Tensor
    log_decision: Tensor
    log_line: Tensor
    decisions: Tensor
    weight: Tensor
    sample_size: float

    def __getitem__(self, rows: Tensor) -> OldPolicyStatistics:
        return OldPolicyStatistics(
            self.advantage[rows], self.target[rows], self.value[rows], self.log_decision[rows], self.log_line[rows],
            self.decisions[rows], self.weight[rows], self.sample_size,
        )  # fmt: skip

    def to(self, device: torch.device) -> OldPolicyStatistics:
        return OldPolicyStatistics(
            self.advantage.to(device), self.target.to(device), self.value.to(device), self.log_decision.to(device),
            self.log_line.to(device), self.decisions.to(device), self.weight.to(device), self.sample_size,
        )  # fmt: skip


class PPOUpdate:
    """One epoch of PPO on the assistant's steps of a data set."""

    def __init__(
        self,
        policies: TrainingNetworks,
        data: Dataset,
        steps: TransitionTable,
        behaviour: BehaviourPolicy | None,
        *,
        optimizer: Optimizer,
        config: PPOConfig,
        sessions: int,
        seed: tuple[int | str, ...],
        distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:
        self.policies, self.data, self.config, self.seed, self.distributed = policies, data, config, seed, distributed
        self.behaviour, self.optimizer = behaviour, optimizer
        self.start_anchor, kept_anchor = (
            weight / math.sqrt(max(sessions, 1)) for weight in (config.start_anchor, config.kept_anchor)
        )
        encoded, rows = data.encoded, steps.state_index
        at_start = Predictor(
            policies.initial_assistant, policies.initial_featurizer, legal_only=True, distributed=distributed
        ).predict(encoded, steps)
        self.steps = replace(
            steps, retained=anchored_retention_targets(steps.retained, at_start.retention_logit, kept_anchor)
        )
        self.human = Predictor(policies.human, policies.featurizer, legal_only=True, distributed=distributed).reference(
            encoded, rows
        )
        self.start = Predictor(
            policies.initial_assistant, policies.initial_featurizer, legal_only=True, distributed=distributed
        ).reference(encoded, rows)
        self.position, self.stopped = 0, False
        self.sums: dict[str, float] = {}
        self.held: OldPolicyStatistics | None = None
        self.batches: list[Tensor] = []

    def begin(self, epoch: int) -> None:
        """Fixes what the epoch holds on to (unless it was loaded) and the order of its minibatches."""
        if self.held is None:
            self.position, self.stopped, self.sums = 0, False, {}
            self.held = self._hold()
        self.batches = self.batches_of(epoch)
        self.policies.assistant.eval()  # dropout would make a ratio of 1 noisy

    def batches_of(self, epoch: int) -> list[Tensor]:
        """Rows of an epoch's minibatches, in order."""
        order = generator(*self.seed, epoch)
        lengths = line_counts(self.data.encoded, self.steps.state_index)
        batches, left = [], self.config.steps
        for _ in range(self.config.passes):
            for batch in bucketed(lengths, self.config.batch_size, order):
                if left > 0:
                    batches.append(batch[:left])
                    left -= len(batch)
        return batches

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left or `target_kl` ended it."""
        if self.stopped or self.position >= len(self.batches):
            return False
        assert self.held is not None
        whole = self.batches[self.position]
        batch = self.distributed.shard_rows(whole)
        device = next(self.policies.assistant.parameters()).device
        steps = self.steps.select(batch)
        with torch.no_grad():
            lines = self.policies.featurizer(self.data.encoded.batch(steps.state_index, device))
        parts = self._losses(lines, steps, self.held[batch].to(device))
        shares, found = means(parts, self.distributed, counts=self.distributed.has_rows(whole))
        if found["kl"].item() > self.config.target_kl:
            self.stopped = True
            return False
        norm = self.optimizer.step(self._loss(shares), f"{self.seed[-1]}, step {self.position + 1}")
        for name, part in {**found, "loss": self._loss(found)}.items():
            self.sums[name] = self.sums.get(name, 0.0) + part.item()
        self.sums["gradient_norm"] = self.sums.get("gradient_norm", 0.0) + norm
        self.position += 1
        return True

    def finish(self) -> dict[str, float | str | None]:
        """Ends the epoch; returns its metrics: mean losses, and how it went."""
        assert self.held is not None
        count = max(self.position, 1)
        metrics: dict[str, float | str | None] = {name: total / count for name, total in self.sums.items()}
        metrics.update(
            update="awr" if self._regresses else "ppo",
            effective_sample_size=self.held.sample_size,
            mean_reward=float(self.steps.reward.mean()) if len(self.steps) else None,
            explained_variance=_explained(self.held.target, self.held.value),
            stopped_early=float(self.stopped),
            minibatches=float(self.position),
            steps_without_policy_loss=float((~self.steps.trainable).sum()),
        )
        metrics.setdefault("loss", 0.0)
        self.held, self.position = None, 0
        return metrics

    @property
    def _regresses(self) -> bool:
        return self.held is not None and self.held.sample_size < self.config.sample_size_floor

    def _hold(self) -> OldPolicyStatistics:
        steps, config, distributed = self.steps, self.config, self.distributed
        predictor = Predictor(
            self.policies.assistant, self.policies.featurizer, legal_only=True, distributed=distributed
        )
        answers = predictor.predict(self.data.encoded, steps)
        bootstrap = predictor.values(self.data.encoded, steps.bootstrap_index)
        advantage, target = gae(
            steps.reward, answers.value, steps.episode, bootstrap, gamma=config.gamma, lam=config.gae_lambda
        )
        learn = steps.trainable
        advantage[learn] = normalized(advantage[learn])
        log_decision = torch.where(learn, answers.decision(steps), 0.0)
        log_line = torch.where(learn, answers.line, 0.0)
        past_decision, past_line = steps.behaviour_log_probs(self.behaviour)
        off_decision = torch.where(learn, log_decision - past_decision, 0.0)
        off_line = torch.where(learn, log_line - past_line, 0.0)
        cap = math.log(config.importance_cap)
        weight = (off_decision.clamp(max=cap) + off_line.clamp(max=cap)).exp()
        sample_size = effective_sample_size((off_decision + off_line)[learn])
        return OldPolicyStatistics(
            advantage, target, answers.value, log_decision, log_line, answers.decisions, weight, sample_size
        )

    def _losses(
        self, lines: LineFeatures, steps: TransitionTable, held: OldPolicyStatistics
    ) -> dict[str, WeightedMean]:
        config, policy = self.config, self.policies.assistant
        output: PolicyOutput = policy(lines)
        joint = action_distribution(policy, lines, output.scores, legal_only=True)
        device = output.value.device
        steps_here = steps.to(device)
        learn = steps_here.trainable.float()
        pairs = joint.pair_log_probs()
        human = self.human.pair_log_probs(steps.state_index, pairs.shape[2]).to(device)
        start = self.start.pair_log_probs(steps.state_index, pairs.shape[2]).to(device)
        spread = max(float(self.held.target.std()) if self.held is not None and len(self.steps) > 1 else 1.0, 0.1)
        missed = clipped_value_loss(output.value / spread, held.value / spread, held.target / spread, config.clip_value)
        return {
            **self._policy_loss(joint, steps_here, held, learn),
            "value_loss": mean(missed),
            "entropy": mean(joint.entropy()),
            "kl_human": mean(kl_divergence(pairs, human)),
            "kl_start": mean(kl_divergence(start, pairs)),
            **auxiliary_losses(policy, lines, output, steps_here),
        }

    def _loss(self, parts: Mapping[str, Tensor]) -> Tensor:
        config = self.config
        return (
            parts["policy_loss"]
            + config.value_weight * parts["value_loss"]
            - config.entropy_weight * parts["entropy"]
            + config.human_anchor * parts["kl_human"]
            + self.start_anchor * parts["kl_start"]
            + config.human_weight * (parts["next_human_loss"] + parts["next_human_line_loss"])
            + config.goal_weight * parts["goal_loss"]
            + config.kept_weight * parts["kept_loss"]
        )

    def _policy_loss(
        self, joint: ActionDistribution, steps: TransitionTable, held: OldPolicyStatistics, learn: Tensor
    ) -> dict[str, WeightedMean]:
        config = self.config
        line = torch.where(learn > 0, steps.line, 0)
        decision = torch.where(learn > 0, steps.decision, 0)  # an illegal one would bring log 0 into the graph
        ratio_decision = joint.decision_log_prob(decision) - held.log_decision
        ratio_line = joint.line_log_prob(decision, line) - held.log_line
        if self._regresses:
            imitated = -(joint.decision_log_prob(decision) + joint.line_log_prob(decision, line))
            loss = mean(imitated * advantage_weights(held.advantage, config.awr_beta, config.awr_cap), learn)
        else:
            surrogate = clipped_surrogate(ratio_decision, held.advantage, config.clip_decision)
            surrogate = surrogate + clipped_surrogate(ratio_line, held.advantage, config.clip_line)
            loss = mean(surrogate * held.weight, learn)
        with torch.no_grad():
            kl = mean(kl_divergence(held.decisions, joint.decision_log_probs))
            clipped = ((ratio_decision.exp() - 1).abs() > config.clip_decision).float()
        return {"policy_loss": loss, "kl": kl, "clip_fraction": mean(clipped, learn)}

    def state_dict(self) -> dict[str, object]:
        held = None if self.held is None else dict(vars(self.held))
        return {"position": self.position, "stopped": self.stopped, "sums": dict(self.sums), "held": held}

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        self.position, self.stopped, self.sums = saved["position"], saved["stopped"], saved["sums"]  # type: ignore[assignment]
        held = saved["held"]
        self.held = None if held is None else OldPolicyStatistics(**held)  # type: ignore[arg-type]


def _explained(target: Tensor, value: Tensor) -> float | None:
    """Share of the returns' variance that the values explain; None: there are too few returns to vary."""
    if len(target) < 2:
        return None
    return float(1 - (target - value).var() / target.var().clamp(min=1e-6))


def assistant_optimizer(
    policies: TrainingNetworks, config: PPOConfig, distributed: DistributedContext = SINGLE_PROCESS
) -> Optimizer:
    """Of the assistant's weights; the featurizer does not learn any more."""
    return Optimizer(
        policies.assistant.parameters(),
        learning_rate=config.learning_rate, weight_decay=config.weight_decay, grad_clip=config.grad_clip,
        distributed=distributed,
    )  # fmt: skip


class PPOPhase:
    """The phase: every epoch an update on the recorded decisions."""

    name, saves_inside = NAME, True

    def __init__(
        self, policies: TrainingNetworks, data: Dataset, train: set[int], behaviour: BehaviourPolicy, config: PPOConfig,
        *, seed: int, distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.config, self.epoch = config, 0
        self.cut_short = 0
        policies.featurizer.freeze()
        steps = data.select_episodes(train, is_human=False)
        self.optimizer = assistant_optimizer(policies, config, distributed)
        self.update = PPOUpdate(
            policies, data, steps, behaviour,
            optimizer=self.optimizer, config=config, sessions=len(train), seed=(seed, NAME),
            distributed=distributed,
        )  # fmt: skip

    @property
    def done(self) -> bool:
        return self.epoch >= self.config.epochs or not len(self.update.steps)

    @property
    def total_steps(self) -> int:
        left = 0 if self.done else sum(len(self.update.batches_of(i)) for i in range(self.epoch, self.config.epochs))
        return left - self.update.position

    def begin(self) -> None:
        self.update.begin(self.epoch)

    def step(self) -> bool:
        return self.update.step()

    def finish(self) -> dict[str, float | str | None]:
        self.epoch += 1
        self.cut_short += self.update.stopped
        return self.update.finish()

    def close(self) -> str:
        """Nothing is left to do: the last weights are the assistant."""
        if not self.cut_short:
            return ""
        return f"epochs stopped early by a KL above {self.config.target_kl}: {self.cut_short} of {self.epoch}"

    def state_dict(self) -> dict[str, object]:
        return {
            "epoch": self.epoch, "cut_short": self.cut_short, "update": self.update.state_dict(),
            "optimiser": self.optimizer.state_dict(),
        }  # fmt: skip

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        self.epoch = saved["epoch"]  # type: ignore[assignment]
        self.cut_short = saved["cut_short"]  # type: ignore[assignment]
        self.update.load_state_dict(saved["update"])  # type: ignore[arg-type]
        self.optimizer.load_state_dict(saved["optimiser"])  # type: ignore[arg-type]
