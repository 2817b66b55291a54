"""The networks of a run: where they come from, what the assistant begins as, and that a kill loses nothing of them."""

from dataclasses import replace

import pytest
import torch

from errors import InputError
from models.policy import LOGIT_BIAS_ROWS
from training.networks.training_networks import TrainingNetworks, weights_of


@pytest.fixture
def networks(small):
    """Fresh networks."""
    return TrainingNetworks.fresh(small.model, small.featurizer, 0)


def same_weights(first, second):
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(name == other and torch.equal(value, twin) for (name, value), (other, twin) in pairs)


def shift(*modules):
    """Moves all weights, as training would."""
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                parameter.add_(0.1)


def reloaded(networks, config):
    """The same networks, as if they were the current models."""
    return TrainingNetworks.from_models(networks.human, networks.assistant, networks.featurizer, config)


def test_fresh_weights_follow_from_the_seed_and_both_agents_begin_alike(small, networks):
    again, other = (TrainingNetworks.fresh(small.model, small.featurizer, seed) for seed in (0, 1))
    assert all(torch.equal(one, two) for one, two in zip(networks.tensors(), again.tensors(), strict=True))
    assert not same_weights(networks.human, other.human)
    assert same_weights(networks.human, networks.assistant) and not networks.loaded


def test_a_fresh_assistant_becomes_the_cloned_human_with_the_decisions_of_the_recordings(networks):
    log_prior = torch.linspace(-3, -1, 7)
    shift(networks.human, networks.human.tilt, networks.featurizer)
    networks.initialise_assistant(log_prior, seed=1)
    assistant, human = networks.assistant, networks.human
    assert same_weights(assistant.backbone, human.backbone) and same_weights(assistant.kept_head, human.kept_head)
    assert torch.equal(assistant.action_head.last.bias, log_prior)
    own_rows = LOGIT_BIAS_ROWS["action"]
    assert not assistant.tilt.weight[own_rows].any()
    assert torch.equal(assistant.tilt.weight[own_rows.stop :], human.tilt.weight[own_rows.stop :])
    assert same_weights(networks.initial_assistant, assistant)
    assert same_weights(networks.initial_featurizer, networks.featurizer)


def test_a_loaded_assistant_stays_what_it_was(small, networks):
    shift(networks.assistant)
    loaded = reloaded(networks, small.featurizer)
    before = weights_of(loaded.assistant)
    loaded.initialise_assistant(torch.zeros(7), seed=1)
    assert loaded.loaded and all(
        torch.equal(before[name], value) for name, value in weights_of(loaded.assistant).items()
    )


def test_what_anchors_the_assistant_does_not_learn_with_it(small, networks):
    loaded = reloaded(networks, small.featurizer)
    shift(loaded.assistant, loaded.featurizer)
    assert not same_weights(loaded.assistant, loaded.initial_assistant)
    assert not same_weights(loaded.featurizer, loaded.initial_featurizer)


def test_current_models_take_over_which_lines_are_seen_and_which_parts_learn(small, networks):
    config = replace(small.featurizer, h_max=77, w_max=9, train_text_embedder=True, train_featurizer_projector=False)
    loaded = reloaded(networks, config)
    assert loaded.featurizer.config == replace(config, w_max=small.featurizer.w_max)
    learning = {name.split(".")[0] for name, value in loaded.featurizer.named_parameters() if value.requires_grad}
    assert learning == {"text_embedder"}


def test_an_imported_policy_gets_a_new_retention_head(small):
    networks = TrainingNetworks.fresh(replace(small.model, predict_kept=False), small.featurizer, 0)
    loaded = reloaded(networks, small.featurizer)
    assert loaded.retention_head_is_new and loaded.assistant.kept_head is not None
    assert not reloaded(loaded, small.featurizer).retention_head_is_new


def test_settings_that_loaded_networks_do_not_follow_are_named_with_what_is_so_instead(small, networks):
    model, featurizer = replace(small.model, d_model=32), replace(small.featurizer, char_dim=4)
    assert networks.ignored_settings(small.model, small.featurizer) == []
    assert networks.ignored_settings(model, featurizer) == ["featurizer.char_dim (it is 8)", "model.d_model (it is 16)"]


def test_what_is_saved_is_restored(small, networks):
    shift(networks.human, networks.initial_assistant, networks.initial_featurizer)
    loaded = reloaded(networks, small.featurizer)
    for saved in (networks, loaded):
        restored = TrainingNetworks.restored(saved.state_dict(), "resume.pt")
        assert restored.loaded is saved.loaded
        assert all(torch.equal(one, two) for one, two in zip(restored.tensors(), saved.tensors(), strict=True))


def test_a_damaged_state_is_one_line_that_names_its_file(networks):
    saved = networks.state_dict()
    del saved["human"]["model_state_dict"]["value_head.mlp.0.weight"]
    with pytest.raises(InputError, match=r"^resume\.pt: ") as refused:
        TrainingNetworks.restored(saved, "resume.pt")
    assert "\n" not in str(refused.value)


def test_copied_weights_do_not_move_with_the_module(networks):
    copied = weights_of(networks.human)
    shift(networks.human)
    assert not any(torch.equal(copied[name], value) for name, value in networks.human.named_parameters())
