"""The losses of self-play as worked tables."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from featurizers import LineFeatures
from models import Policy, PolicyOutput
from training.zero_style.policy_targets import PolicyTargets
from training.zero_style.zero_style_losses import policy_cross_entropy, zero_style_losses

P = {(0, 0): 0.5, (2, 0): 0.3, (2, 1): 0.15, (5, 1): 0.05}
"""Probabilities of pairs at a state of two lines; all others are not legal."""


def log_probs(probabilities=P):
    pairs = torch.full((1, 7, 2), -math.inf)
    for (decision, line), probability in probabilities.items():
        pairs[0, decision, line] = math.log(probability)
    return pairs


def targets(candidates, policy, mass_outside_candidates=0.0):
    """One row; of the candidates, None is one that does not exist."""
    one = torch.zeros(1)
    return PolicyTargets(
        state_index=one.long(), pairs=torch.tensor([[pair or (0, 0) for pair in candidates]]),
        exists=torch.tensor([[pair is not None for pair in candidates]]), policy=torch.tensor([policy]),
        mass_outside_candidates=torch.tensor([mass_outside_candidates]), weight=one, returns=one,
        decision=one.long(), line=one.long(), retained=one,
        goal=torch.zeros(1, 8), next_human=one.long(),
    )  # fmt: skip


@pytest.mark.parametrize(("candidates", "policy", "mass_outside_candidates", "loss"), [
    ([(2, 1)], [1.0], 0.0, -math.log(0.15)),
    ([(0, 0), (2, 0)], [0.25, 0.75], 0.0, -0.25 * math.log(0.5) - 0.75 * math.log(0.3)),
    ([(0, 0), (2, 0)], [0.25, 0.75], 0.2, -0.8 * (0.25 * math.log(0.5) + 0.75 * math.log(0.3)) - 0.2 * math.log(0.2)),
    ([(0, 0), (2, 0), None], [1.0, 0.0, 0.0], 0.5, -0.5 * math.log(0.5) - 0.5 * math.log(0.2)),
    ([(0, 0), (6, 1)], [1.0, 0.0], 0.0, -math.log(0.5)),  # what is not legal has no mass and does no harm
])  # fmt: skip
def test_the_target_is_learned_by_cross_entropy(candidates, policy, mass_outside_candidates, loss):
    found = policy_cross_entropy(log_probs(), targets(candidates, policy, mass_outside_candidates))
    assert found.tolist() == pytest.approx([loss], abs=1e-5)


@given(st.floats(0.05, 0.95), st.floats(0.0, 0.9), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_nothing_is_better_than_the_target_itself(first, mass_outside_candidates, a, b):
    """What is not among the candidates keeps `mass_outside_candidates` together, in whichever proportions."""
    lesson = targets([(0, 0), (2, 0)], [first, 1 - first], mass_outside_candidates)
    rest = max(mass_outside_candidates, 1e-6)
    best = {(0, 0): (1 - rest) * first, (2, 0): (1 - rest) * (1 - first), (2, 1): rest / 3, (5, 1): rest / 1.5}
    other = {(0, 0): (1 - b) * a, (2, 0): (1 - b) * (1 - a), (2, 1): b / 3, (5, 1): b / 1.5}
    assert policy_cross_entropy(log_probs(best), lesson) <= policy_cross_entropy(log_probs(other), lesson) + 1e-4


def says(probabilities, **more):
    """A policy, as far as losses ask it: it gives these probabilities at every state of two lines."""
    scores = log_probs(probabilities).clamp(min=-50)
    scores[:, 0] = math.log(probabilities[0, 0] / 2)  # a NO-OP is scored at every line, and `sum` adds them up

    class Said(SimpleNamespace):
        distribution = Policy.distribution

        def __call__(self, lines):
            each = {name: value.expand(len(lines.x), *value.shape[1:]) for name, value in self.output.items()}
            return PolicyOutput(each)

    return Said(config=SimpleNamespace(pooling="sum"), output={"action": scores, **more})


def test_losses_are_means_over_the_rows_that_know():
    """Of two; the second has no weight, no reply, and nothing that was kept or not."""
    start = {(0, 0): 0.2, (2, 0): 0.2, (2, 1): 0.2, (5, 1): 0.4}
    human_scores = torch.zeros(1, 7, 2)
    human_scores[0, 3] = math.log(4.0)
    policy = says(
        P, human=human_scores, value=torch.tensor([1.0]), goal=torch.zeros(1, 8),
        kept=torch.zeros(1, 7, 2).index_fill(1, torch.tensor([2]), math.log(3.0)),
    )  # fmt: skip
    legal = log_probs().isfinite()
    legal[:, 0] = True
    lines = LineFeatures(torch.zeros(2, 2, 4), torch.ones(2, 2, dtype=torch.bool), False, legal.expand(2, -1, -1), None)
    rows = replace(
        targets([(2, 1)], [1.0]).select(torch.tensor([0, 0])), weight=torch.tensor([3.0, 0.0]),
        pairs=torch.tensor([[[2, 1]], [[6, 1]]]), decision=torch.tensor([2, 0]), retained=torch.tensor([0.5, math.nan]),
        next_human=torch.tensor([3, -1]), returns=torch.tensor([5.0, -1.0]),
        goal=torch.stack([torch.full((8,), 0.5), torch.zeros(8)]),
    )  # fmt: skip
    found = zero_style_losses(policy, lines, rows, 2.0, log_probs(start).expand(2, -1, -1))
    assert {name: part.value.item() for name, part in found.items()} == pytest.approx({
        "policy_loss": -math.log(0.15),
        "value_loss": (0.5 * (4 / 2) ** 2 + 0.5 * (2 / 2) ** 2) / 2,
        "next_human_loss": -math.log(0.4),  # e^score: 4 of 4 + 6 * 1
        "goal_loss": 0.25 / 2,
        "kept_loss": -0.5 * math.log(0.75) - 0.5 * math.log(0.25),
        "kl_start": sum(q * math.log(q / P[pair]) for pair, q in start.items()),
    }, abs=1e-5)  # fmt: skip
