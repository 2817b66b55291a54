"""What a run refuses, in one line and before it has written anything; and what it does with what it finds."""

import errno
import json
import os
import shutil
import stat
from dataclasses import replace

import pytest
import torch

import files
from actions import Decision
from errors import InputError
from files import lock
from models import store
from training.losses.optimizer import Optimizer
from training.runs.observer import NullObserver
from training.train_from_episodes import train_from_episodes


class Told(NullObserver):
    def __init__(self):
        self.messages: list[str] = []

    def message(self, text):
        self.messages.append(text)


@pytest.fixture(scope="module")
def sessions(sessions):
    return sessions[:3]


@pytest.fixture
def small(small):
    """Without self-play, which is slower and refuses nothing."""
    return replace(small, zero_style=replace(small.zero_style, epochs=0))


@pytest.fixture(scope="module")
def run(small_training, sessions, tmp_path_factory):
    """Folder of a run that has ended."""
    folder = tmp_path_factory.mktemp("run")
    config = small_training(folder)
    train_from_episodes(replace(config, zero_style=replace(config.zero_style, epochs=0)), sessions)
    return folder


@pytest.fixture
def ended(small, run, tmp_path):
    """The settings of a run that has ended, of which the test has a copy."""
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    return small


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"device": "cuda:99"}, "cuda:99 cannot be used"),
        ({"device": "toaster"}, "toaster cannot be used"),
        ({"init_from_pv": True}, "no current models"),
    ],
)
def test_refused_before_anything_is_written(small, sessions, tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        train_from_episodes(replace(small, **change), sessions)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["checkpoint_dir", "pv_dir"])
def test_a_file_where_a_folder_belongs(small, sessions, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "models"):
        with pytest.raises(InputError) as refused:
            train_from_episodes(replace(small, **{name: path}), sessions)
        assert str(refused.value) == f"{tmp_path / 'file'}: is a file, expected a folder"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_sessions_without_decisions(small, sessions, tmp_path):
    still = replace(sessions[0], states=sessions[0].states[:1], actions=(None,))
    with pytest.raises(InputError, match="no episode has a decision"):
        train_from_episodes(small, [still])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["checkpoint_dir", "pv_dir"])
def test_a_second_training_in_the_same_folder_is_refused(small, sessions, name):
    folder = getattr(small, name)
    held = folder / (".lock" if name == "checkpoint_dir" else ".training.lock")
    with lock(held), pytest.raises(InputError, match="another run"):
        train_from_episodes(small, sessions)
    assert not list(folder.glob("*.pt"))


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_models(ended, sessions, monkeypatch):
    before = contents(ended.pv_dir)
    step = Optimizer.step
    monkeypatch.setattr(Optimizer, "step", lambda self, loss, where: step(self, loss * float("nan"), where))
    with pytest.raises(InputError, match=r"bc, epoch 1, step 1.*nan"):
        train_from_episodes(ended, sessions)
    assert contents(ended.pv_dir) == before


def fail_at(monkeypatch, number):
    """Lets the disk be full at the so-many-th file that is written; returns those that were."""
    written, sync, append = [], os.fsync, files.append_line

    def full(name):
        written.append(name)
        if len(written) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fsync(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            full("file")
        sync(descriptor)

    def append_line(path, text):
        with files.translate_os_errors(path):
            full(path.name)
        append(path, text)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr("training.runs.run_folder.append_line", append_line)
    return written


def test_whenever_the_disk_is_full_it_is_one_error_and_the_models_stay(small, sessions, monkeypatch):
    small = replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=1, passes=1))
    sessions = sessions[:1]
    train_from_episodes(small, sessions)
    before = contents(small.pv_dir)
    for number in range(1, 40):
        with monkeypatch.context() as patch:
            written = fail_at(patch, number)
            try:
                train_from_episodes(small, sessions)
            except InputError as error:
                assert "the disk is full" in str(error) and "\n" not in str(error)
            else:
                break
        assert contents(small.pv_dir) == before
        assert not [path for path in small.pv_dir.parent.rglob("*") if ".tmp" in path.name]
    assert number == len(written) + 1 > 12 and "train.jsonl" in written


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is(small, sessions, tmp_path, monkeypatch):
    small.pv_dir.mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != small.pv_dir and access(path, mode))
    with pytest.raises(InputError) as refused:
        train_from_episodes(small, sessions)
    assert str(refused.value) == f"{small.pv_dir}: cannot be written: permission denied or a read-only file system"
    assert [path.name for path in tmp_path.rglob("*")] == ["models"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: replace(c, seed=7), "seed was 0 and is 7"),
        (lambda c: replace(c, bc=replace(c.bc, epochs=9)), "bc.epochs was 2 and is 9"),
        (lambda c: replace(c, model=replace(c.model, backbone="lstm")), "backbone was lg_transformer and is lstm"),
    ],
)
def test_resume_with_other_settings_names_them(ended, sessions, change, said):
    with pytest.raises(InputError, match=said):
        train_from_episodes(replace(change(ended), resume=True), sessions)


