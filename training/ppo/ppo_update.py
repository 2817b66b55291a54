"""One epoch of PPO from recorded decisions, which the assistant did not take itself.

The objective is E_b[pi / b * A], b the behaviour that recorded, split at pi0, the policy that the epoch begins with
(Hilton et al. 2022, Batch size-invariance for policy optimization, eq. 5: the decoupled objective):

    weight = min(pi0 / b, cap)                   of the decision times the same of the line, fixed in the epoch
    loss   = weight * (surrogate(pi / pi0 of the decision, A) + surrogate(pi / pi0 of the line given it, A))

so the ratio is against the recorded probability (else the fitted behaviour's), and every epoch may move the policy a
clip further. NO-OP has no line and no line ratio. If the weights pi0 / b leave less than `sample_size_floor` of the
sample, the update is advantage-weighted regression: the recorded decisions' log-likelihood, weighted exp(A / beta).

    + value_weight * clipped value loss + human_weight, goal_weight, kept_weight * the losses of `auxiliary_losses`
    - entropy_weight * entropy + human_anchor * KL(pi || human) + start_anchor / sqrt(sessions) * KL(start || pi)

Not here: which epochs there are (`ppo_phase.py`), files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

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
from training.losses.anchors import anchor_weight, anchored_retention_targets
from training.losses.auxiliary_losses import auxiliary_losses
from training.losses.importance import importance_weights
from training.losses.loss_terms import advantage_weights, clipped_surrogate, clipped_value_loss
from training.losses.minibatch_loop import MinibatchLoop
from training.losses.optimizer import Optimizer
from training.losses.returns import gae, normalized, value_scale
from training.losses.weighted_means import WeightedMean, weighted_mean
from training.networks.predictions import (
    PolicyPredictions,
    Predictor,
    kl_divergence,
    line_counts,
)
from training.networks.training_networks import TrainingNetworks


@dataclass(frozen=True)
class OldPolicyStatistics:
    """What stays as it was when the epoch began, one row per step.

    advantage, target, value `(N,)`; log_decision, log_line `(N,)` and decisions `(N, 7)`: log-probabilities of the
    policy; weight `(N,)`: importance weight of the step. sample_size: effective share of the sample.
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
        return replace(self, **{name: tensor[rows] for name, tensor in self._tensors().items()})  # type: ignore[arg-type]

    def to(self, device: torch.device) -> OldPolicyStatistics:
        return replace(self, **{name: tensor.to(device) for name, tensor in self._tensors().items()})  # type: ignore[arg-type]

    def _tensors(self) -> dict[str, Tensor]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sample_size"}


