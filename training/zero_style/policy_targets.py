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
from featurizers import EncodedStates
from featurizers.ragged import Ragged
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.loss_terms import advantage_weights
from training.losses.returns import gae, n_step_returns, normalized
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.search import SearchResult

SAVED_NAMES = {"state_index": "row", "mass_outside_candidates": "outside", "retained": "kept"}
"""Names of fields in a saved state, where they differ."""


@dataclass(frozen=True)
class PolicyTargets:
    """Targets of N states, with K candidates each.

    state_index: `(N,)`, of the state in its `EncodedStates`.
    pairs: `(N, K, 2)`, decision and line of each candidate in the network's window, (0, 0) for NO-OP.
    exists: `(N, K)` bool.
    policy: `(N, K)`, target probabilities of the candidates; they sum to 1.
    mass_outside_candidates: `(N,)`, how much of the target goes to the legal pairs that are no candidates, together;
        `policy` then shares the remainder.
    weight: `(N,)`, of the policy's loss.
    returns: `(N,)`, value targets.
    decision, line, retained, goal, next_human: as in `TransitionTable`, of what was played; `retained` is unknown
        (NaN) also where the pair was illegal or outside the window.
    """

    state_index: Tensor
    pairs: Tensor
    exists: Tensor
    policy: Tensor
    mass_outside_candidates: Tensor
    weight: Tensor
    returns: Tensor
    decision: Tensor
    line: Tensor
    retained: Tensor
    goal: Tensor
    next_human: Tensor

    def __len__(self) -> int:
        return len(self.state_index)

    def select(self, rows: Tensor) -> PolicyTargets:
        """The targets with the indices `rows`, in their order."""
        return PolicyTargets(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: torch.device) -> PolicyTargets:
        """The same targets on another device."""
        return PolicyTargets(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


@dataclass(frozen=True)
class TargetBatch:
    """Targets, with the states that they are about: an entry of the replay buffer."""

    encoded: EncodedStates
    targets: PolicyTargets

    @classmethod
    def concat(cls, parts: Sequence[TargetBatch]) -> TargetBatch:
        """All targets of all parts, in order."""
        shifts = np.cumsum([0] + [len(part.encoded) for part in parts[:-1]]).tolist()
        columns = {f.name: torch.cat([getattr(part.targets, f.name) for part in parts]) for f in fields(PolicyTargets)}
        shifted = [part.targets.state_index + shift for part, shift in zip(parts, shifts, strict=True)]
        columns["state_index"] = torch.cat(shifted)
        return cls(EncodedStates.concat([part.encoded for part in parts]), PolicyTargets(**columns))

    def state_dict(self) -> dict[str, object]:
        """Tensors by name, compact: distinct lines once, nothing padded."""
        targets = {SAVED_NAMES.get(name, name): value for name, value in vars(self.targets).items()}
        return {"encoded": _packed(self.encoded), "lessons": targets}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> TargetBatch:
        """The batch whose `state_dict` was saved."""
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
    searches: Sequence[SearchResult],
    policies: TrainingNetworks,
    *,
    n_step: int,
    discount: float,
) -> TargetBatch:
    """Targets of G games of T decisions each; `searches` are T searches of G roots, `goal` is `(G * T, 8)`.

    The value target of a decision is the sum of its reward and the next ones, `n_step` of them, then the value that the
    network gives to the state that they led to; a search counts by another discount.
    """
    steps = games.select_episodes(range(len(games.ids)), is_human=False)
    pairs, exists = _by_game(searches, "pairs", torch.int64), _by_game(searches, "mask", torch.bool)
    first_line = torch.from_numpy(games.encoded.first_line)[steps.state_index]
    pairs[..., 1] = (pairs[..., 1] - first_line[:, None]).clamp(min=0)  # a NO-OP's is -1 in the file
    targets = PolicyTargets(
        state_index=steps.state_index,
        pairs=pairs * exists[..., None],
        exists=exists,
        policy=_by_game(searches, "improved_policy", torch.float32),
        mass_outside_candidates=_by_game(searches, "mass_outside_candidates", torch.float32),
        weight=torch.ones(len(steps)),
        returns=_n_step_returns(games, steps, policies, n_step, discount),
        decision=steps.decision,
        line=steps.line,
        retained=_retained(steps),
        goal=goal,
        next_human=steps.next_human,
    )
    return TargetBatch(games.encoded, targets)


