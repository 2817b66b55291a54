"""A run: what it leaves behind, that it is reproducible, that it can be interrupted, what it refuses."""

import json
import signal
import sys
from collections import Counter
from dataclasses import replace

import pytest
import torch

import training.train_from_episodes
from models import store
from training.runs.observer import NullObserver
from training.train_from_episodes import train_from_episodes

pytestmark = pytest.mark.usefixtures("short_refit")


@pytest.fixture(scope="module")
def sessions(sessions):
    return sessions[:3]


@pytest.fixture(scope="module")
def ended(sessions, small_training, tmp_path_factory):
    """Settings and result of a run that nothing interrupts."""
    config = small_training(tmp_path_factory.mktemp("straight"))
    return config, train_from_episodes(config, sessions)


@pytest.fixture(scope="module")
def straight(ended):
    """Its checkpoints."""
    config, _ = ended
    return config.checkpoint_dir


def test_a_run_leaves_log_checkpoints_and_models(ended):
    small, result = ended
    rows = [json.loads(line) for line in (small.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    assert [(row["phase"], row["epoch"]) for row in rows] == [
        ("bc", 1), ("bc", 2), ("ppo_from_episodes", 1), ("ppo_from_episodes", 2), ("zero_style", 1), ("zero_style", 2),
    ]  # fmt: skip
    assert {row["run_id"] for row in rows} == {result.run_id}
    assert all(isinstance(row["loss"], float) for row in rows)
    names = sorted(path.name for path in small.checkpoint_dir.glob("*_policy_e*.pt"))
    assert names == [f"assistant_policy_e{n}.pt" for n in (1, 2, 3, 4)] + [f"human_policy_e{n}.pt" for n in (1, 2)]
    models = store.load(small.pv_dir)
    last = torch.load(small.checkpoint_dir / "assistant_policy_e4.pt", weights_only=True)
    assert all(torch.equal(value, last[name]) for name, value in models.assistant.state_dict().items())


def entered(run):
    """How often each function of the core routine's file is called from another file while `run` runs."""
    file, calls = training.train_from_episodes.__file__, Counter()

    def profile(frame, event, argument):
        caller = frame.f_back
        if event == "call" and frame.f_code.co_filename == file and caller.f_code.co_filename != file:
            calls[frame.f_code.co_qualname] += 1

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls


def test_the_core_routine_is_entered_once_and_the_same_seed_gives_the_same_weights(small, sessions, straight):
    """So it can be read from top to bottom: nothing calls back into it."""
    games = []
    calls = entered(lambda: train_from_episodes(small, sessions, observer=NullObserver(), record=games.extend))
    assert calls == {"train_from_episodes": 1} and games
    assert_same_checkpoints(small.checkpoint_dir, straight)
    calls = entered(lambda: train_from_episodes(replace(small, resume=True), sessions))
    assert calls == {"train_from_episodes": 1}


def test_every_generation_names_what_its_training_began_with(small, sessions):
    config = replace(small, zero_style=replace(small.zero_style, epochs=0))
    first = train_from_episodes(config, sessions[:2])
    second = train_from_episodes(replace(config, init_from_pv=True), sessions[:2])
    starts = [generation.meta["start"] for generation in store.generations(config.pv_dir)]
    assert starts == ["fresh", first.generation] and second.meta["start"] == first.generation


class KilledError(Exception):
    pass


class KillAt(NullObserver):
    """Kills the run at the n-th sign of life: an epoch's end, or a step."""

    def __init__(self, *, step=-1, epoch=-1):
        self.step, self.epoch = step, epoch

    def advance(self, n=1):
        self.step -= n
        if self.step == 0:
            signal.raise_signal(signal.SIGINT)

    def metrics(self, row):
        self.epoch -= 1
        if self.epoch == 0:
            raise KilledError


@pytest.mark.parametrize("epoch", [*(pytest.param(epoch, marks=pytest.mark.slow) for epoch in (1, 2)), 4, 5])
def test_a_run_killed_after_any_epoch_goes_on_to_the_same_weights(small, sessions, straight, epoch):
    with pytest.raises(KilledError):
        train_from_episodes(small, sessions, observer=KillAt(epoch=epoch))
    train_from_episodes(replace(small, resume=True), sessions)
    assert_same_checkpoints(small.checkpoint_dir, straight)
    assert epochs_logged(small.checkpoint_dir) == epochs_logged(straight)


@pytest.mark.parametrize(("step", "phase"), [(6, "bc"), (14, "ppo_from_episodes"), (26, "zero_style")])
def test_an_interrupted_run_goes_on_to_the_same_weights(small, sessions, straight, step, phase):
    """In the middle of the second epoch of each phase."""
    with pytest.raises(KeyboardInterrupt):
        train_from_episodes(small, sessions, observer=KillAt(step=step))
    assert epochs_logged(small.checkpoint_dir)[-1][:2] == (phase, 1)
    train_from_episodes(replace(small, resume=True), sessions)
    assert_same_checkpoints(small.checkpoint_dir, straight)
    assert epochs_logged(small.checkpoint_dir) == epochs_logged(straight)


def assert_same_checkpoints(one, other):
    names = [sorted(path.name for path in folder.glob("*_policy_e*.pt")) for folder in (one, other)]
    assert names[0] == names[1] and names[0]
    for name in names[0]:
        a, b = (torch.load(folder / name, weights_only=True) for folder in (one, other))
        assert a.keys() == b.keys() and all(torch.equal(value, b[key]) for key, value in a.items()), name


def epochs_logged(folder):
    rows = map(json.loads, (folder / "train.jsonl").read_text().splitlines())
    return [(row["phase"], row["epoch"], row["loss"]) for row in rows]
