"""A training that does not fit into memory is refused with an estimate before anything is built or written."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from config import RETENTION_STATES, ModelConfig, SearchConfig
from errors import InputError
from models.network_size import policy_parameters
from training.networks import training_networks
from training.runs import memory_estimate
from training.runs.memory_estimate import estimate_memory, require_memory
from training.train_from_episodes import train_from_episodes

CPU = torch.device("cpu")
HUGE = ModelConfig(d_in=24, d_model=4096, n_layers=64, hidden=4096)


def with_model(config, model):
    return replace(config, model=model, featurizer=replace(config.featurizer, d_in=model.d_in))


def test_a_model_that_does_not_fit_is_refused_with_an_estimate_before_it_is_built(small, sessions, monkeypatch):
    monkeypatch.setattr(training_networks.TrainingNetworks, "fresh", lambda *_: pytest.fail("it was built"))
    with pytest.raises(InputError) as caught:
        train_from_episodes(with_model(small, HUGE), sessions)
    assert "needs about" in str(caught.value) and "GiB are available" in str(caught.value)
    assert "\n" not in str(caught.value) and not small.checkpoint_dir.exists() and not small.pv_dir.exists()


@pytest.mark.parametrize("change", [
    lambda config: with_model(config, replace(HUGE, n_layers=1, d_model=2048)),
    lambda config: replace(config, bc=replace(config.bc, batch_size=100_000), model=replace(config.model, hidden=4096)),
    lambda config: replace(config, ppo=replace(config.ppo, batch_size=100_000)),
    lambda config: replace(config, zero_style=replace(config.zero_style, roots=100_000, simulations=10_000)),
], ids=["networks", "minibatch", "self-play's minibatch", "search"])  # fmt: skip
def test_each_part_of_the_estimate_counts(small, sessions, change, monkeypatch):
    needed = estimate_memory(small, sessions).total
    monkeypatch.setattr(memory_estimate, "available_memory", lambda device: 2 * needed)
    require_memory(small, sessions, CPU)
    with pytest.raises(InputError, match=r"but .* are available"):
        require_memory(change(small), sessions, CPU)


def test_only_phases_with_epochs_count_and_lines_that_exist(small, sessions):
    without = replace(small, zero_style=replace(small.zero_style, epochs=0, roots=100_000))
    assert estimate_memory(without, sessions).search == 0 < estimate_memory(small, sessions).search
    longer = replace(small, featurizer=replace(small.featurizer, h_max=100_000))
    assert estimate_memory(longer, sessions) == estimate_memory(small, sessions)


def test_the_games_that_are_learned_from_count(small, sessions):
    def replay(**changes):
        return estimate_memory(replace(small, zero_style=replace(small.zero_style, **changes)), sessions).replay

    assert replay(epochs=0) == 0
    assert replay(epochs=9, replay=6, horizon=4) == 2 * replay(epochs=9, replay=3, horizon=4)
    assert replay(epochs=3, replay=1000) == replay(epochs=3, replay=3)
    assert replay(horizon=9) == 2 * replay(horizon=4)


def test_the_states_at_which_retention_is_fitted_count(small, sessions):
    estimate = estimate_memory(small, sessions)
    lines = max(len(state.lines) for episode in sessions for state in episode.states)
    assert estimate.retention > 4 * RETENTION_STATES * lines * (small.model.d_model + small.model.d_in)
    fitted = replace(estimate, retention=estimate.total)
    assert fitted.total == estimate.networks + estimate.replay + estimate.total
    without = replace(small, model=replace(small.model, predict_kept=False))
    assert estimate_memory(without, sessions).retention == 0


def test_the_search_counts_the_candidates_of_its_settings(small, sessions, monkeypatch):
    before = estimate_memory(small, sessions).search
    monkeypatch.setattr(memory_estimate, "SearchConfig", partial(SearchConfig, candidates=1000))
    assert estimate_memory(small, sessions).search > 2 * before


def test_what_nothing_says_refuses_nothing(small, sessions, monkeypatch):
    monkeypatch.setattr(memory_estimate, "available_memory", lambda device: None)
    require_memory(with_model(small, HUGE), sessions, CPU)


MEASURE = """
import sys, torch
from config import RETENTION_STATES, ModelConfig, SearchConfig
from featurizers import LineFeatures
from models import Policy

def memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

config = ModelConfig(backbone=sys.argv[1])
policy = Policy(config).train()
mask = torch.ones(16, 300, dtype=torch.bool)
mask[0, -1] = False
lines = LineFeatures(torch.randn(16, 300, config.d_in), mask, True, torch.ones(16, 7, 300, dtype=torch.bool), None)
before = memory("VmRSS")
output = policy(lines)
sum(part.square().sum() for part in (output.scores, output.human_scores, output.value, output.goal)).backward()
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says what a process has needed")
@pytest.mark.parametrize("backbone", ["lg_transformer", "lstm"])
def test_the_estimate_of_a_minibatch_is_near_what_one_takes(warm_python, backbone):
    measured = int(warm_python(["-c", MEASURE, backbone]).communicate(timeout=300)[0])
    model = ModelConfig(backbone=backbone)
    estimate = memory_estimate._minibatch_bytes(model, 16, 300, 1) + 4 * policy_parameters(model)
    assert 0.5 * measured < estimate < 2 * measured
