"""What searches and recordings teach, in one form: a distribution over candidates and numbers to predict, per state.

A search teaches its improved policy. A recorded decision teaches itself, the more the better it turned out
(advantage-weighted regression). Not here: searching, the order of minibatches, networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from config import PPOConfig
from featurizers import EncodedStates, LineFeatures
from featurizers.ragged import Ragged
from models import Policy
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.loss_terms import advantage_weights, retention_cross_entropy
from training.losses.returns import gae, n_step_returns, normalized
from training.losses.weighted_means import WeightedMean, weighted_mean
from training.networks.predictions import Predictor, action_distribution, kl_divergence, retention_logit
from training.networks.training_networks import TrainingNetworks
from training.search import SearchResult

SAVED_NAMES = {"mass_outside_candidates": "outside"}
"""Names of fields in a saved state, where they differ."""


@dataclass(frozen=True)
class PolicyTargets:
    """N rows; K candidates each.

    row: of the state in its `EncodedStates`. pairs `(N, K, 2)`: decision and line in the network's window, (0, 0) for
    NO-OP.
    exists `(N, K)` bool. policy `(N, K)`: the target; sums to 1. mass_outside_candidates `(N,)`: how much of the target
    goes to the legal pairs that are no candidates, together; `policy` then shares the rest. weight `(N,)`: of the
    policy's loss.
    returns `(N,)`: value target. decision, line, kept, goal, next_human: as in `TransitionTable`, of what was played.
    """

    row: Tensor
    pairs: Tensor
    exists: Tensor
    policy: Tensor
    mass_outside_candidates: Tensor
    weight: Tensor
    returns: Tensor
    decision: Tensor
    line: Tensor
    kept: Tensor
    goal: Tensor
    next_human: Tensor

    def __len__(self) -> int:
        return len(self.row)

    def select(self, rows: Tensor) -> PolicyTargets:
        """The given rows, in order."""
        return PolicyTargets(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: torch.device) -> PolicyTargets:
        return PolicyTargets(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


@dataclass(frozen=True)
class TargetBatch:
    """Lessons with the states that they are about."""

    encoded: EncodedStates
    targets: PolicyTargets

    @classmethod
    def concat(cls, parts: Sequence[TargetBatch]) -> TargetBatch:
        """All lessons of all parts, in order."""
        shifts = np.cumsum([0] + [len(part.encoded) for part in parts[:-1]]).tolist()
        joined = {
            f.name: torch.cat([getattr(part.targets, f.name) for part in parts]) for f in fields(PolicyTargets)
        }  # fmt: skip
        rows = [part.targets.row + shift for part, shift in zip(parts, shifts, strict=True)]
        joined["row"] = torch.cat(rows)
        return cls(EncodedStates.concat([part.encoded for part in parts]), PolicyTargets(**joined))

    def state_dict(self) -> dict[str, object]:
        """Tensors by name, compact: distinct lines once, nothing padded."""
        targets = {SAVED_NAMES.get(name, name): value for name, value in vars(self.targets).items()}
        return {"encoded": _packed(self.encoded), "lessons": targets}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> TargetBatch:
        """What `state_dict` gave."""
        encoded: dict[str, Any] = {
            name: Ragged(**_arrays(value)) if isinstance(value, dict) else value.numpy()
            for name, value in saved["encoded"].items()
        }
        targets = {f.name: saved["lessons"][SAVED_NAMES.get(f.name, f.name)] for f in fields(PolicyTargets)}
        return cls(EncodedStates(**encoded), PolicyTargets(**targets))


def _packed(arrays: EncodedStates | Ragged) -> dict[str, object]:
    values = {f.name: getattr(arrays, f.name) for f in fields(arrays)}
    return {k: _packed(v) if isinstance(v, Ragged) else torch.from_numpy(v.copy()) for k, v in values.items()}


def _arrays(saved: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: value.numpy() for name, value in saved.items()}


def targets_from_self_play(
    games: Dataset,
    goal: Tensor,
    found: Sequence[SearchResult],
    policies: TrainingNetworks,
    *,
    n_step: int,
    discount: float,
) -> TargetBatch:
    """What was found in G games of T decisions each, `found` T searches of G roots.

    The value target of a decision is what it and the next ones brought, n of them, then the value that the network
    gives to the state that they led to; a search counts by another discount. goal `(G * T, 8)`.
    """
    steps = games.select_episodes(range(len(games.ids)), is_human=False)
    size, length = len(games.ids), len(found)
    rows = torch.cat((steps.state_index.view(size, length), steps.bootstrap_index.view(size, length)[:, -1:]), dim=1)
    after = Predictor(policies.assistant, policies.featurizer, legal_only=True).values(games.encoded, rows.flatten())
    rewards = steps.reward.view(size, length).double().numpy()
    returns = n_step_returns(rewards, after.view(size, length + 1).double().numpy(), n_step, discount)

    def of_all(name: str, kind: torch.dtype) -> Tensor:
        """The field of all searches, game after game."""
        return torch.from_numpy(np.stack([getattr(result, name) for result in found], axis=1)).to(kind).flatten(0, 1)

    pairs, first_line = of_all("pairs", torch.int64), torch.from_numpy(games.encoded.first_line)[steps.state_index]
    pairs[..., 1] = (pairs[..., 1] - first_line[:, None]).clamp(min=0)  # a NO-OP's is -1 in the file
    exists = of_all("mask", torch.bool)
    return TargetBatch(games.encoded, PolicyTargets(
        row=steps.state_index, pairs=pairs * exists[..., None], exists=exists,
        policy=of_all("improved_policy", torch.float32),
        mass_outside_candidates=of_all("mass_outside_candidates", torch.float32), weight=torch.ones(len(steps)),
        returns=torch.from_numpy(returns).float().flatten(), decision=steps.decision, line=steps.line,
        kept=_known(steps), goal=goal, next_human=steps.next_human,
    ))  # fmt: skip


def targets_from_recording(
    data: Dataset,
    steps: TransitionTable,
    policies: TrainingNetworks,
    config: PPOConfig,
    candidates: int,
    *,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> TargetBatch:
    """What recorded decisions of the assistant teach the policy as it is; whole episodes, `steps` in order.
    Collective, if there are several processes."""
    answers = Predictor(policies.assistant, policies.featurizer, legal_only=True, distributed=distributed).predict(
        data.encoded, steps
    )
    after = Predictor(policies.assistant, policies.featurizer, legal_only=True, distributed=distributed).values(
        data.encoded, steps.bootstrap_index
    )
    advantage, returns = gae(
        steps.reward, answers.value, steps.episode, after, gamma=config.gamma, lam=config.gae_lambda
    )
    learn = steps.trainable
    weight = torch.zeros(len(steps))
    weight[learn] = advantage_weights(normalized(advantage[learn]), config.awr_beta, config.awr_cap)
    weight /= weight[learn].mean().clamp(min=1e-6) if learn.any() else 1.0  # as much as a search teaches, on average
    size = (len(steps), candidates)
    pairs = torch.zeros(*size, 2, dtype=torch.int64)
    exists, policy = torch.zeros(size, dtype=torch.bool), torch.zeros(size)
    pairs[:, 0, 0], pairs[:, 0, 1] = torch.where(learn, steps.decision, 0), torch.where(learn, steps.line, 0)
    exists[:, 0], policy[:, 0] = True, 1.0
    rows, row = torch.unique(steps.state_index, return_inverse=True)
    return TargetBatch(data.encoded.take(rows.numpy()), PolicyTargets(
        row=row, pairs=pairs, exists=exists, policy=policy, mass_outside_candidates=torch.zeros(len(steps)),
        weight=weight, returns=returns, decision=steps.decision, line=steps.line, kept=_known(steps), goal=steps.goal,
        next_human=steps.next_human,
    ))  # fmt: skip


def _known(steps: TransitionTable) -> Tensor:
    """The share kept, where the network sees the line that it is of."""
    return torch.where(steps.trainable, steps.retained, torch.nan)


def policy_cross_entropy(pairs: Tensor, targets: PolicyTargets) -> Tensor:
    """Cross-entropy `(B,)` between the target and the policy's log-probabilities of pairs `(B, 7, L)`:

    - (1 - outside) sum_k policy_k log p_k - outside log(1 - sum_k p_k)

    so that pairs which the search did not look at keep together what the search leaves them.
    """
    places = (torch.arange(len(pairs), device=pairs.device)[:, None], targets.pairs[..., 0], targets.pairs[..., 1])
    log_probs = pairs[places]
    inside = torch.where(targets.policy > 0, targets.policy * log_probs, 0.0).sum(1)
    taken = torch.where(targets.exists, log_probs.exp(), 0.0).sum(1)
    rest = (1.0 - taken).clamp(min=1e-6).log()
    return -(1 - targets.mass_outside_candidates) * inside - targets.mass_outside_candidates * rest


def losses(
    policy: Policy, lines: LineFeatures, targets: PolicyTargets, spread: float, start: Tensor
) -> dict[str, WeightedMean]:
    """Mean losses of a minibatch by name. spread: of the returns, which the value's errors are measured in. start:
    log-probabilities of pairs `(B, 7, L)` that the policy is not to leave for nothing."""
    output = policy(lines)
    pairs = action_distribution(policy, lines, output.scores, legal_only=True).pair_log_probs()
    after = action_distribution(policy, lines, output.human_scores, legal_only=False)
    logit = retention_logit(output, targets.decision, targets.line)
    kept = (
        torch.zeros_like(targets.kept) if logit is None else retention_cross_entropy(logit, targets.kept.nan_to_num())
    )
    following = (targets.next_human >= 0).float()
    return {
        "policy_loss": weighted_mean(policy_cross_entropy(pairs, targets), targets.weight),
        "value_loss": weighted_mean(0.5 * ((output.value - targets.returns) / spread).square()),
        "next_human_loss": weighted_mean(-after.decision_log_prob(targets.next_human.clamp(min=0)), following),
        "goal_loss": weighted_mean((output.goal - targets.goal).square().mean(1)),
        "kept_loss": weighted_mean(kept, (~targets.kept.isnan()).float()),
        "kl_start": weighted_mean(kl_divergence(start, pairs)),
    }
