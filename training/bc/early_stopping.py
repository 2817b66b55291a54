"""When cloning has learned enough: the weights of the epoch that was best on held-out sessions are taken.

Not here: the measure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import nn

from training.networks.training_networks import Tensors, weights_of


class EarlyStopping:
    """Watches a loss, the lower the better, and keeps a copy of the modules' weights whenever it falls.

    epochs_since_best: losses observed since the lowest one.
    """

    def __init__(self, modules: Mapping[str, nn.Module], patience: int) -> None:
        self.modules = modules
        self.patience = patience
        self.epochs_since_best = 0
        self.best_loss = math.inf
        self.best_weights: dict[str, Tensors] = {}

    @property
    def exhausted(self) -> bool:
        """Whether the loss has not fallen for `patience` observations."""
        return self.epochs_since_best >= self.patience

    def observe(self, loss: float) -> None:
        if loss < self.best_loss:
            self.best_loss, self.epochs_since_best = loss, 0
            self.best_weights = {name: weights_of(module) for name, module in self.modules.items()}
        else:
            self.epochs_since_best += 1

    def restore_best(self) -> None:
        """Loads the weights of the lowest loss; nothing was observed: leaves the modules as they are."""
        for name, weights in self.best_weights.items():
            self.modules[name].load_state_dict(weights)

    def state_dict(self) -> dict[str, object]:
        return {"since_best": self.epochs_since_best, "best_loss": self.best_loss, "best": self.best_weights}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        self.epochs_since_best = state["since_best"]  # type: ignore[assignment]
        self.best_loss = state["best_loss"]  # type: ignore[assignment]
        self.best_weights = state["best"]  # type: ignore[assignment]