def _by_game(searches: Sequence[SearchResult], name: str, dtype: torch.dtype) -> Tensor:
    """A field of T searches of G roots as `(G * T, ...)`, game after game."""
    stacked = np.stack([getattr(search, name) for search in searches], axis=1)
    return torch.from_numpy(stacked).to(dtype).flatten(0, 1)


def _n_step_returns(
    games: Dataset, steps: TransitionTable, policies: TrainingNetworks, n_step: int, discount: float
) -> Tensor:
    """Value targets `(G * T,)` of the decisions in G games of T each."""
    size = (len(games.ids), len(steps) // len(games.ids))
    last = steps.bootstrap_index.view(size)[:, -1:]
    indices = torch.cat((steps.state_index.view(size), last), dim=1)
    values = Predictor(policies.assistant, policies.featurizer).values(games.encoded, indices.flatten())
    rewards = steps.reward.view(size).double().numpy()
    returns = n_step_returns(rewards, values.view(indices.shape).double().numpy(), n_step, discount)
    return torch.from_numpy(returns).float().flatten()


def targets_from_recording(
    data: Dataset,
    steps: TransitionTable,
    policies: TrainingNetworks,
    config: PPOConfig,
    candidates: int,
    *,
    distributed: DistributedContext = SINGLE_PROCESS,
) -> TargetBatch:
    """What recorded decisions of the assistant teach the current policy; whole episodes, `steps` in order.

    candidates: K, so that the targets can be joined with those of searches. Collective, if there are several processes.
    """
    predictor = Predictor(policies.assistant, policies.featurizer, distributed=distributed)
    values = predictor.predict(data.encoded, steps).value
    bootstrap = predictor.values(data.encoded, steps.bootstrap_index)
    advantage, returns = gae(steps.reward, values, steps.episode, bootstrap, gamma=config.gamma, lam=config.gae_lambda)
    pairs, exists, policy = _recorded_candidates(steps, candidates)
    state_indices, state_index = torch.unique(steps.state_index, return_inverse=True)
    targets = PolicyTargets(
        state_index=state_index,
        pairs=pairs,
        exists=exists,
        policy=policy,
        mass_outside_candidates=torch.zeros(len(steps)),
        weight=_regression_weights(advantage, steps.line_trainable, config),
        returns=returns,
        decision=steps.decision,
        line=steps.line,
        retained=_retained(steps),
        goal=steps.goal,
        next_human=steps.next_human,
    )
    return TargetBatch(data.encoded.take(state_indices.numpy()), targets)


def _recorded_candidates(steps: TransitionTable, candidates: int) -> tuple[Tensor, Tensor, Tensor]:
    """`pairs`, `exists` and `policy` of `PolicyTargets`: the recorded pair is the only candidate of K."""
    pairs = torch.zeros(len(steps), candidates, 2, dtype=torch.int64)
    pairs[:, 0, 0] = torch.where(steps.line_trainable, steps.decision, 0)
    pairs[:, 0, 1] = torch.where(steps.line_trainable, steps.line, 0)
    exists = torch.zeros(len(steps), candidates, dtype=torch.bool)
    exists[:, 0] = True
    return pairs, exists, exists.float()


def _regression_weights(advantage: Tensor, trainable: Tensor, config: PPOConfig) -> Tensor:
    """Weights `(N,)` of recorded decisions, 1 on average, as a search's; 0 for those that teach no policy."""
    weights = torch.zeros(len(advantage))
    if trainable.any():
        chosen = advantage_weights(normalized(advantage[trainable]), config.awr_beta, config.awr_cap)
        weights[trainable] = chosen / chosen.mean().clamp(min=1e-6)
    return weights


def _retained(steps: TransitionTable) -> Tensor:
    """The share retained `(N,)`; unknown (NaN) where the pair was illegal or the network does not see its line."""
    return torch.where(steps.line_trainable, steps.retained, torch.nan)
