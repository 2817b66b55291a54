"""The networks of a run, as one object that survives a kill. Not here: how they learn, their files."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from config import FeaturizerConfig, ModelConfig
from featurizers import Featurizer
from models import Policy
from models.checkpoint import IMPORTED_MODEL, featurizer_checkpoint, featurizer_from, policy_checkpoint, policy_from
from models.policy import LOGIT_BIAS_ROWS, LineHead

Tensors = dict[str, Tensor]


@dataclass
class TrainingNetworks:
    """human and assistant share the featurizer. loaded: whether the assistant was there before the run, else it begins
    as a copy of the cloned human. initial_assistant, initial_featurizer: the assistant before it learned, and what it
    saw through; they anchor it. retention_head_is_new: whether the policies were imported without p(kept), which then
    begins anew.
    """

    human: Policy
    assistant: Policy
    initial_assistant: Policy
    featurizer: Featurizer
    initial_featurizer: Featurizer
    loaded: bool
    retention_head_is_new: bool = False

    @classmethod
    def fresh(cls, model: ModelConfig, featurizer: FeaturizerConfig, seed: int) -> TrainingNetworks:
        """New weights that follow from the seed."""
        torch.manual_seed(seed)
        features = Featurizer(featurizer)
        human = Policy(model)
        return cls(human, copy.deepcopy(human), copy.deepcopy(human), features, copy.deepcopy(features), loaded=False)

    @classmethod
    def from_models(
        cls, human: Policy, assistant: Policy, featurizer: Featurizer, config: FeaturizerConfig
    ) -> TrainingNetworks:
        """Current models as the start. Of the config only counts which lines are seen and which parts learn."""
        trainable = {name: getattr(config, name) for name in ("train_text_embedder", "train_featurizer_projector")}
        featurizer.config = replace(featurizer.config, h_max=config.h_max, **trainable)
        featurizer.set_trainable(text_embedder=config.train_text_embedder, projector=config.train_featurizer_projector)
        retention_head_is_new = human.kept_head is None or assistant.kept_head is None
        human, assistant = human.upgraded(), assistant.upgraded()
        return cls(
            human, assistant, copy.deepcopy(assistant), featurizer, copy.deepcopy(featurizer), loaded=True,
            retention_head_is_new=retention_head_is_new,
        )  # fmt: skip

    def ignored_settings(self, model: ModelConfig, featurizer: FeaturizerConfig) -> list[str]:
        """Settings that have no effect, with what is so instead: networks that were there before have their own.

        Where imported models compute differently is no setting of theirs.
        """
        return [
            *_ignored("featurizer", featurizer, self.featurizer.config),
            *_ignored("model", model, self.assistant.config),
        ]

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """All networks, always in the same order."""
        return self.human, self.assistant, self.initial_assistant, self.featurizer, self.initial_featurizer

    def to(self, device: torch.device) -> None:
        for module in self.modules:
            module.to(device)

    def tensors(self) -> Iterator[Tensor]:
        """All weights, always in the same order."""
        for module in self.modules:
            yield from module.state_dict().values()

    def initialise_assistant(self, decision_log_prior: Tensor, seed: int) -> None:
        """Ends cloning. A fresh assistant becomes a copy of the human that decides as the recordings did at first
        (`decision_log_prior (7,)`), so that importance ratios start near 1."""
        if self.loaded:
            return
        torch.manual_seed(seed)
        self.assistant.load_state_dict(self.human.state_dict())
        device = next(self.assistant.parameters()).device
        self.assistant.action_head = LineHead(self.assistant.config).to(device)
        self.assistant.set_decision_prior(decision_log_prior)
        if self.assistant.tilt is not None:
            with torch.no_grad():
                self.assistant.tilt.weight[LOGIT_BIAS_ROWS["action"]] = 0.0
        self.initial_assistant.load_state_dict(self.assistant.state_dict())
        self.initial_featurizer.load_state_dict(self.featurizer.state_dict())

    def state_dict(self) -> dict[str, object]:
        """All weights, with what it takes to build the networks again."""
        saved: dict[str, object] = {key: policy_checkpoint(getattr(self, name)) for name, key in _POLICY_KEYS.items()}
        saved |= {key: featurizer_checkpoint(getattr(self, name)) for name, key in _FEATURIZER_KEYS.items()}
        return {**saved, "given": self.loaded}

    @classmethod
    def restored(cls, saved: Mapping[str, Any], where: str) -> TrainingNetworks:
        """Networks from what `state_dict` gave. Raises InputError, naming `where`, if it is damaged."""
        networks: dict[str, Any] = {name: policy_from(saved[key], where) for name, key in _POLICY_KEYS.items()}
        networks |= {name: featurizer_from(saved[key], where) for name, key in _FEATURIZER_KEYS.items()}
        return cls(**networks, loaded=bool(saved["given"]))


_POLICY_KEYS = {"human": "human", "assistant": "assistant", "initial_assistant": "start"}
_FEATURIZER_KEYS = {"featurizer": "featurizer", "initial_featurizer": "start_featurizer"}
"""Keys of `state_dict` by attribute."""


def _ignored(
    section: str, requested: ModelConfig | FeaturizerConfig, actual: ModelConfig | FeaturizerConfig
) -> list[str]:
    """Settings of a section that differ from what the networks have, with what they have."""
    return [
        f"{section}.{field.name} (it is {getattr(actual, field.name)!r})"
        for field in fields(requested)
        if getattr(requested, field.name) != getattr(actual, field.name) and field.name not in IMPORTED_MODEL
    ]


def weights_of(module: nn.Module) -> Tensors:
    """A copy of a module's weights on the CPU."""
    weights: dict[str, Any] = module.state_dict()
    return {name: value.detach().to("cpu", copy=True) for name, value in weights.items()}
