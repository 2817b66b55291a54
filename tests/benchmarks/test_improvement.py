"""The study of self-play measures every policy it names, on sessions that nothing learned from, and pairs by seed."""

from dataclasses import replace

import pytest

from benchmarks import improvement
from config import BCConfig, FeaturizerConfig, LoopConfig, ModelConfig, PPOConfig, ZeroStyleConfig
from errors import InputError


@pytest.fixture
def brief(monkeypatch):
    """A study of four sessions and small networks."""
    for name, value in (("SESSIONS", 4), ("HELD_OUT", 1), ("ROOTS", 3)):
        monkeypatch.setattr(improvement, name, value)
    return LoopConfig(
        featurizer=FeaturizerConfig(d_in=16, char_dim=8),
        model=ModelConfig(d_in=16, d_model=16, n_layers=1, n_heads=2, hidden=16),
        bc=BCConfig(epochs=1), ppo=PPOConfig(epochs=1),
        zero_style=ZeroStyleConfig(epochs=2, roots=2, horizon=2, simulations=2, passes=1),
    )  # fmt: skip


@pytest.mark.usefixtures("short_refit")
def test_every_policy_is_measured(brief):
    row = improvement.measure("likes_code", 0, brief, repeats=1)
    assert {name: type(row[name]) for name in improvement.POLICIES} == dict.fromkeys(improvement.POLICIES, float)
    assert row["roots"] == 3 and len(row["epochs"]) == 2
    unplayed = replace(brief, zero_style=replace(brief.zero_style, epochs=0))
    again = improvement.measure("likes_code", 0, unplayed, repeats=1)
    assert again["before"] == row["before"] and again["silent"] == row["silent"]
    assert again["after"] == again["before"]  # nothing was learned


def test_results_of_other_numbers_of_games_are_not_mixed(tmp_path):
    out = tmp_path / "results.jsonl"
    out.write_text('{"person": "likes_code", "seed": 0, "repeats": 4}\n')
    with pytest.raises(InputError, match="goes on with --repeats 4, not 16"):
        improvement.run(["likes_code"], 1, out, 1, 16)
    assert len(out.read_text().splitlines()) == 1


def test_differences_are_paired_by_seed():
    rows = [
        {"person": "x", "seed": seed, **dict.fromkeys(improvement.POLICIES, 10.0 * seed), "search": 10.0 * seed + gain}
        for seed, gain in enumerate((1.0, 1.1, 0.9, 1.0, 1.0))
    ]
    line = next(line for line in improvement.table(rows).splitlines() if "with search minus (b) BC + PPO " in line)
    assert "+1.000 ± 0.0" in line
