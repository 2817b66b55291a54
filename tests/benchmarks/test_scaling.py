"""The benchmark of scaling times every part, and its table adds up."""

import shutil
from argparse import Namespace
from functools import partial

import pytest

from benchmarks import scaling
from benchmarks.scaling import PARTS, Costs, costs, memory_per_session, show
from config import FeaturizerConfig, ModelConfig, TrainConfig


def test_every_part_is_timed_on_as_many_sessions_as_asked_for(sample_sessions, tmp_path, monkeypatch):
    small = {
        "featurizer": FeaturizerConfig(d_in=16, char_dim=8),
        "model": ModelConfig(d_in=16, d_model=16, n_layers=1, n_heads=2, hidden=16),
    }
    monkeypatch.setattr(scaling, "TrainConfig", partial(TrainConfig, **small))
    shutil.copytree(min(sample_sessions.iterdir()), tmp_path / "session")
    found = costs(tmp_path, 2, "cpu")
    assert found.sessions == 2
    assert found.counts.keys() == set(PARTS) and all(found.counts.values())
    assert all(found.clock[part] > 0 and found.core[part] >= 0 for part in PARTS)
    assert found.counts["ppo: steps"] == 2 * found.counts["ppo: answers"]


def test_what_a_session_takes_in_memory_does_not_depend_on_how_many_there_are(sample_sessions, tmp_path):
    for name in "ab":
        shutil.copytree(sample_sessions, tmp_path / name)
    of_one = memory_per_session(sample_sessions)
    assert memory_per_session(tmp_path) == pytest.approx(of_one, rel=0.2)
    assert min(of_one) > 1


def test_hours_are_of_a_core_and_gains_of_the_clock(capsys):
    counts = dict.fromkeys(PARTS, 100)
    one = Costs(10, dict.fromkeys(PARTS, 8.0), dict.fromkeys(PARTS, 4.0), counts, 7.0, (0.001, 4.0))
    two = Costs(10, dict.fromkeys(PARTS, 5.0), dict.fromkeys(PARTS, 3.0), counts, 9.0, (0.002, 4.0))
    show([one], [two], Namespace(sessions=9000, processes=2, device="cpu"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["read", "100", "states", "25", "1.60x", "0.75", "1.0"]
    assert lines[8].split() == ["self-play:", "games", "100", "games", "25", "1.60x", "0.75", "0.1"]
    assert "at most 7 MB" in lines[-2] and lines[-1].endswith("4.0 MB: 2.0 ms")
