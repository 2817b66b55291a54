"""A session that a crash divided into two recordings is learned from as if it were one."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from state_adapter import read_episodes, write_snapshot
from training.data.held_out import choose_validation
from training.data.transitions import build_dataset
from training.runs.fingerprint import recordings_digest
from training.train_from_episodes import train_from_episodes
from training.zero_style.self_play import roots_of


@pytest.fixture(scope="module")
def whole(session_of):
    return session_of(3)


def divided(episode, number, folder):
    """Two recordings of it: up to a state, and the session that goes on, which begins with copies of these states."""
    turn = episode.states[number].t
    old = replace(episode, id="old", states=episode.states[: number + 1], actions=episode.actions[: number + 1])
    write_snapshot(old, folder)
    write_snapshot(replace(episode, id="new", source_episode="old", source_timestep=turn), folder)
    return read_episodes(folder)[0]


@pytest.fixture(scope="module")
def featurizer(small_training, tmp_path_factory):
    from training.networks.training_networks import TrainingNetworks

    settings = small_training(tmp_path_factory.mktemp("small"))
    return TrainingNetworks.fresh(settings.model, settings.featurizer, 0).featurizer


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_the_rows_of_both_are_those_of_the_whole(whole, featurizer, tmp_path_factory, data):
    number = data.draw(st.integers(1, len(whole.states) - 2))
    folder = tmp_path_factory.mktemp("sessions")
    write_snapshot(whole, folder / "whole")
    one = build_dataset(read_episodes(folder / "whole")[0], featurizer).steps
    both = build_dataset(sorted(divided(whole, number, folder / "both"), key=lambda e: e.id, reverse=True), featurizer)
    assert len(both.steps) == len(one)
    for name in ("is_human", "decision", "line", "trainable", "next_human"):
        column = getattr(one, name)
        known = torch.ones(len(one), dtype=torch.bool)
        if name == "next_human":  # the reply to the last decision is in the other recording
            known[number - 1] = False
        assert torch.equal(getattr(both.steps, name)[known], column[known]), name


def test_a_training_with_both_has_as_many_rows_as_with_the_whole(whole, small, tmp_path):
    small = replace(small, ppo=replace(small.ppo, epochs=1), zero_style=replace(small.zero_style, epochs=0))
    counts = []
    for name, episodes in {"one": [whole], "both": divided(whole, 5, tmp_path / "sessions")}.items():
        config = replace(small, checkpoint_dir=tmp_path / name / "run", pv_dir=tmp_path / name / "models")
        result = train_from_episodes(config, episodes, publish=False)
        counts.append((len(result.data.steps), int(result.data.steps.is_human.sum())))
    assert counts[0] == counts[1]


def test_both_are_held_out_or_neither(sessions, tmp_path):
    both = divided(sessions[0], 4, tmp_path)
    episodes = [*sessions[1:], *[replace(episode, first_recording="old") for episode in both]]
    for seed in range(12):
        held_out = {episodes[i].id for i in choose_validation([e.session for e in episodes], 0.4, seed)}
        assert len(held_out & {"old", "new"}) in (0, 2)


def test_games_of_self_play_begin_in_states_of_its_own(whole, tmp_path):
    silent = replace(whole, actions=tuple(a and replace(a, agent="H") for a in whole.actions))
    for episode in (whole, silent):
        roots = [(root.episode.id, root.index) for root in roots_of(divided(episode, 5, tmp_path / str(id(episode))))]
        old = {index for name, index in roots if name == "old"}
        new = {index for name, index in roots if name == "new"}
        assert old and new and not old & new and max(old) < min(new)


def test_what_is_copied_enters_the_fingerprint(whole, tmp_path):
    episodes = divided(whole, 5, tmp_path)
    assert recordings_digest(episodes) != recordings_digest([replace(e, copied=0) for e in episodes])
