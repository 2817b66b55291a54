"""The policy network: a backbone and its heads.

Not here: the distribution over decisions (`action_distribution.py`), files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor, nn

import backbones
from backbones.layers import MLP, mlp
from config import GOAL_DIM, N_DECISIONS, ModelConfig
from featurizers import LineFeatures
from featurizers.history import HAS_HISTORY, SUMMARY, SUMMARY_DIM
from models.action_distribution import ActionDistribution

Head = Literal["action", "human", "value", "goal", "kept"]
HEADS: frozenset[Head] = frozenset(get_args(Head))
"""`action`: scores of the own decision at each line; `human`: of the human's next one; `value`; `goal`; `kept`."""

LINE_HEADS: tuple[Head, ...] = ("action", "human", "kept")
"""Heads with an output for each decision at each line."""
LOGIT_BIAS_ROWS: dict[Head, slice] = {
    head: slice(i * N_DECISIONS, (i + 1) * N_DECISIONS) for i, head in enumerate(LINE_HEADS)
}
"""Rows of `HistoryLogitBias` that belong to each of these heads."""


@dataclass(frozen=True, slots=True)
class PolicyOutput:
    """Outputs of a policy's heads, by the head's name. A property raises KeyError if its head was not computed."""

    heads: Mapping[Head, Tensor]

    @property
    def scores(self) -> Tensor:
        """Logits of the policy's own decision at each line `(B, 7, L)`; at padding they mean nothing."""
        return self.heads["action"]

    @property
    def human_scores(self) -> Tensor:
        """Logits of the human's next decision at each line `(B, 7, L)`; at padding they mean nothing."""
        return self.heads["human"]

    @property
    def value(self) -> Tensor:
        """Expected return `(B,)`."""
        return self.heads["value"]

    @property
    def goal(self) -> Tensor:
        """Predicted goal targets `(B, 8)`."""
        return self.heads["goal"]

    @property
    def kept(self) -> Tensor | None:
        """Logits of the share that will be kept of each decision at each line `(B, 7, L)`.

        None: the head was not asked for, or the model has none.
        """
        return self.heads.get("kept")

    def float(self) -> PolicyOutput:
        """A copy in float32."""
        return PolicyOutput({name: tensor.float() for name, tensor in self.heads.items()})


class LineHead(nn.Module):
    """Per line: linear, GELU, linear to one number per decision."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.line_mlp = MLP(config.d_model, config.hidden, N_DECISIONS)
        self.weights = self.line_mlp.weights
        with torch.no_grad():  # small outputs, so that a class prior set on the bias holds
            self.last.weight.mul_(0.1)
            self.last.bias.zero_()

    @property
    def last(self) -> nn.Linear:
        """The layer whose outputs are the decisions' scores."""
        last = self.line_mlp[-1]
        assert isinstance(last, nn.Linear)
        return last

    def forward(self, lines: Tensor) -> Tensor:
        """`(B, L, d_model)` to `(B, 7, L)`."""
        return mlp(lines, self.weights).transpose(1, 2)


class FileHead(nn.Module):
    """Of the file's summary: linear, GELU, linear."""

    def __init__(self, config: ModelConfig, outputs: int) -> None:
        super().__init__()
        self.mlp = MLP(2 * config.d_model, config.hidden, outputs)
        self.weights = self.mlp.weights

    @property
    def last(self) -> nn.Linear:
        """The layer whose outputs are the head's."""
        last = self.mlp[-1]
        assert isinstance(last, nn.Linear)
        return last

    def forward(self, summary: Tensor) -> Tensor:
        """`(B, 2 * d_model)` to `(B, outputs)`."""
        return mlp(summary, self.weights)


