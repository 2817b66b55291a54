"""What searches and recordings teach, as tables."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from config import PPOConfig
from training import dataset
from training.lessons import Lessons, Material, of_recording, target_loss
from training.policies import Policies

P = {(0, 0): 0.5, (2, 0): 0.3, (2, 1): 0.15, (5, 1): 0.05}
"""Probabilities of pairs at a state of two lines; all others are not legal."""


def log_probs(probabilities=P):
    pairs = torch.full((1, 7, 2), -math.inf)
    for (decision, line), probability in probabilities.items():
        pairs[0, decision, line] = math.log(probability)
    return pairs


def lessons(candidates, policy, outside=0.0):
    """One row; of the candidates, None is one that does not exist."""
    one = torch.zeros(1)
    return Lessons(
        row=one.long(), pairs=torch.tensor([[pair or (0, 0) for pair in candidates]]),
        exists=torch.tensor([[pair is not None for pair in candidates]]), policy=torch.tensor([policy]),
        outside=torch.tensor([outside]), weight=one, returns=one, decision=one.long(), line=one.long(), kept=one,
        goal=torch.zeros(1, 8), next_human=one.long(),
    )  # fmt: skip


@pytest.mark.parametrize(("candidates", "policy", "outside", "loss"), [
    ([(2, 1)], [1.0], 0.0, -math.log(0.15)),
    ([(0, 0), (2, 0)], [0.25, 0.75], 0.0, -0.25 * math.log(0.5) - 0.75 * math.log(0.3)),
    ([(0, 0), (2, 0)], [0.25, 0.75], 0.2, -0.8 * (0.25 * math.log(0.5) + 0.75 * math.log(0.3)) - 0.2 * math.log(0.2)),
    ([(0, 0), (2, 0), None], [1.0, 0.0, 0.0], 0.5, -0.5 * math.log(0.5) - 0.5 * math.log(0.2)),
    ([(0, 0), (6, 1)], [1.0, 0.0], 0.0, -math.log(0.5)),  # what is not legal has no mass and does no harm
])  # fmt: skip
def test_the_target_is_learned_by_cross_entropy(candidates, policy, outside, loss):
    found = target_loss(log_probs(), lessons(candidates, policy, outside))
    assert found.tolist() == pytest.approx([loss], abs=1e-5)


@given(st.floats(0.05, 0.95), st.floats(0.0, 0.9), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_nothing_is_better_than_the_target_itself(first, outside, a, b):
    """What is not among the candidates keeps `outside` together, in whichever proportions."""
    lesson = lessons([(0, 0), (2, 0)], [first, 1 - first], outside)
    rest = max(outside, 1e-6)
    best = {(0, 0): (1 - rest) * first, (2, 0): (1 - rest) * (1 - first), (2, 1): rest / 3, (5, 1): rest / 1.5}
    other = {(0, 0): (1 - b) * a, (2, 0): (1 - b) * (1 - a), (2, 1): b / 3, (5, 1): b / 1.5}
    assert target_loss(log_probs(best), lesson) <= target_loss(log_probs(other), lesson) + 1e-4


@pytest.fixture(scope="module")
def recorded(sessions, small_training, tmp_path_factory):
    config = small_training(tmp_path_factory.mktemp("lessons"))
    policies = Policies.fresh(config.model, config.featurizer, 0)
    data = dataset.build(sessions, policies.featurizer, config.rewards)
    steps = data.of([1, 3], by_human=False)
    return data, steps, of_recording(data, steps, policies, PPOConfig(), 4)


def test_a_recorded_decision_teaches_itself_the_more_the_better_it_was(recorded):
    _, steps, material = recorded
    found = material.lessons
    learn = steps.learn
    assert torch.equal(found.pairs[learn, 0], torch.stack([steps.decision, steps.line], dim=1)[learn])
    assert (found.policy[:, 0] == 1).all() and (found.outside == 0).all()
    assert (found.weight[~learn] == 0).all() and found.weight[learn].mean() == pytest.approx(1.0)
    best, worst = steps.reward[learn].argmax(), steps.reward[learn].argmin()
    assert found.weight[learn][best] > found.weight[learn][worst]


def test_material_survives_a_file_and_being_joined(recorded, tmp_path):
    data, steps, material = recorded
    torch.save(material.state_dict(), tmp_path / "material.pt")
    restored = Material.restored(torch.load(tmp_path / "material.pt", weights_only=True))
    joined = Material.concat([material, restored])
    count = len(steps)
    for name, value in vars(material.lessons).items():
        assert torch.equal(getattr(restored.lessons, name).nan_to_num(), value.nan_to_num()), name
    for part in (joined.lessons.row[:count], joined.lessons.row[count:]):
        batch, expected = joined.encoded.batch(part), data.encoded.batch(steps.row)
        assert torch.equal(batch.scalars, expected.scalars) and torch.equal(batch.legal, expected.legal)
