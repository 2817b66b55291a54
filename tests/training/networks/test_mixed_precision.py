"""What a network answers in bfloat16 is near what it answers in float32, and it is float32."""

from dataclasses import replace

import pytest
import torch

from config import ModelConfig
from training.bc.cloning_phase import CloningPhase
from training.data import transitions
from training.networks.mixed_precision import mixed_precision_forward
from training.networks.training_networks import TrainingNetworks

MODELS = [
    ModelConfig(d_in=24, d_model=16, n_layers=2, n_heads=2, n_global_tokens=2, hidden=16, radius=2, dropout=0.0),
    ModelConfig(backbone="bigru", d_in=24, d_model=16, layers=1, hidden=16, dropout=0.0),
    ModelConfig(backbone="lstm", d_in=24, d_model=16, layers=1, hidden=16, dropout=0.0),
]


def answers(config, sessions, device, of):
    policies = TrainingNetworks.fresh(config.model, config.featurizer, 0)
    policies.to(torch.device(device))
    data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
    lines = policies.featurizer(data.encoded.batch(data.steps.state_index[:9], device))
    return of(policies.human, lines), lines


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.backbone)
def test_every_network_computes_in_bfloat16(small, sessions, model):
    """On the CPU, with the same cast of every product as on a GPU, so that no part refuses a mixture of types."""

    def reduced(policy, lines):
        with torch.autocast("cpu", torch.bfloat16):
            return policy(lines)

    config = replace(small, model=model)
    found, _ = answers(config, sessions, "cpu", reduced)
    expected, lines = answers(config, sessions, "cpu", mixed_precision_forward)
    assert any(value.dtype == torch.bfloat16 for value in found.heads.values())
    assert_near(found, expected, lines.mask)
    sum(value.float().sum() for value in found.heads.values()).backward()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.backbone)
def test_cloning_on_a_gpu_computes_in_bfloat16_and_answers_in_float32(small, sessions, model):
    config = replace(small, model=model)
    found, _ = answers(config, sessions, "cuda", mixed_precision_forward)
    expected, lines = answers(config, sessions, "cpu", mixed_precision_forward)
    assert all(value.dtype == torch.float32 for value in found.heads.values())
    assert any(not torch.equal(value.cpu(), expected.heads[name]) for name, value in found.heads.items())
    assert_near(found, expected, lines.mask)
    policies = TrainingNetworks.fresh(model, config.featurizer, 0)
    policies.to(torch.device("cuda"))
    data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
    phase = CloningPhase(policies, data, {0, 1, 2, 3, 4}, {5}, config.bc, gamma=0.99, seed=0)
    while not phase.done:
        phase.begin()
        while phase.step():
            pass
        assert phase.finish()["val_decision_nll"] < 5


def assert_near(found, expected, mask):
    for name, value in found.heads.items():
        near = (value.detach().float().cpu() - expected.heads[name].detach()).abs() < 0.05
        assert (near | ~mask[:, None].expand_as(near) if near.dim() == 3 else near).all(), name