class PPOUpdate:
    """One epoch of PPO on the assistant's steps of a data set, as often as `begin` is called.

    steps: whole episodes of the assistant, in order. behaviour: stands in for probabilities that were not recorded.
    sessions: how many were learned from. seed: parts of the seed of the minibatches' order, the phase's name last.
    """

    def __init__(
        self, policies: TrainingNetworks, data: Dataset, steps: TransitionTable, behaviour: BehaviourPolicy | None, *,
        optimizer: Optimizer, config: PPOConfig, sessions: int, seed: tuple[int | str, ...],
        distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.policies = policies
        self.data = data
        self.behaviour = behaviour
        self.config = config
        self.seed = seed
        self.distributed = distributed
        self.start_anchor = anchor_weight(config.start_anchor, sessions)
        initial = Predictor(policies.initial_assistant, policies.initial_featurizer, distributed=distributed)
        retention_logit = initial.predict(data.encoded, steps).retention_logit
        retention_anchor = anchor_weight(config.kept_anchor, sessions)
        targets = anchored_retention_targets(steps.retained, retention_logit, retention_anchor)
        self.steps = replace(steps, retained=targets)
        human = Predictor(policies.human, policies.featurizer, distributed=distributed)
        self.human_reference = human.reference(data.encoded, steps.state_index)
        self.initial_reference = initial.reference(data.encoded, steps.state_index)
        self.loop = MinibatchLoop(optimizer, self._total_loss, distributed)
        self.stopped = False
        self.old_policy: OldPolicyStatistics | None = None

    def begin(self, epoch: int) -> None:
        """Fixes what the epoch compares with (unless it was loaded) and the order of its minibatches."""
        if self.old_policy is None:
            self.loop.reset()
            self.stopped = False
            self.old_policy = self._collect_old_policy()
        self.loop.begin(self.batches_of(epoch))
        self.policies.assistant.eval()  # dropout would make a ratio of 1 noisy

    def batches_of(self, epoch: int) -> list[Tensor]:
        """Rows of an epoch's minibatches, in order; `steps` rows of the configuration at most."""
        order = generator(*self.seed, epoch)
        lengths = line_counts(self.data.encoded, self.steps.state_index)
        batches: list[Tensor] = []
        remaining = self.config.steps
        for _ in range(self.config.passes):
            for batch in bucketed(lengths, self.config.batch_size, order):
                if remaining > 0:
                    batches.append(batch[:remaining])
                    remaining -= len(batch)
        return batches

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left or `target_kl` ended it."""
        return not self.stopped and self.loop.step(self._minibatch_losses, str(self.seed[-1]), self._exceeds_target_kl)

    def finish(self) -> dict[str, float | str | None]:
        """Ends the epoch; returns its metrics: mean losses, and how it went."""
        assert self.old_policy is not None
        minibatches = self.loop.position
        metrics: dict[str, float | str | None] = dict(self.loop.finish())
        metrics.update(
            update="awr" if self._uses_awr else "ppo",
            effective_sample_size=self.old_policy.sample_size,
            mean_reward=float(self.steps.reward.mean()) if len(self.steps) else None,
            explained_variance=explained_variance(self.old_policy.target, self.old_policy.value),
            stopped_early=float(self.stopped),
            minibatches=float(minibatches),
            steps_without_policy_loss=float((~self.steps.trainable).sum()),
        )
        metrics.setdefault("loss", 0.0)
        self.old_policy = None
        return metrics

    @property
    def _uses_awr(self) -> bool:
        return self.old_policy is not None and self.old_policy.sample_size < self.config.sample_size_floor

    def _exceeds_target_kl(self, means: Mapping[str, Tensor]) -> bool:
        self.stopped = means["kl"].item() > self.config.target_kl
        return self.stopped

    def _collect_old_policy(self) -> OldPolicyStatistics:
        """Statistics of pi0, the policy as the epoch begins."""
        steps = self.steps
        predictor = Predictor(self.policies.assistant, self.policies.featurizer, distributed=self.distributed)
        predictions = predictor.predict(self.data.encoded, steps)
        advantage, target = self._advantages(predictions, predictor.values(self.data.encoded, steps.bootstrap_index))
        importance = importance_weights(steps, predictions, self.behaviour, self.config.importance_cap)
        return OldPolicyStatistics(
            advantage=advantage,
            target=target,
            value=predictions.value,
            log_decision=torch.where(steps.trainable, predictions.decision(steps), 0.0),
            log_line=predictions.line,
            decisions=predictions.decisions,
            weight=importance.clipped,
            sample_size=importance.effective_sample_size,
        )

    def _advantages(self, predictions: PolicyPredictions, bootstrap: Tensor) -> tuple[Tensor, Tensor]:
        """GAE's advantages, normalized over the trainable steps, and its returns, `(N,)` each."""
        steps, config = self.steps, self.config
        advantage, target = gae(
            steps.reward, predictions.value, steps.episode, bootstrap, gamma=config.gamma, lam=config.gae_lambda
        )
        advantage[steps.trainable] = normalized(advantage[steps.trainable])
        return advantage, target

    def _minibatch_losses(self, minibatch: Tensor) -> dict[str, WeightedMean]:
        """Losses of this process's rows of a minibatch."""
        assert self.old_policy is not None
        rows = self.distributed.shard_rows(minibatch)
        steps = self.steps.select(rows)
        device = next(self.policies.assistant.parameters()).device
        with torch.no_grad():
            lines = self.policies.featurizer(self.data.encoded.batch(steps.state_index, device))
        return self._losses(lines, steps, self.old_policy[rows].to(device))

    def _losses(self, lines: LineFeatures, steps: TransitionTable, old: OldPolicyStatistics) -> dict[str, WeightedMean]:
        policy = self.policies.assistant
        output: PolicyOutput = policy(lines)
        device = output.value.device
        distribution = policy.distribution(output.scores, lines, legal_only=True)
        pairs = distribution.pair_log_probs()
        human = self.human_reference.pair_log_probs(steps.state_index, pairs.shape[2]).to(device)
        initial = self.initial_reference.pair_log_probs(steps.state_index, pairs.shape[2]).to(device)
        steps = steps.to(device)
        return {
            **self._policy_losses(distribution, steps, old),
            "value_loss": weighted_mean(self._value_loss(output.value, old)),
            "entropy": weighted_mean(distribution.entropy()),
            "kl_human": weighted_mean(kl_divergence(pairs, human)),
            "kl_start": weighted_mean(kl_divergence(initial, pairs)),
            **auxiliary_losses(policy, lines, output, steps),
        }

    def _value_loss(self, value: Tensor, old: OldPolicyStatistics) -> Tensor:
        """Clipped value loss `(B,)`, in units of the scale of the returns."""
        assert self.old_policy is not None
        scale = value_scale(self.old_policy.target)
        return clipped_value_loss(value / scale, old.value / scale, old.target / scale, self.config.clip_value)

    def _policy_losses(
        self, distribution: ActionDistribution, steps: TransitionTable, old: OldPolicyStatistics
    ) -> dict[str, WeightedMean]:
        """The policy's loss; KL(pi0 || pi) over decisions; the share of decisions whose ratio is clipped."""
        config, trainable = self.config, steps.trainable.float()
        decision = torch.where(steps.trainable, steps.decision, 0)  # an illegal one would bring log 0 into the graph
        log_decision = distribution.decision_log_prob(decision)
        log_line = distribution.line_log_prob(torch.where(steps.line_trainable, decision, 0), steps.line)
        log_decision_ratio = log_decision - old.log_decision
        if self._uses_awr:
            weights = advantage_weights(old.advantage, config.awr_beta, config.awr_cap)
            loss = -(log_decision + log_line) * weights
        else:
            surrogate = clipped_surrogate(log_decision_ratio, old.advantage, config.clip_decision)
            surrogate = surrogate + clipped_surrogate(log_line - old.log_line, old.advantage, config.clip_line)
            loss = surrogate * old.weight
        with torch.no_grad():
            kl = kl_divergence(old.decisions, distribution.decision_log_probs)
            clipped = ((log_decision_ratio.exp() - 1).abs() > config.clip_decision).float()
        return {
            "policy_loss": weighted_mean(loss, trainable),
            "kl": weighted_mean(kl),
            "clip_fraction": weighted_mean(clipped, trainable),
        }

    def _total_loss(self, losses: Mapping[str, Tensor]) -> Tensor:
        config = self.config
        return (
            losses["policy_loss"]
            + config.value_weight * losses["value_loss"]
            - config.entropy_weight * losses["entropy"]
            + config.human_anchor * losses["kl_human"]
            + self.start_anchor * losses["kl_start"]
            + config.human_weight * (losses["next_human_loss"] + losses["next_human_line_loss"])
            + config.goal_weight * losses["goal_loss"]
            + config.kept_weight * losses["kept_loss"]
        )

    def state_dict(self) -> dict[str, object]:
        old_policy = None if self.old_policy is None else dict(vars(self.old_policy))
        return {"stopped": self.stopped, **self.loop.state_dict(), "held": old_policy}

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        self.loop.load_state_dict(saved)
        self.stopped = saved["stopped"]  # type: ignore[assignment]
        old_policy = saved["held"]
        self.old_policy = None if old_policy is None else OldPolicyStatistics(**old_policy)  # type: ignore[arg-type]


def explained_variance(target: Tensor, value: Tensor) -> float | None:
    """Share of the returns' variance that the values explain; None: there are too few returns to vary."""
    if len(target) < 2:
        return None
    return float(1 - (target - value).var() / target.var().clamp(min=1e-6))
