"""What searches and recordings teach, as tables."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from actions import Action, Decision
from config import PPOConfig
from state import Cursor, State, unedited
from state_adapter import Episode
from training.data import transitions
from training.networks.predictions import Predictor
from training.networks.training_networks import TrainingNetworks
from training.search import SearchResult
from training.zero_style.policy_targets import TargetBatch, targets_from_recording, targets_from_self_play


@pytest.fixture
def returns_to_go(session_of, small):
    """Policies, the data set of a game of three decisions that was cut off and of one that ended, and the value
    targets that `targets_from_self_play` makes of it, rewards being 1, 2, 4 and gamma 1/2."""
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    data = transitions.build_dataset([session_of(i, rounds=3, cut_off=i == 0) for i in range(2)], policies.featurizer)
    brought = torch.zeros(len(data.steps)).masked_scatter(~data.steps.is_human, torch.tensor([1.0, 2.0, 4.0] * 2))
    data = replace(data, steps=replace(data.steps, reward=brought))
    one = SearchResult(
        pairs=np.zeros((2, 1, 2), int), mask=np.ones((2, 1), bool), improved_policy=np.ones((2, 1)),
        mass_outside_candidates=np.zeros(2),
        **dict.fromkeys(("prior_log_probs", "selected", "value", "raw_value", "visit_counts", "qvalues"), np.zeros(2)),
    )  # fmt: skip

    def make(n):
        batch = targets_from_self_play(data, torch.zeros(6, 8), [one] * 3, policies, n_step=n, discount=0.5)
        return batch.targets.returns

    return policies, data, make


@pytest.mark.parametrize(("n", "cut_off", "ended"), [
    (1, [1 + 4, 2 + 4, 4 + 4], [1 + 4, 2 + 4, 4]),
    (2, [1 + 1 + 2, 2 + 2 + 2, 4 + 4], [1 + 1 + 2, 2 + 2, 4]),
    (3, [1 + 1 + 1 + 1, 2 + 2 + 2, 4 + 4], [1 + 1 + 1, 2 + 2, 4]),
    (5, [1 + 1 + 1 + 1, 2 + 2 + 2, 4 + 4], [1 + 1 + 1, 2 + 2, 4]),
])  # fmt: skip
def test_a_games_returns_are_n_rewards_and_then_the_heads_value(returns_to_go, n, cut_off, ended):
    """Which says 8 of every state; but nothing comes after a game that has ended."""
    policies, _, returns = returns_to_go
    with torch.no_grad():
        policies.assistant.value_head.last.weight.zero_()
        policies.assistant.value_head.last.bias.fill_(8.0)
    assert returns(n).tolist() == pytest.approx(cut_off + ended, abs=1e-5)


def test_the_value_behind_is_that_of_the_state_led_to(returns_to_go):
    policies, data, returns = returns_to_go
    with torch.no_grad():
        policies.assistant.value_head.last.weight *= 20
    steps = data.select_episodes([0, 1], is_human=False)
    first = (
        Predictor(policies.assistant, policies.featurizer, legal_only=True)
        .values(data.encoded, steps.state_index)
        .tolist()
    )
    last = (
        Predictor(policies.assistant, policies.featurizer, legal_only=True)
        .values(data.encoded, steps.bootstrap_index)
        .tolist()
    )
    expected = [1 + first[1] / 2, 2 + first[2] / 2, 4 + last[2] / 2, 1 + first[4] / 2, 2 + first[5] / 2, 4]
    assert returns(1).tolist() == pytest.approx(expected, abs=1e-4) and np.std(first[:3]) > 0.01


@pytest.fixture(scope="module")
def recorded(sessions, small_training, tmp_path_factory):
    config = small_training(tmp_path_factory.mktemp("lessons"))
    policies = TrainingNetworks.fresh(config.model, config.featurizer, 0)
    data = transitions.build_dataset(sessions, policies.featurizer, config.rewards)
    steps = data.select_episodes([1, 3], is_human=False)
    return data, steps, targets_from_recording(data, steps, policies, PPOConfig(), 4)


def test_a_recorded_decision_teaches_itself_the_more_the_better_it_was(recorded):
    _, steps, material = recorded
    found = material.targets
    learn = steps.trainable
    assert torch.equal(found.pairs[learn, 0], torch.stack([steps.decision, steps.line], dim=1)[learn])
    assert (found.policy[:, 0] == 1).all() and (found.mass_outside_candidates == 0).all()
    assert (found.weight[~learn] == 0).all() and found.weight[learn].mean() == pytest.approx(1.0)
    best, worst = steps.reward[learn].argmax(), steps.reward[learn].argmin()
    assert found.weight[learn][best] > found.weight[learn][worst]


def test_a_recorded_decision_returns_what_gae_says(recorded, small):
    """Worked backwards by hand; the head says 2 of every state, and nothing comes after a session."""
    data, steps, _ = recorded
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    with torch.no_grad():
        policies.assistant.value_head.last.weight.zero_()
        policies.assistant.value_head.last.bias.fill_(2.0)
    targets = targets_from_recording(data, steps, policies, PPOConfig(gamma=0.5, gae_lambda=0.9), 4).targets
    for session in (1, 3):
        expected, advantage, following = [], 0.0, 0.0
        for reward in reversed(steps.reward[steps.episode == session].tolist()):
            advantage = reward + 0.5 * following - 2.0 + 0.5 * 0.9 * advantage
            following = 2.0
            expected.insert(0, advantage + 2.0)
        assert targets.returns[steps.episode == session].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_decision_that_was_illegal_or_outside_the_window_is_judged_nowhere(recorded, small):
    """It teaches neither policy nor p(kept), whatever was recorded of it."""
    data, steps, _ = recorded
    policies = TrainingNetworks.fresh(small.model, small.featurizer, 0)
    judged = (steps.trainable & ~steps.retained.isnan()).nonzero().squeeze(1)
    assert len(judged) > 2
    trainable = steps.trainable.clone()
    trainable[judged[0]] = False
    unjudged = replace(steps, trainable=trainable, line_trainable=trainable & steps.line_trainable)
    targets = targets_from_recording(data, unjudged, policies, PPOConfig(), 4).targets
    assert targets.retained[judged[0]].isnan() and not targets.retained[judged[1:]].isnan().any()
    assert targets.weight[judged[0]] == 0 and targets.pairs[judged[0], 0].tolist() == [0, 0]


def test_material_survives_a_file_and_being_joined(recorded, tmp_path):
    data, steps, material = recorded
    torch.save(material.state_dict(), tmp_path / "material.pt")
    restored = TargetBatch.restored(torch.load(tmp_path / "material.pt", weights_only=True))
    joined = TargetBatch.concat([material, restored])
    count = len(steps)
    for name, value in vars(material.targets).items():
        assert torch.equal(getattr(restored.targets, name).nan_to_num(), value.nan_to_num()), name
    for part in (joined.targets.state_index[:count], joined.targets.state_index[count:]):
        batch, expected = joined.encoded.batch(part), data.encoded.batch(steps.state_index)
        assert torch.equal(batch.scalars, expected.scalars) and torch.equal(batch.legal, expected.legal)


def test_candidates_of_a_long_file_are_lines_of_the_window_that_the_network_sees(small):
    """The file has 200 lines, the window begins at line 130; a NO-OP, which has no line, stands at 0."""
    featurizer = replace(small.featurizer, h_max=40)
    policies = TrainingNetworks.fresh(small.model, featurizer, 0)
    state = State(
        tuple(f"x{i} = {i}" for i in range(200)), 0, unedited(200), unedited(200), Cursor(True, 150, 0, 0),
        last_known_line=150,
    )  # fmt: skip
    action = Action("A", Decision.EDIT_EXISTING_LINES, 155)
    episode = Episode("long", "made up", None, (state, replace(state, t=1)), (None, action), False)
    data = transitions.build_dataset([episode], policies.featurizer)
    assert data.encoded.first_line.tolist() == [130, 130]
    search = SearchResult(
        pairs=np.array([[[0, -1], [4, 155], [2, 150]]]), mask=np.ones((1, 3), bool),
        improved_policy=np.full((1, 3), 1 / 3), mass_outside_candidates=np.zeros(1),
        **dict.fromkeys(("prior_log_probs", "selected", "value", "raw_value", "visit_counts", "qvalues"), np.zeros(1)),
    )  # fmt: skip
    batch = targets_from_self_play(data, torch.zeros(1, 8), [search], policies, n_step=1, discount=1.0)
    assert batch.targets.pairs.tolist() == [[[0, 0], [4, 25], [2, 20]]]
    assert batch.targets.line.tolist() == [25]
