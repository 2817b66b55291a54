"""The loop that every phase learns in: one minibatch after another, one step of the optimizer for each.

Not here: the losses of a minibatch and how much each counts (the phases), the order of rows (`data/minibatches.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.optimizer import Optimizer
from training.losses.weighted_means import WeightedMean, all_reduce_means

Losses = Mapping[str, WeightedMean]
"""The parts of a minibatch's loss by name: means over the rows that each part applies to."""


class MetricSums:
    """Sums of named numbers over an epoch's minibatches."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}

    def add(self, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def means(self, count: int) -> dict[str, float]:
        return {name: total / max(count, 1) for name, total in self.sums.items()}


class MinibatchLoop:
    """Goes through the minibatches of an epoch and adds up their metrics.

    total_loss: what the optimizer minimises, from the means of a minibatch's losses by name. distributed: the processes
    that share each minibatch, collectively. position: minibatches of this epoch that have been learned from.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_loss: Callable[[Mapping[str, Tensor]], Tensor],
        distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:
        self.optimizer = optimizer
        self.total_loss = total_loss
        self.distributed = distributed
        self.batches: Sequence[Tensor] = []
        self.position = 0
        self.metrics = MetricSums()

    def begin(self, batches: Sequence[Tensor]) -> None:
        """Takes an epoch's minibatches, rows of each; goes on at `position`, where an interrupted epoch was."""
        self.batches = batches

    def step(
        self,
        losses_of: Callable[[Tensor], Losses],
        label: str,
        stop: Callable[[Mapping[str, Tensor]], bool] | None = None,
    ) -> bool:
        """Learns from one minibatch. False: none is left, or `stop` is true of its means and nothing is learned.

        losses_of: the losses of a minibatch of these rows `(B,)`, of which this process has its share. label: where an
        error says that it happened. Raises NotFiniteError: the loss or its gradient is not finite.
        """
        if self.position >= len(self.batches):
            return False
        rows = self.batches[self.position]
        shares, means = all_reduce_means(losses_of(rows), self.distributed, counts=self.distributed.has_rows(rows))
        if stop is not None and stop(means):
            return False
        norm = self.optimizer.step(self.total_loss(shares), f"{label}, step {self.position + 1}")
        self.metrics.add({name: mean.item() for name, mean in means.items()})
        self.metrics.add({"loss": self.total_loss(means).item(), "gradient_norm": norm})
        self.position += 1
        return True

    def finish(self) -> dict[str, float]:
        """Ends the epoch; returns the means of its metrics over its minibatches."""
        means = self.metrics.means(self.position)
        self.reset()
        return means

    def reset(self) -> None:
        """Forgets what was counted: the next epoch begins."""
        self.position = 0
        self.metrics = MetricSums()

    def state_dict(self) -> dict[str, object]:
        return {"position": self.position, "sums": dict(self.metrics.sums)}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        self.position = state["position"]  # type: ignore[assignment]
        self.metrics.sums = dict(state["sums"])  # type: ignore[call-overload]
