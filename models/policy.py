"""The policy network: a backbone and its heads. Not here: the distribution over decisions (`joint.py`), files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

import backbones
from backbones.layers import TwoLayers, two_layers
from config import GOAL_DIM, N_DECISIONS, ModelConfig
from featurizers import Lines
from featurizers.history import SUMMARY_DIM

HEADS = frozenset({"action", "human", "value", "goal", "kept"})
"""`action`: scores of the own decision at each line; `human`: of the human's next one; `value`; `goal`; `kept`."""


@dataclass(frozen=True, slots=True)
class PolicyOutput:
    """What the heads say; None: not asked for, or (kept) the model has no such head.

    scores, human_scores `(B, 7, L)`: logits of a decision at a line (what stands at padding means nothing);
    value `(B,)`: expected return; goal `(B, 8)`; kept `(B, 7, L)`: logits of the share that will be kept.
    """

    scores: Tensor | None
    human_scores: Tensor | None
    value: Tensor | None
    goal: Tensor | None
    kept: Tensor | None


class LineHead(nn.Module):
    """Per line: linear, GELU, linear to one number per decision."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.line_mlp = TwoLayers(config.d_model, config.hidden, N_DECISIONS)
        self.weights = self.line_mlp.weights
        with torch.no_grad():  # a fresh head says little, so that a class prior set on its bias holds
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
        return two_layers(lines, self.weights).transpose(1, 2)


class FileHead(nn.Module):
    """Of the file's summary: linear, GELU, linear."""

    def __init__(self, config: ModelConfig, outputs: int) -> None:
        super().__init__()
        self.mlp = TwoLayers(2 * config.d_model, config.hidden, outputs)
        self.weights = self.mlp.weights

    @property
    def last(self) -> nn.Linear:
        """The layer whose outputs are the head's."""
        last = self.mlp[-1]
        assert isinstance(last, nn.Linear)
        return last

    def forward(self, summary: Tensor) -> Tensor:
        """`(B, 2 * d_model)` to `(B, outputs)`."""
        return two_layers(summary, self.weights)


class History(nn.Module):
    """The session's history as a vector `(B, d_model)`; an unknown one is a learned vector. Zeros when fresh."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.mlp = TwoLayers(SUMMARY_DIM, config.d_model, config.d_model)
        self.unknown = nn.Parameter(torch.zeros(config.d_model))
        for value in self.mlp[-1].parameters():
            nn.init.zeros_(value)

    def forward(self, history: Tensor | None, size: int) -> Tensor:
        """history `(B, 32)` as in `Batch`; None: unknown in all the B = size states."""
        if history is None:
            return self.unknown.expand(size, -1)
        return torch.where(history[:, SUMMARY_DIM:] > 0, self.mlp(history[:, :SUMMARY_DIM]), self.unknown)


class Tilt(nn.Module):
    """How the history tilts whole decisions, beside its way through the network: linear, so that a handful of sessions
    is enough to fit it. Nothing when fresh, and where the history is unknown.

    weight `(21, 31)`: seven rows each for the scores, the human's scores and p(kept).
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3 * N_DECISIONS, SUMMARY_DIM))

    def forward(self, history: Tensor) -> Tensor:
        """history `(B, 32)` as in `Batch`; what is added to all lines' logits, `(B, 21, 1)`."""
        return (history[:, :SUMMARY_DIM] @ self.weight.T)[:, :, None]


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
        self.history = History(config) if config.history else None
        self.tilt = Tilt() if config.history else None
        self.kept_head = LineHead(config) if config.predict_kept else None

    def forward(self, lines: Lines, heads: Iterable[str] | None = None) -> PolicyOutput:
        """What the named heads (all by default) say of each state."""
        wanted = HEADS if heads is None else frozenset(heads)
        context = None if self.history is None else self.history.forward(lines.history, len(lines.x))
        each, summary = self.backbone(lines.x, lines.mask if lines.padded else None, context)
        output = PolicyOutput(  # heads' formulas, called without a module's ceremony
            scores=self.action_head.forward(each) if "action" in wanted else None,
            human_scores=self.human_pred_head.forward(each) if "human" in wanted else None,
            value=self.value_head.forward(summary)[:, 0] if "value" in wanted else None,
            goal=self.goal_head.forward(summary) if "goal" in wanted else None,
            kept=self.kept_head.forward(each) if "kept" in wanted and self.kept_head is not None else None,
        )
        if self.tilt is None or lines.history is None:
            return output
        action, human, kept = self.tilt(lines.history).chunk(3, dim=1)
        return replace(
            output,
            scores=None if output.scores is None else output.scores + action,
            human_scores=None if output.human_scores is None else output.human_scores + human,
            kept=None if output.kept is None else output.kept + kept,
        )

    @torch.no_grad()
    def set_decision_prior(self, log_probs: Tensor) -> None:
        """Lets a fresh policy begin at a class prior `(7,)` of its own decisions."""
        self.action_head.last.bias.copy_(log_probs)

    @torch.no_grad()
    def set_human_prior(self, log_probs: Tensor) -> None:
        """The same for its prediction of the human's decisions."""
        self.human_pred_head.last.bias.copy_(log_probs)

    def upgraded(self) -> Policy:
        """The same network with the parts that an imported one lacks (history, p(kept)); its answers stay the same."""
        policy = Policy(replace(self.config, history=True, predict_kept=True))
        policy.load_state_dict({**policy.state_dict(), **self.state_dict()})
        return policy.to(next(self.parameters()).device).train(self.training)
