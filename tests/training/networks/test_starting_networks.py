"""A training begins with fresh networks, or with the current models of the same backbone."""

from dataclasses import replace

import pytest
import torch

from errors import InputError, NotFoundError
from models import store
from training.networks.starting_networks import starting_networks


def publish(config):
    """Makes fresh networks of a config current; returns them."""
    networks = starting_networks(replace(config, init_from_pv=False))
    store.publish(config.pv_dir, networks, {"trained_on": "person"})
    return networks


def test_fresh_networks_are_what_the_config_says(small):
    publish(replace(small, seed=1))
    networks = starting_networks(small)
    assert not networks.loaded and networks.human.config == small.model
    assert all(torch.equal(*pair) for pair in zip(networks.tensors(), starting_networks(small).tensors(), strict=True))


def test_current_models_are_loaded_whatever_the_seed(small):
    current = publish(small)
    networks = starting_networks(replace(small, init_from_pv=True, seed=9))
    assert networks.loaded
    expected = current.assistant.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in networks.assistant.state_dict().items())


def test_without_current_models_there_is_nothing_to_load(small):
    with pytest.raises(NotFoundError, match="no current models to start from"):
        starting_networks(replace(small, init_from_pv=True))


def test_models_of_another_backbone_are_refused(small):
    publish(small)
    other = replace(small, init_from_pv=True, model=replace(small.model, backbone="lstm"))
    with pytest.raises(InputError, match="the current backbone is lg_transformer, asked for is lstm"):
        starting_networks(other)
