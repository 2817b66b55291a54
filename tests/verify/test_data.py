"""Causality and advantages: each check passes, and fails when what it checks is broken."""

from __future__ import annotations

import dataclasses
import importlib

import pytest
import torch

from featurizers import Featurizer
from state_adapter import Episode
from training.ppo import ppo_update
from verify.data import causality, gae_per_episode

# By name, because only state_adapter may import episodes.
episode_builder = importlib.import_module("episodes.episode_builder")
json_reader = importlib.import_module("episodes.json_reader")
TRANSITIONS, GAE, ENCODE = Episode.transitions, ppo_update.gae, Featurizer.encode


def test_checks_pass(small):
    for check in (causality, gae_per_episode):
        assert check(small)["passed"], check.__name__


def test_a_decision_paired_with_the_state_it_produced_is_found(small, monkeypatch):
    def transitions(episode, agent):
        return [dataclasses.replace(t, index=t.index + 1, state=t.next) for t in TRANSITIONS(episode, agent)]

    monkeypatch.setattr(Episode, "transitions", transitions)
    result = causality(small)
    assert result["leaks"]
    assert not result["passed"]


def test_a_decision_paired_with_an_older_state_is_found(small, monkeypatch):
    def transitions(episode, agent):
        found = TRANSITIONS(episode, agent)
        return [
            dataclasses.replace(t, index=max(t.index - 1, 0), state=episode.states[max(t.index - 1, 0)]) for t in found
        ]

    monkeypatch.setattr(Episode, "transitions", transitions)
    assert causality(small)["unseen"]


def episode_with(change):
    """Makes episodes whose states are changed."""
    return lambda *, states, **others: Episode(states=change(states), **others)


def test_a_history_that_knows_the_future_is_found(small, monkeypatch):
    def tell_future(states):
        known = {past.t: past for past in states[-1].history}
        return tuple(dataclasses.replace(s, history=tuple(known.get(p.t, p) for p in s.history)) for s in states)

    monkeypatch.setattr(episode_builder, "Episode", episode_with(tell_future))
    assert causality(small)["leaks"]


def test_attribution_from_the_last_state_is_found(small, monkeypatch):
    def attribute_as_at_the_end(states):
        last = states[-1]
        found = []
        for state in states:
            human = state.human.copy()
            human[:, 2] = len(last.lines[-1])
            found.append(dataclasses.replace(state, human=human))
        return tuple(found)

    monkeypatch.setattr(episode_builder, "Episode", episode_with(attribute_as_at_the_end))
    assert causality(small)["leaks"]


def test_actions_read_as_taken_on_the_state_they_led_to_are_found(small, monkeypatch):
    with_actions = json_reader._with_actions

    def taken_on(recorded, actions, place):
        return with_actions(recorded, actions[: len(recorded) - 1], place)

    monkeypatch.setattr(json_reader, "_with_actions", taken_on)
    result = causality(small)
    assert result["mispaired"]
    assert not result["passed"]


def test_a_network_that_sees_nothing_is_found(small, monkeypatch):
    def encode(module, states, *more):
        return ENCODE(module, [states[0]] * len(states), *more)

    monkeypatch.setattr(Featurizer, "encode", encode)
    assert causality(small)["unseen"]


def one_long_episode(rewards, values, episode, bootstrap, **more):
    return GAE(rewards, values, torch.zeros_like(episode), bootstrap, **more)


def nothing_comes_after(rewards, values, episode, bootstrap, **more):
    return GAE(rewards, values, episode, torch.zeros_like(bootstrap), **more)


def always_bootstrapped(rewards, values, episode, bootstrap, **more):
    return GAE(rewards, values, episode, bootstrap + values, **more)


def undiscounted(rewards, values, episode, bootstrap, *, gamma, lam):
    return GAE(rewards, values, episode, bootstrap, gamma=1.0, lam=lam)


def one_step(rewards, values, episode, bootstrap, *, gamma, lam):
    return GAE(rewards, values, episode, bootstrap, gamma=gamma, lam=0.0)


def late_rewards(rewards, values, episode, bootstrap, **more):
    return GAE(rewards.roll(-1), values, episode, bootstrap, **more)


@pytest.mark.parametrize(
    "broken",
    [one_long_episode, nothing_comes_after, always_bootstrapped, undiscounted, one_step, late_rewards],
)
def test_wrong_advantages_are_found(small, monkeypatch, broken):
    monkeypatch.setattr(ppo_update, "gae", broken)
    result = gae_per_episode(small)
    assert not result["passed"]
    assert result["largest_error"] > 1e-2
