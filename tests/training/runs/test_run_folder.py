"""What must be the same for a run to go on, and what happens to it when somebody else was faster."""

import json
from dataclasses import replace

import pytest
import torch

from errors import InputError
from models import store
from simulation.builtin_problems import PROBLEMS
from state import Cursor, Env
from training.data import transitions
from training.runs.fingerprint import canonical_order, fingerprint, require_same
from training.runs.run_folder import RunFolder
from training.train_from_episodes import train_from_episodes


def with_last(episode, **change):
    return replace(episode, states=(*episode.states[:-1], replace(episode.states[-1], **change)))


def attributed(episode):
    human = episode.states[-1].human.copy()
    human[0, 0] += 1
    return with_last(episode, human=human)


CHANGES = {
    "text": lambda one: with_last(one, lines=("other", *one.states[-1].lines[1:])),
    "tests": lambda one: with_last(one, env=Env(True, 1, 3)),
    "cursor": lambda one: with_last(one, cursor=Cursor(True, 0, 3, 2)),
    "attribution": attributed,
    "what was taken back": lambda one: with_last(one, undone=frozenset({0})),
    "a decision": lambda one: replace(
        one, actions=(*one.actions[:-1], replace(one.actions[-1], line=one.actions[-1].line + 1))
    ),
    "whether it ended": lambda one: replace(one, cut_off=not one.cut_off),
}


@pytest.mark.parametrize("what", CHANGES)
def test_recordings_are_the_same_only_if_all_is_that_is_learned_from(small, sessions, what):
    changed = CHANGES[what](sessions[0])
    assert fingerprint(small, [changed]) != fingerprint(small, sessions[:1])


def test_problems_that_come_or_go_are_named(small, sessions, tmp_path):
    posed = [replace(sessions[0], problem_id="one"), *sessions[1:]]
    with pytest.raises(InputError, match=r"run: problems was known of 0 sessions \(\w+\) and is known of 1 sessions"):
        require_same(fingerprint(small, posed, {}), fingerprint(small, posed, {"one": PROBLEMS[0]}), tmp_path)


def test_sessions_have_an_order_of_their_own_also_where_ids_are_the_same(sessions):
    twins = [sessions[2], replace(sessions[2], cut_off=True), sessions[0]]
    for recordings in (twins, twins[::-1]):
        ordered = canonical_order(recordings)
        assert ordered == canonical_order(ordered[::-1]) and ordered[0] is sessions[0]


def test_where_it_is_written_to_does_not_matter(small, sessions, tmp_path):
    moved = replace(small, checkpoint_dir=tmp_path / "b", pv_dir=tmp_path / "c", run_label="x", resume=True)
    assert fingerprint(moved, sessions) == fingerprint(small, sessions)


@pytest.mark.parametrize("how", ["resume", "init_from_pv"])
def test_a_run_that_starts_from_what_another_one_replaces_meanwhile_is_refused(small, sessions, monkeypatch, how):
    config, few = quick(small), sessions[:2]
    train_from_episodes(config, few)
    build = transitions.build_dataset

    def slowly(*arguments):
        monkeypatch.setattr(transitions, "build_dataset", build)
        train_from_episodes(config, few)
        return build(*arguments)

    monkeypatch.setattr(transitions, "build_dataset", slowly)
    with pytest.raises(InputError, match="another run has ended here"):
        train_from_episodes(replace(config, **{how: True}), few)


class KilledError(Exception):
    pass


def quick(small):
    """One short epoch of each phase: the state and the log at first, three writes an epoch, the models."""
    self_play = replace(small.zero_style, epochs=1, roots=1, horizon=2)
    return replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=1), zero_style=self_play)


@pytest.fixture(scope="module")
def straight(small_training, sessions, tmp_path_factory):
    config = quick(small_training(tmp_path_factory.mktemp("straight")))
    train_from_episodes(config, sessions[:2])
    return left_behind(config)


def left_behind(config):
    """Weights of every file, and the log without the run's id."""
    folder, models = config.checkpoint_dir, store.load(config.pv_dir)
    found = {path.name: torch.load(path, weights_only=True) for path in folder.glob("*_policy_e*.pt")}
    found |= {"human": models.human.state_dict(), "assistant": models.assistant.state_dict()}
    rows = [json.loads(line) | {"run_id": ""} for line in (folder / "train.jsonl").read_text().splitlines()]
    return found, rows


@pytest.mark.parametrize("write", range(12))
def test_a_run_killed_between_any_two_writes_leaves_the_same_in_the_end(small, sessions, straight, monkeypatch, write):
    config, left = quick(small), write

    def mortal(original):
        def call(*arguments):
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError
            return original(*arguments)

        return call

    with monkeypatch.context() as patch:
        for name in ("save", "reconcile", "write_checkpoint", "append_log"):
            patch.setattr(RunFolder, name, mortal(getattr(RunFolder, name)))
        patch.setattr(store, "publish", mortal(store.publish))
        with pytest.raises(KilledError):
            train_from_episodes(config, sessions[:2])
    train_from_episodes(replace(config, resume=True), sessions[:2])
    found, rows = left_behind(config)
    expected, expected_rows = straight
    assert rows == expected_rows
    assert found.keys() == expected.keys()
    for name, weights in expected.items():
        assert all(torch.equal(weight, found[name][key]) for key, weight in weights.items()), name
