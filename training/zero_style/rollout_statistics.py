"""How games of self-play went, for the log. Not here: playing them, learning from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.transitions import TransitionTable
from training.search import SearchResult
from training.search.numerics import softmax


@dataclass(frozen=True)
class RolloutStatistics:
    """Statistics of G games of N decisions together.

    ids: of the games. returns, tested: `(G,)`, sum of rewards, and whether the game's tests are known. no_op: `(N,)`.
    retained: the shares retained, where known. search_gains: `(N,)`, what the search expects its policy to return
    beyond the prior. simulations: of all searches.
    """

    ids: Sequence[str]
    returns: Tensor
    tested: Tensor
    no_op: Tensor
    retained: Tensor
    search_gains: Tensor
    simulations: int

    @classmethod
    def of_games(
        cls, steps: TransitionTable, searches: Sequence[SearchResult], *, tested: Sequence[bool], ids: Sequence[str]
    ) -> RolloutStatistics:
        """Statistics of the assistant's `steps` in all games; `searches` as in `targets_from_self_play`."""
        gains = [search.value - (softmax(search.prior_log_probs) * search.qvalues).sum(-1) for search in searches]
        return cls(
            ids=ids,
            returns=torch.zeros(len(tested)).index_add(0, steps.episode, steps.reward),
            tested=torch.tensor(tested, dtype=torch.float32),
            no_op=(steps.decision == 0).float(),
            retained=steps.retained[steps.has_retention],
            search_gains=torch.from_numpy(np.concatenate(gains)),
            simulations=sum(int(search.visit_counts.sum()) for search in searches),
        )


def rollout_metrics(statistics: Sequence[RolloutStatistics]) -> dict[str, float]:
    """Means over all games of all processes, by their names in the log."""

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in statistics])

    retained = joined("retained")
    return {
        "games": float(len(joined("returns"))),
        "mean_return": float(joined("returns").mean()),
        "tested_share": float(joined("tested").mean()),
        "no_op_share": float(joined("no_op").mean()),
        "kept_share": float(retained.mean()) if len(retained) else 0.0,
        "simulations": float(sum(part.simulations for part in statistics)),
        "search_improvement": float(joined("search_gains").mean()),
    }
