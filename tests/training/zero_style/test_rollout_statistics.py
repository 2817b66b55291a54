"""How games went, in the log's numbers: over all games of all processes, not as a mean of means."""

import pytest
import torch

from training.zero_style.rollout_statistics import RolloutStatistics, rollout_metrics


def statistics(**change):
    """Two games of three decisions."""
    parts = {
        "ids": ["a", "b"], "returns": torch.tensor([1.0, 3.0]), "tested": torch.tensor([1.0, 0.0]),
        "no_op": torch.tensor([1.0, 0.0, 0.0]), "retained": torch.tensor([0.5]),
        "search_gains": torch.tensor([0.0, 0.3, 0.0]), "simulations": 12,
    }  # fmt: skip
    return RolloutStatistics(**parts | change)


def test_games_count_alike_whichever_process_played_them():
    one_game = statistics(
        ids=["c"], returns=torch.tensor([8.0]), tested=torch.ones(1), no_op=torch.ones(1),
        retained=torch.tensor([0.0, 1.0, 1.0]), search_gains=torch.ones(1), simulations=4,
    )  # fmt: skip
    assert rollout_metrics([statistics(), one_game]) == pytest.approx(
        {
            "games": 3, "mean_return": 4.0, "tested_share": 2 / 3, "no_op_share": 0.5, "kept_share": 2.5 / 4,
            "simulations": 16, "search_improvement": 1.3 / 4,
        }
    )  # fmt: skip


def test_where_no_help_was_judged_the_share_kept_is_0():
    assert rollout_metrics([statistics(retained=torch.zeros(0))])["kept_share"] == 0.0