class HistoryEncoder(nn.Module):
    """The session's history as a vector `(B, d_model)`; an unknown one is a learned vector. Zeros when fresh."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.mlp = MLP(SUMMARY_DIM, config.d_model, config.d_model)
        self.unknown = nn.Parameter(torch.zeros(config.d_model))
        for value in self.mlp[-1].parameters():
            nn.init.zeros_(value)

    def forward(self, history: Tensor | None, size: int) -> Tensor:
        """history `(B, 32)` as in `StateBatch`; None: unknown in all the B = size states."""
        if history is None:
            return self.unknown.expand(size, -1)
        return torch.where(history[:, HAS_HISTORY] > 0, self.mlp(history[:, SUMMARY]), self.unknown)


class HistoryLogitBias(nn.Module):
    """What the history adds to the logits of whole decisions, beside its influence through the network.

    It is linear, so that a handful of sessions is enough to fit it; zero when fresh and where the history is unknown.
    weight `(21, 31)`: rows as in `LOGIT_BIAS_ROWS`, columns as in `featurizers.history`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(len(LINE_HEADS) * N_DECISIONS, SUMMARY_DIM))

    def forward(self, history: Tensor) -> Tensor:
        """history `(B, 32)` as in `StateBatch`; returns the bias of all lines' logits, `(B, 21, 1)`."""
        return (history[:, SUMMARY] @ self.weight.T)[:, :, None]


class Policy(nn.Module):
    """One network for the human's or for the assistant's policy."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbones.build(config)
        self.action_head = LineHead(config)
        self.human_pred_head = LineHead(config)
        self.value_head = FileHead(config, 1)
        self.goal_head = FileHead(config, GOAL_DIM)
        self.history = HistoryEncoder(config) if config.history else None
        self.tilt = HistoryLogitBias() if config.history else None
        self.kept_head = LineHead(config) if config.predict_kept else None

    def encode(self, lines: LineFeatures) -> tuple[Tensor, Tensor]:
        """What the heads read: features of each line `(B, L, d_model)` and of the file `(B, 2 * d_model)`."""
        context = None if self.history is None else self.history.forward(lines.history, len(lines.x))
        line_vectors, summary = self.backbone(lines.x, lines.mask if lines.padded else None, context)
        return line_vectors, summary

    def forward(self, lines: LineFeatures, heads: Iterable[Head] | None = None) -> PolicyOutput:
        """Outputs of the named heads (all by default); a head that the model lacks is left out."""
        wanted = HEADS if heads is None else frozenset(heads)
        line_vectors, summary = self.encode(lines)
        outputs: dict[Head, Tensor] = {}  # `forward` directly: `__call__` takes longer
        if "action" in wanted:
            outputs["action"] = self.action_head.forward(line_vectors)
        if "human" in wanted:
            outputs["human"] = self.human_pred_head.forward(line_vectors)
        if "value" in wanted:
            outputs["value"] = self.value_head.forward(summary)[:, 0]
        if "goal" in wanted:
            outputs["goal"] = self.goal_head.forward(summary)
        if "kept" in wanted and self.kept_head is not None:
            outputs["kept"] = self.kept_head.forward(line_vectors)
        if self.tilt is not None and lines.history is not None:
            bias = self.tilt(lines.history)
            for head, rows in LOGIT_BIAS_ROWS.items():
                if head in outputs:
                    outputs[head] = outputs[head] + bias[:, rows]
        return PolicyOutput(outputs)

    def distribution(self, scores: Tensor, lines: LineFeatures, *, legal_only: bool) -> ActionDistribution:
        """The distribution over (decision, line) that scores `(B, 7, L)` of this policy's heads mean.

        legal_only: over the legal pairs alone (the assistant); else any decision may fall on any line (the human).
        """
        legal = lines.legal if legal_only else None
        return ActionDistribution.from_scores(scores, legal, lines.mask, self.config.pooling)

    @torch.no_grad()
    def set_decision_prior(self, log_probs: Tensor) -> None:
        """Lets a fresh policy begin at a class prior `(7,)` of its own decisions."""
        self.action_head.last.bias.copy_(log_probs)

    @torch.no_grad()
    def set_human_prior(self, log_probs: Tensor) -> None:
        """Lets a fresh policy's prediction of the human's decisions begin at a class prior `(7,)`."""
        self.human_pred_head.last.bias.copy_(log_probs)

    def upgraded(self) -> Policy:
        """A copy with the parts that an imported network lacks (history, p(kept)) and unchanged outputs."""
        policy = Policy(replace(self.config, history=True, predict_kept=True))
        policy.load_state_dict({**policy.state_dict(), **self.state_dict()})
        return policy.to(next(self.parameters()).device).train(self.training)
