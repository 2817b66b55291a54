"""What must be the same for a run to go on, and what happens to it when somebody else was faster."""

import json
import os
from dataclasses import replace

import pytest
import torch

from errors import InputError
from models import store
from training.data import transitions
from training.runs.run_folder import RunFolder
from training.train_from_episodes import train_from_episodes

pytestmark = pytest.mark.usefixtures("short_refit")


@pytest.mark.parametrize("how", ["resume", "init_from_pv"])
def test_a_run_that_starts_from_what_another_one_replaces_meanwhile_is_refused(small, sessions, monkeypatch, how):
    config, few = quick(small), sessions[:2]
    train_from_episodes(config, few)
    build = transitions.build_dataset

    def slowly(*arguments, **options):
        monkeypatch.setattr(transitions, "build_dataset", build)
        train_from_episodes(config, few)
        return build(*arguments, **options)

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


KILLED_BEFORE = (1, 2, 3, 4, 11)
"""Numbers of the writes before which it is killed; each other epoch writes the same three."""


def left_behind(config):
    """Weights of every file, and the log without the run's id."""
    folder, models = config.checkpoint_dir, store.load(config.pv_dir)
    found = {path.name: torch.load(path, weights_only=True) for path in folder.glob("*_policy_e*.pt")}
    found |= {"human": models.human.state_dict(), "assistant": models.assistant.state_dict()}
    rows = [json.loads(line) | {"run_id": ""} for line in (folder / "train.jsonl").read_text().splitlines()]
    return found, rows


@pytest.mark.parametrize(
    "write", [pytest.param(write, marks=[] if write in KILLED_BEFORE else pytest.mark.slow) for write in range(12)]
)
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


def test_a_log_that_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, warm_python):
    os.mkfifo(tmp_path / "train.jsonl")
    script = "import sys; from pathlib import Path; from training.runs.run_folder import RunFolder"
    script += "; RunFolder(Path(sys.argv[1])).reconcile('run', [], [])"
    _, errors = warm_python(["-c", script, tmp_path]).communicate(timeout=60)
    assert "InputError" in errors and "is no regular file" in errors
