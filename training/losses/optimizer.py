"""The one place where a loss becomes a change of weights: AdamW with clipped gradients. Not here: losses, schedules.

Gradients pass through as one flat vector, which the processes of a larger run add up here. Written out instead of
`torch.optim`, which imports a compiler that costs a short training more than the training.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from config import BCConfig, PPOConfig
from errors import InputError
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class NotFiniteError(InputError):
    """A loss or gradient that is not a number: the run stops and what it had saved stays as it is."""


class Optimizer:
    """AdamW (Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 2); matrices decay, vectors
    (biases, norms) do not."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, learning_rate: float, weight_decay: float, grad_clip: float,
        distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.distributed = distributed
        self.parameters = [p for p in parameters if p.requires_grad]
        self.learning_rate, self.grad_clip = learning_rate, grad_clip
        sizes = [p.numel() for p in self.parameters]
        device = self.parameters[0].device if self.parameters else None
        self.mean, self.square = torch.zeros(sum(sizes), device=device), torch.zeros(sum(sizes), device=device)
        self.decays = [weight_decay * (p.dim() > 1) for p in self.parameters]
        self.sizes, self.count = sizes, 0

    @classmethod
    def from_config(
        cls,
        parameters: Iterable[nn.Parameter],
        config: BCConfig | PPOConfig,
        distributed: DistributedContext = SINGLE_PROCESS,
    ) -> Optimizer:
        """An optimizer of a phase, with the phase's settings."""
        return cls(
            parameters, learning_rate=config.learning_rate, weight_decay=config.weight_decay,
            grad_clip=config.grad_clip, distributed=distributed,
        )  # fmt: skip

    def step(self, loss: Tensor, where: str) -> float:
        """Moves the weights down `loss`, a scalar; returns the gradient's norm before clipping. Collective: what goes
        down is the sum of all processes' losses.

        Raises NotFiniteError, beginning with `where`, if the loss or a gradient is not finite; nothing is changed then.
        """
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in self.parameters]
        flat = self.distributed.all_reduce_sum(torch.cat([*gradients, loss.detach().view(1)]))
        gradient, total = flat[:-1], flat[-1]
        _require_finite(total.item(), "loss", where)
        norm = float(gradient.norm())
        _require_finite(norm, "gradient's norm", where)
        self._apply(gradient.mul_(min(1.0, self.grad_clip / (norm + 1e-6))))
        return norm

    @torch.no_grad()
    def _apply(self, gradient: Tensor) -> None:
        self.count += 1
        first, second = BETAS
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (self.square / (1 - second**self.count)).sqrt_().add_(EPSILON)
        change = (self.mean / (1 - first**self.count)).div_(scale)
        for parameter, delta, decay in zip(self.parameters, torch.split(change, self.sizes), self.decays, strict=True):
            if decay:
                parameter.mul_(1 - self.learning_rate * decay)
            parameter.sub_(delta.view_as(parameter), alpha=self.learning_rate)

    def state_dict(self) -> dict[str, object]:
        return {"mean": self.mean.clone(), "square": self.square.clone(), "count": self.count}

    def load_state_dict(self, saved: dict[str, object]) -> None:
        self.mean.copy_(saved["mean"])  # type: ignore[arg-type]
        self.square.copy_(saved["square"])  # type: ignore[arg-type]
        self.count = int(saved["count"])  # type: ignore[call-overload]


def _require_finite(value: float, name: str, where: str) -> None:
    if not math.isfinite(value):
        raise NotFiniteError(where, f"the {name} is {value}; the run stops, the current models are as they were")