def test_resume_with_other_sessions_says_so(ended, sessions):
    with pytest.raises(InputError, match=r"recordings was 3 sessions .* and is 2 sessions"):
        train_from_episodes(replace(ended, resume=True), sessions[:2])


def test_a_damaged_state_is_not_gone_on_from(ended, sessions):
    path = ended.checkpoint_dir / "resume.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"resume\.pt"):
        train_from_episodes(replace(ended, resume=True), sessions)


def test_resume_where_there_is_nothing_begins_anew_and_says_so(small, sessions):
    told = Told()
    train_from_episodes(replace(small, resume=True), sessions, observer=told)
    assert any("no run to go on with" in message for message in told.messages)
    assert (small.checkpoint_dir / "assistant_policy_e2.pt").exists()


def test_resume_of_a_run_that_has_ended_changes_nothing(ended, sessions):
    log, models = (ended.checkpoint_dir / "train.jsonl").read_text(), store.load(ended.pv_dir)
    train_from_episodes(replace(ended, resume=True), sessions)
    assert (ended.checkpoint_dir / "train.jsonl").read_text() == log
    again = store.load(ended.pv_dir)
    weights = again.assistant.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in models.assistant.state_dict().items())


def test_a_new_run_in_an_old_folder_keeps_the_log_and_drops_the_old_checkpoints(small, sessions):
    first = train_from_episodes(small, sessions)
    second = train_from_episodes(
        replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=1)), sessions
    )
    rows = [json.loads(line) for line in (small.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    assert [row["run_id"] for row in rows] == [first.run_id] * 4 + [second.run_id] * 2
    assert not (small.checkpoint_dir / "human_policy_e2.pt").exists()


def test_a_torn_line_of_the_log_is_mended(small, sessions):
    small.checkpoint_dir.mkdir(parents=True)
    (small.checkpoint_dir / "train.jsonl").write_text('{"phase": "bc", "run_id": "old"}\n{"phase": "b')
    train_from_episodes(small, sessions)
    rows = [json.loads(line) for line in (small.checkpoint_dir / "train.jsonl").read_text().splitlines()]
    assert rows[0]["run_id"] == "old" and len(rows) == 5


def illegal(episode):
    """The episode with its first decision of the assistant on the first line, which is the task's."""
    first = next(i for i, move in enumerate(episode.actions) if move is not None and move.agent == "A")
    moves = list(episode.actions)
    moves[first] = replace(moves[first], decision=Decision.EDIT_EXISTING_LINES, line=0)
    return replace(episode, actions=tuple(moves))


def test_what_teaches_no_policy_is_counted(small, sessions):
    told = Told()
    small = replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=0))
    train_from_episodes(small, [illegal(sessions[0]), *sessions[1:]], observer=told, publish=False)
    (said,) = told.messages
    assert said.startswith("the assistant's decisions that are not legal") and said.endswith("teach no policy: 1")
    told = Told()
    train_from_episodes(
        replace(small, featurizer=replace(small.featurizer, h_max=2)), sessions, observer=told, publish=False
    )
    (said,) = told.messages
    assert said.startswith("decisions at lines outside the 2 that a policy sees") and int(said.rpartition(": ")[2]) > 0
    told = Told()
    first = next(action for action in sessions[0].actions if action is not None and action.decision)
    without = tuple(replace(action, line=-1) if action is first else action for action in sessions[0].actions)
    train_from_episodes(small, [replace(sessions[0], actions=without), *sessions[1:]], observer=told, publish=False)
    assert told.messages == ["decisions whose line was not recorded, which teach a policy no line: 1"]


def test_settings_that_models_in_use_do_not_follow_are_named(small, sessions):
    small = replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=0))
    told = Told()
    train_from_episodes(small, sessions, observer=told)
    assert told.messages == []
    again = replace(small, init_from_pv=True)
    train_from_episodes(again, sessions, observer=told, publish=False)
    assert told.messages == []
    seen = replace(small.featurizer, h_max=100, w_max=9)
    other = replace(again, model=replace(small.model, dropout=0.2), featurizer=seen)
    train_from_episodes(other, sessions, observer=told, publish=False)
    (said,) = told.messages
    assert said.endswith("already: featurizer.w_max (it is 160), model.dropout (it is 0.1)")


def test_the_log_has_no_numbers_that_json_lacks(small, sessions):
    train_from_episodes(small, sessions[:2])  # too few to hold one out

    def refuse(word):
        raise AssertionError(word)

    for line in (small.checkpoint_dir / "train.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
