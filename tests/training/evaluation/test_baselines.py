"""What policies begin with and are compared with, counted from recorded decisions."""

from dataclasses import replace

import pytest
import torch

from actions import Decision
from featurizers import Featurizer
from training.data.transitions import build_dataset
from training.evaluation.held_out_report import Baselines


def test_decisions_that_were_not_legal_are_nobodys_behaviour(small, sessions):
    """Else a policy would begin by preferring what it may not do."""
    one = sessions[0]
    skeleton = [
        replace(move, decision=Decision.EDIT_EXISTING_LINES, line=0) if move and move.agent == "A" else move
        for move in one.actions
    ]
    featurizer = Featurizer(small.featurizer)
    data = build_dataset([replace(one, actions=tuple(skeleton)), *sessions[1:]], featurizer)
    found, without = Baselines.from_steps(data.steps), Baselines.from_steps(data.select_episodes(range(1, 6)))
    assert data.illegal > 3
    assert torch.equal(found.behaviour.decision_weights, without.behaviour.decision_weights)
    assert torch.equal(found.behaviour.line_weights, without.behaviour.line_weights)


def test_without_an_assistant_every_decision_is_as_probable(small, sessions):
    alone = [replace(one, actions=tuple(m if m and m.agent == "H" else None for m in one.actions)) for one in sessions]
    found = Baselines.from_steps(build_dataset(alone, Featurizer(small.featurizer)).steps)
    assert found.behaviour.decision_log_prior().exp().tolist() == pytest.approx([1 / 7] * 7)
    assert found.retained_share == 0.5
