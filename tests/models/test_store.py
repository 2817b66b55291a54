"""The current models are replaced together or not at all, whatever happens, and can be rolled back."""

import json
import os
import shutil
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from errors import InputError
from inference import open_models
from models import generations, replacement, store
from models.pt_file import read_pt
from models.reviewer import START, encode_coefficients, load_coefficients


class Killed(BaseException):
    """What a process that is killed would do: nothing further runs, no handler, no cleaning up."""


def publish(folder, pair, number, **meta):
    return store.publish(folder, pair, {"trained_on": "person", "number": number, **meta})


@pytest.fixture(scope="module")
def stages(small, tmp_path_factory):
    """Folders with one, two and three generations, numbered from 0, and the ids of all."""
    folders, ids = [], []
    for number in range(3):
        folders.append(tmp_path_factory.mktemp("stages") / str(number))
        if number:
            shutil.copytree(folders[-2], folders[-1])
        ids.append(publish(folders[-1], small(number), number))
    return folders, ids


@pytest.fixture
def published(stages, tmp_path):
    """Fills the test's folder with so many generations, of which the last is current; their ids."""

    def fill(count):
        shutil.copytree(stages[0][count - 1], tmp_path, dirs_exist_ok=True)
        return stages[1][:count]

    return fill


@pytest.fixture
def few_generations(monkeypatch):
    """The limit, lowered, so that little is published until it is reached."""
    monkeypatch.setattr(store, "MAX_GENERATIONS", 3)


def numbers(folder):
    """The number that each of the three files was published with."""
    found = set()
    for name in store.FILES:
        found.add(torch.load(folder / name, weights_only=True)["config"]["meta"]["number"])
    return found


def test_what_is_published_is_what_is_loaded(tmp_path, small):
    human, assistant, featurizer = small()
    generation = publish(tmp_path / "models", small(), 1)
    models = store.load(tmp_path / "models")
    assert models.generation == generation and models.source == str(tmp_path / "models/asm_assistant_model.pt")
    assert models.meta["trained_on"] == "person" and models.meta["number"] == 1 and models.meta["created"]
    for ours, loaded in ((human, models.human), (assistant, models.assistant), (featurizer, models.featurizer)):
        for name, value in ours.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], value)
    for name in store.FILES:
        content = torch.load(tmp_path / "models" / name, weights_only=True)
        assert content.keys() == {"config", "featurizer_state_dict" if "featurizer" in name else "model_state_dict"}


def test_an_empty_or_missing_folder_has_no_models(tmp_path):
    assert store.load(tmp_path) is None and store.load(tmp_path / "missing") is None
    assert store.generations(tmp_path / "missing") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("absent", store.FILES)
def test_a_folder_with_only_some_of_the_files_is_refused(tmp_path, published, absent):
    published(1)
    (tmp_path / absent).unlink()
    with pytest.raises(InputError, match=f"{absent}: is missing"):
        store.load(tmp_path)


def test_files_of_two_trainings_are_refused(tmp_path, published, monkeypatch):
    monkeypatch.setattr(store, "READ_ATTEMPTS", 3)
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.0)
    first, _ = published(2)
    shutil.copy(tmp_path / store.GENERATIONS / first / store.HUMAN, tmp_path)
    with pytest.raises(InputError, match="not from the same training"):
        store.load(tmp_path)


@pytest.mark.parametrize("source, target", [(store.HUMAN, store.ASSISTANT), (store.ASSISTANT, store.HUMAN)])
def test_a_policy_of_the_other_agent_is_refused(tmp_path, published, source, target):
    published(1)
    (tmp_path / target).write_bytes((tmp_path / source).read_bytes())
    with pytest.raises(InputError, match=f"{target}: is a policy of the agent '{source.split('_')[1]}'"):
        store.load(tmp_path)


def test_a_featurizer_of_another_width_is_refused(tmp_path, small, imported_folder):
    publish(tmp_path / "ours", small(), 1)
    content = torch.load(tmp_path / "ours" / store.FEATURIZER, weights_only=True)
    del content["config"]["format_version"], content["config"]["generation"]
    torch.save(content, imported_folder / store.FEATURIZER)
    with pytest.raises(InputError, match=r"reads 24 features a line, asm_featurizer\.pt makes 12"):
        store.load(imported_folder)


def kill_at(monkeypatch, step):
    """Lets `os.replace` end the process, as it were, instead of its call number `step`; returns the calls so far."""
    calls, replace = [], os.replace

    def counted(source, target, **options):
        calls.append(Path(target).name)
        if len(calls) == step:
            raise Killed
        return replace(source, target, **options)

    monkeypatch.setattr(os, "replace", counted)
    return calls


def test_killed_at_any_step_the_models_are_the_old_or_the_new_ones(tmp_path, stages, small, monkeypatch):
    (one, *_), (old, *_) = stages
    pairs = [small(seed) for seed in range(3)]
    for step in range(1, 40):
        folder = tmp_path / str(step)
        shutil.copytree(one, folder)
        with monkeypatch.context() as patch:
            calls = kill_at(patch, step)
            try:
                publish(folder, pairs[1], 2)
                break
            except Killed:
                pass
        journal = (folder / store.JOURNAL).exists()
        models = store.load(folder)
        assert models.meta["number"] == (2 if journal else 0), f"killed at {calls[-1]}"
        assert journal or models.generation == old
        publish(folder, pairs[2], 3)  # the next one ends or forgets what was begun
        assert store.load(folder).meta["number"] == 3 and numbers(folder) == {3}
        leftovers = [path.name for path in folder.rglob("*") if path.name.startswith(".staged") or ".tmp" in path.name]
        assert not (folder / store.JOURNAL).exists() and not leftovers
        assert [one.meta["number"] for one in store.generations(folder)] == ([0, 2, 3] if journal else [0, 3])
    else:
        pytest.fail("a publication never ended")
    assert step > 8  # or the kills did not reach the replacement


def test_what_was_begun_is_ended_by_whoever_looks_next(tmp_path, published, small, monkeypatch):
    published(1)
    with monkeypatch.context() as patch:
        calls = kill_at(patch, 0)
        publish(tmp_path, small(1), 2)
    last = len(calls) - 1
    with monkeypatch.context() as patch:
        kill_at(patch, last)
        with pytest.raises(Killed):
            publish(tmp_path, small(2), 3)
    assert numbers(tmp_path) == {2, 3}  # torn in the middle, for whoever reads the files alone
    assert store.load(tmp_path).meta["number"] == 3
    assert numbers(tmp_path) == {3} and not (tmp_path / store.JOURNAL).exists()


def test_a_reader_during_a_replacement_gets_the_old_or_the_new_models(tmp_path, small):
    pairs = [small(seed) for seed in range(2)]
    publish(tmp_path, pairs[0], 0)
    done = threading.Event()

    def write():
        for i in range(6):
            publish(tmp_path, pairs[(i + 1) % 2], (i + 1) % 2)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or reads < 5:
        models = store.load(tmp_path)
        expected = pairs[models.meta["number"]]
        for ours, loaded in zip(expected, (models.human, models.assistant, models.featurizer), strict=True):
            assert all(torch.equal(loaded.state_dict()[name], value) for name, value in ours.state_dict().items())
        reads += 1
    writer.join()


PUBLISHER = """
import sys, torch
from pathlib import Path
from config import FeaturizerConfig, ModelConfig
from featurizers import Featurizer
from models import Models, Policy, store
config = ModelConfig(d_in=12, d_model=8, n_layers=1, n_heads=2, n_global_tokens=2, hidden=8)
policy, featurizer = Policy(config), Featurizer(FeaturizerConfig(d_in=12, char_dim=4))
models = Models(policy, policy, featurizer, {}, "untrained")
for number in range(10**6):
    store.publish(Path(sys.argv[1]), models, {"trained_on": "person", "number": number})
    if number == 0:
        print("ready", flush=True)
"""


def test_a_process_that_is_really_killed_leaves_whole_models(tmp_path, warm_python):
    for round_ in range(6):
        process = warm_python(["-c", PUBLISHER, tmp_path])
        while process.stdout.read_text() != "ready\n":
            assert process.poll() is None, process.stderr.read_text()
            time.sleep(0.005)
        time.sleep(0.02 + 0.037 * round_)
        process.kill()
        process.wait()
        models = store.load(tmp_path)
        assert models is not None and numbers(tmp_path) == {models.meta["number"]}


def test_rolls_back_to_the_one_before_and_to_any_that_is_kept(tmp_path, published):
    ids = published(3)
    assert [one.id for one in store.generations(tmp_path)] == ids
    assert [one.current for one in store.generations(tmp_path)] == [False, False, True]
    assert store.roll_back(tmp_path).id == ids[1] and store.load(tmp_path).meta["number"] == 1
    assert store.roll_back(tmp_path, ids[2]).current and store.load(tmp_path).meta["number"] == 2
    assert store.roll_back(tmp_path, ids[0]).id == ids[0]
    with pytest.raises(InputError, match="no earlier models"):
        store.roll_back(tmp_path)
    with pytest.raises(InputError, match="no whole generation 'x'"):
        store.roll_back(tmp_path, "x")
    assert numbers(tmp_path) == {0}


@pytest.mark.parametrize("damage", [
    lambda folder: (folder / store.HUMAN).write_bytes(b"no checkpoint"),
    lambda folder: (folder / store.HUMAN).write_bytes((folder / store.ASSISTANT).read_bytes()),
    lambda folder: (folder / store.FEATURIZER).unlink(),
    lambda folder: [os.utime(folder / name, (1, 1)) for name in store.FILES if (folder / name).write_bytes(b"") == 0],
], ids=["damaged", "another agent's", "missing", "all empty and old"])  # fmt: skip
def test_who_cannot_load_the_current_models_is_told_the_way_back(tmp_path, published, damage):
    published(2)
    damage(tmp_path)
    with pytest.raises(InputError, match=r"kept: `python -m cli\.run_tasks models --pv_dir .* --roll"):
        store.load(tmp_path)
    store.roll_back(tmp_path)
    assert store.load(tmp_path).meta["number"] == 1


def test_there_is_no_way_back_without_whole_generations_or_if_one_is_current(tmp_path, small):
    assert store.rollback_hint(tmp_path) == ""
    generation = publish(tmp_path, small(), 1)
    assert store.rollback_hint(tmp_path) == ""
    (tmp_path / store.HUMAN).write_bytes(b"")
    (tmp_path / store.GENERATIONS / generation / store.HUMAN).write_bytes(b"")
    assert store.rollback_hint(tmp_path) == ""
    with pytest.raises(InputError, match=r"not a checkpoint: [a-z, ]*$"):
        store.load(tmp_path)


def test_a_generation_can_be_loaded_without_being_current(tmp_path, published):
    first, _ = published(2)
    assert store.load_generation(tmp_path, first).meta["number"] == 0 and numbers(tmp_path) == {1}
    with pytest.raises(InputError, match="there is no such file"):
        store.load_generation(tmp_path, "x")


def test_imported_models_are_kept_when_they_are_replaced(imported_folder, small):
    before = store.load(imported_folder)
    assert before.meta == {"trained_on": "imported"} and before.generation is None
    publish(imported_folder, small(), 1)
    kept = store.generations(imported_folder)
    assert [one.meta["trained_on"] for one in kept] == ["imported", "person"]
    store.roll_back(imported_folder)
    after = store.load(imported_folder)
    assert after.meta == before.meta and after.assistant.config == before.assistant.config


def test_what_is_damaged_is_kept_aside_and_never_gone_back_to(tmp_path, published):
    first, _ = published(2)
    whole = (tmp_path / store.ASSISTANT).read_bytes()
    (tmp_path / store.ASSISTANT).write_bytes(whole[:5000])
    store.roll_back(tmp_path, first)
    assert store.load(tmp_path).generation == first
    assert len(store.generations(tmp_path)) == 2
    assert [path.read_bytes() for path in (tmp_path / "damaged").glob(f"*/{store.ASSISTANT}")] == [whole[:5000]]


def test_generations_are_ordered_by_their_number_and_not_by_the_clock(tmp_path, small):
    pair = small()
    clock = iter([3e9, 2e9, 1e9])
    ids = [store.publish(tmp_path, pair, {"trained_on": "person"}, now=lambda: next(clock)) for _ in range(3)]
    stored = store.generations(tmp_path)
    assert [generation.id for generation in stored] == ids and stored[0].created > stored[2].created
    assert store.roll_back(tmp_path).id == ids[1]


def test_a_generation_is_named_by_its_number_or_a_unique_beginning(tmp_path, small):
    pair = small()
    ids = [publish(tmp_path, pair, number) for number in range(12)]
    assert store.roll_back(tmp_path, "000007").id == ids[6]
    assert store.roll_back(tmp_path, "12").id == ids[11]
    with pytest.raises(InputError, match=f"'00001' may be {ids[9]} or {ids[10]} or {ids[11]}, expected more of the id"):
        store.roll_back(tmp_path, "00001")
    with pytest.raises(InputError, match="no whole generation ''"):
        store.roll_back(tmp_path, "")
    assert store.load(tmp_path).generation == ids[11]


@pytest.mark.parametrize("digits", [13, 5000])
def test_a_number_of_too_many_digits_names_no_generation(tmp_path, published, digits):
    published(1)
    with pytest.raises(InputError, match="no whole generation"):
        store.roll_back(tmp_path, "1" * digits)


def test_folders_without_numbers_and_hashes_still_load_and_come_first(tmp_path, small):
    publish(tmp_path, small(0), 1)
    old = tmp_path / store.GENERATIONS / "evening"
    (tmp_path / store.GENERATIONS / store.generations(tmp_path)[0].id).rename(old)
    about = json.loads((old / store.METADATA_FILE).read_text())
    del about["sha256"]
    (old / store.METADATA_FILE).write_text(json.dumps(about))
    assert store.load(tmp_path).meta["number"] == 1
    assert [(one.id, one.current, one.damaged) for one in store.generations(tmp_path)] == [("evening", True, False)]
    second = publish(tmp_path, small(1), 2)
    assert [one.id for one in store.generations(tmp_path)] == ["evening", second]
    assert store.roll_back(tmp_path, "eve").id == "evening" and store.load(tmp_path).meta["number"] == 1


@pytest.mark.parametrize("name", store.FILES)
def test_a_current_file_that_was_written_again_is_noticed_by_its_hash(tmp_path, published, name):
    published(2)
    content = torch.load(tmp_path / name, weights_only=True)
    weights = content.get("model_state_dict") or content["featurizer_state_dict"]
    next(iter(weights.values())).view(-1)[0] += 1.0
    torch.save(content, tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: damaged or exchanged: .*--roll_back"):
        store.load(tmp_path)


def test_a_stored_generation_is_held_against_its_hashes_too(tmp_path, published):
    (first,) = published(1)
    folder = tmp_path / store.GENERATIONS / first
    content = torch.load(folder / store.HUMAN, weights_only=True)
    torch.save(content, folder / store.HUMAN)
    with pytest.raises(InputError, match=f"{store.HUMAN}: damaged or exchanged"):
        store.load_generation(tmp_path, first)
    with pytest.raises(InputError, match="is no generation"):
        store.load_generation(tmp_path, f"../{store.GENERATIONS}/{first}")


def test_models_that_could_not_be_loaded_again_replace_nothing(tmp_path, published, small):
    published(1)
    pair = small(1)
    pair.human.config = replace(pair.human.config, dropout=float("nan"))
    with pytest.raises(InputError, match=r"dropout is NaN.*when it was read back"):
        publish(tmp_path, pair, 2)
    assert store.load(tmp_path).meta["number"] == 0 and numbers(tmp_path) == {0}
    assert len(store.generations(tmp_path)) == 1 and not list((tmp_path / store.GENERATIONS).glob(".*"))


def test_what_the_disk_changes_on_the_way_replaces_nothing(tmp_path, published, small, monkeypatch):
    published(1)
    write = generations.atomic_write

    def changing(path, content):
        write(path, content[:-30] + b"x" + content[-29:] if path.name == store.HUMAN else content)

    monkeypatch.setattr(generations, "atomic_write", changing)
    with pytest.raises(InputError, match=f"{store.HUMAN}: .*when it was read back"):
        publish(tmp_path, small(1), 2)
    monkeypatch.undo()
    assert store.load(tmp_path).meta["number"] == 0 and numbers(tmp_path) == {0}


@pytest.mark.usefixtures("few_generations")
def test_the_start_of_training_is_never_pruned_and_named_in_every_generation(tmp_path, small):
    start = store.keep_start(tmp_path, small(9), {"trained_on": "nothing"})
    assert store.load(tmp_path) is None and store.start_generation(tmp_path) == start
    pair = small()
    for number in range(store.MAX_GENERATIONS + 3):
        publish(tmp_path, pair, number)
    stored = store.generations(tmp_path)
    assert [one.meta.get("number") for one in stored] == [None, *range(3, store.MAX_GENERATIONS + 3)]
    assert all(one.meta["start"] == start for one in stored[1:]) and stored[0].protected
    assert store.load(tmp_path).meta["start"] == start
    weights = store.load_start(tmp_path).assistant.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in small(9)[1].state_dict().items())


def test_a_later_start_leaves_the_one_that_generations_name(tmp_path, small):
    first = store.keep_start(tmp_path, small(1), {"trained_on": "nothing"})
    publish(tmp_path, small(2), 1)
    second = store.keep_start(tmp_path, small(3), {"trained_on": "imported"})
    publish(tmp_path, small(4), 2)
    assert store.start_generation(tmp_path) == second
    assert [one.meta.get("start") for one in store.generations(tmp_path)] == [None, first, None, second]


@pytest.mark.usefixtures("few_generations")
def test_a_start_that_nothing_names_any_more_is_not_pruned_either(tmp_path, small):
    pair = small()
    starts = [store.keep_start(tmp_path, pair, {"trained_on": "nothing"}) for _ in range(2)]
    for number in range(store.MAX_GENERATIONS + 3):
        publish(tmp_path, pair, number)
    stored = [one.id for one in store.generations(tmp_path)]
    assert stored[:2] == starts and len(stored) == store.MAX_GENERATIONS + 2


def test_without_a_start_there_is_none(tmp_path, small):
    publish(tmp_path, small(), 1)
    assert store.start_generation(tmp_path) is None and store.load_start(tmp_path) is None
    assert "start" not in store.load(tmp_path).meta


def test_a_damaged_start_is_refused(tmp_path, small):
    start = store.keep_start(tmp_path, small(1), {"trained_on": "nothing"})
    (tmp_path / store.GENERATIONS / start / store.HUMAN).write_bytes(b"")
    with pytest.raises(InputError, match=f"{store.HUMAN}: not a checkpoint"):
        store.load_start(tmp_path)


@pytest.mark.usefixtures("few_generations")
def test_a_chain_of_starts_does_not_let_the_folder_grow(tmp_path, small):
    """Each begins where the one before ended; the start of the oldest that stays is kept on top."""
    start = "imported"
    for number in range(store.MAX_GENERATIONS + 4):
        start = publish(tmp_path, small(number), number, start=start)
    stored = store.generations(tmp_path)
    assert [one.meta["number"] for one in stored] == list(range(3, store.MAX_GENERATIONS + 4))
    assert stored[0].id == stored[1].meta["start"] and stored[-1].current


@pytest.mark.usefixtures("few_generations")
def test_only_the_latest_generations_are_kept_and_always_the_current_one(tmp_path, small):
    pair = small()
    for number in range(store.MAX_GENERATIONS + 3):
        publish(tmp_path, pair, number)
    kept = [one.meta["number"] for one in store.generations(tmp_path)]
    assert kept == list(range(3, store.MAX_GENERATIONS + 3))


@pytest.mark.parametrize("content", ["{", "[]", "5", '{"created": 5, "meta": {}, "sha256": {}}', None])
@pytest.mark.parametrize("file", [store.METADATA_FILE, store.HUMAN])
def test_a_damaged_generation_is_listed_and_never_gone_back_to(tmp_path, published, file, content):
    first, second, third = published(3)
    damaged = tmp_path / store.GENERATIONS / second / file
    if content is None:
        damaged.unlink()
    else:
        damaged.write_text(content)
    assert {one.id: one.damaged for one in store.generations(tmp_path)} == {first: False, second: True, third: False}
    with pytest.raises(InputError, match=f"no whole generation '{second}'; there are {first}, {third}"):
        store.roll_back(tmp_path, second)
    assert store.roll_back(tmp_path).id == first and numbers(tmp_path) == {0}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path, small):
    publish(tmp_path, small(), 1)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match=str(tmp_path)):
            publish(tmp_path, small(), 2)
        assert store.load(tmp_path).meta["number"] == 1
    finally:
        tmp_path.chmod(0o700)


def test_a_place_where_no_folder_can_be_is_named(tmp_path, small):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=str(tmp_path / "file")):
        publish(tmp_path / "file" / "models", small(), 1)


def test_a_disk_that_is_full_leaves_the_old_models(tmp_path, published, small, monkeypatch):
    published(1)
    new, written = small(1), []

    def full(path, content):
        written.append(path)
        if len(written) == room:
            raise InputError(str(path), "the disk is full")
        return write(path, content)

    write = generations.atomic_write
    for room in range(1, 9):  # noqa: B007 - read by `full`
        written.clear()
        for module in (generations, replacement):
            monkeypatch.setattr(module, "atomic_write", full)
        with pytest.raises(InputError, match="the disk is full"):
            publish(tmp_path, new, 2)
        monkeypatch.undo()
        assert store.load(tmp_path).meta["number"] == 0 and numbers(tmp_path) == {0}
        assert [one.meta["number"] for one in store.generations(tmp_path)] == [0]


def folder_at(path):
    path.mkdir()


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("make", [os.mkfifo, folder_at], ids=["a FIFO", "a folder"])
def test_a_stored_file_that_cannot_be_read_damages_its_generation_alone(tmp_path, published, small, make, hashed):
    (first,) = published(1)
    folder = tmp_path / store.GENERATIONS / first
    (folder / store.HUMAN).unlink()
    make(folder / store.HUMAN)
    if not hashed:
        about = json.loads((folder / store.METADATA_FILE).read_text())
        del about["sha256"]
        (folder / store.METADATA_FILE).write_text(json.dumps(about))
    second = publish(tmp_path, small(1), 1)
    damaged = {one.id: one.damaged for one in store.generations(tmp_path)}
    assert damaged.pop(first) and not damaged[second]
    assert store.load(tmp_path).generation == second


def loop_at(path):
    path.symlink_to(path)


def socket_at(path, monkeypatch):
    monkeypatch.chdir(path.parent)  # the name of a socket may have 107 bytes
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)


@pytest.mark.parametrize("make", [os.mkfifo, folder_at, loop_at, socket_at])
def test_current_models_that_are_no_files_are_set_aside_by_a_roll_back(tmp_path, published, monkeypatch, make):
    (first,) = published(1)
    (tmp_path / store.HUMAN).unlink()
    make(tmp_path / store.HUMAN, *([monkeypatch] if make is socket_at else []))
    assert [(one.id, one.current) for one in store.generations(tmp_path)] == [(first, False)]
    with pytest.raises(InputError, match=f"{store.HUMAN}.*; earlier models are kept"):
        store.load(tmp_path)
    assert store.roll_back(tmp_path).current and store.load(tmp_path).generation == first
    assert [path.stem for path in (tmp_path / "damaged").iterdir()] == ["asm_human_model-1"]


def test_what_is_said_of_a_generation_can_be_read_without_loading_it(tmp_path, small):
    generation = publish(tmp_path, small(), 7, note="evening")
    about = json.loads((tmp_path / store.GENERATIONS / generation / store.METADATA_FILE).read_text())
    assert about["meta"]["note"] == "evening" and about["created"].startswith("20")
    assert read_pt(tmp_path / store.ASSISTANT)["config"]["generation"] == generation


def test_untrained_models_become_current_and_back_and_nothing_is_lost(tmp_path, small):
    first, second = (publish(tmp_path, small(), number) for number in (1, 2))
    untrained = store.make_untrained_current(tmp_path, small)
    assert untrained.current and untrained.meta["trained_on"] == "nothing"
    assert store.load(tmp_path).generation == untrained.id and open_models(tmp_path).source == "untrained"
    store.roll_back(tmp_path, second)
    assert numbers(tmp_path) == {2}
    assert store.make_untrained_current(tmp_path, small).id == untrained.id, "the stored ones, not others"
    assert [each.id for each in store.generations(tmp_path)] == [first, second, untrained.id]


@pytest.mark.usefixtures("few_generations")
def test_untrained_models_push_no_generation_out_and_archive_imported_ones(tmp_path, small):
    kept = [publish(tmp_path, small(), number) for number in range(store.MAX_GENERATIONS)]
    store.make_untrained_current(tmp_path, small)
    assert [each.id for each in store.generations(tmp_path)][:-1] == kept
    other = tmp_path / "imported"
    publish(other, small(), 1)
    for folder in (other / "generations").iterdir():
        shutil.rmtree(folder)
    store.make_untrained_current(other, small)
    assert [each.meta["trained_on"] for each in store.generations(other)] == ["imported", "nothing"]


def test_untrained_models_that_a_kill_interrupts_are_completed_by_the_next_reader(tmp_path, small, monkeypatch):
    publish(tmp_path, small(), 1)

    def kill(*_):
        raise Killed

    monkeypatch.setattr(replacement, "_replace", kill)
    with pytest.raises(Killed):
        store.make_untrained_current(tmp_path, small)
    monkeypatch.undo()
    assert store.load(tmp_path).meta["trained_on"] == "nothing"
    assert len(store.generations(tmp_path)) == 2


def reviewer_of(number):
    return encode_coefficients([float(number)] * len(START), number)


def current_reviewer(folder):
    coefficients, texts = load_coefficients(folder)
    return coefficients[0] if texts else "start"


def test_the_reviewer_of_a_generation_comes_and_goes_with_it(tmp_path, small):
    first = publish(tmp_path, small(1), 1)
    second = store.publish(tmp_path, small(2), {"trained_on": "person", "number": 2}, reviewer=reviewer_of(2))
    third = store.publish(tmp_path, small(3), {"trained_on": "person", "number": 3}, reviewer=reviewer_of(3))
    assert current_reviewer(tmp_path) == 3.0
    for generation, reviewer in ((second, 2.0), (first, "start"), (third, 3.0)):
        store.roll_back(tmp_path, generation)
        assert current_reviewer(tmp_path) == reviewer, generation


def test_models_that_are_published_without_a_reviewer_keep_the_current_one(tmp_path, small):
    first = store.publish(tmp_path, small(1), {"trained_on": "person", "number": 1}, reviewer=reviewer_of(1))
    second = publish(tmp_path, small(2), 2)
    assert current_reviewer(tmp_path) == 1.0
    store.publish(tmp_path, small(3), {"trained_on": "person", "number": 3}, reviewer=reviewer_of(3))
    for generation in (second, first):
        store.roll_back(tmp_path, generation)
        assert current_reviewer(tmp_path) == 1.0


def test_a_generation_of_an_earlier_version_has_no_reviewer_and_the_current_one_stays(tmp_path, small):
    first = publish(tmp_path, small(1), 1)
    store.publish(tmp_path, small(2), {"trained_on": "person", "number": 2}, reviewer=reviewer_of(2))
    (tmp_path / "generations" / first / "reviewer.json").unlink()
    store.roll_back(tmp_path, first)
    assert current_reviewer(tmp_path) == 2.0 and numbers(tmp_path) == {1}


def test_a_reviewer_that_an_earlier_version_left_beside_the_models_is_kept_with_them(tmp_path, small):
    first = publish(tmp_path, small(1), 1)
    (tmp_path / "reviewer.json").write_bytes(reviewer_of(1))
    store.publish(tmp_path, small(2), {"trained_on": "person", "number": 2}, reviewer=reviewer_of(2))
    assert current_reviewer(tmp_path) == 2.0
    store.roll_back(tmp_path, first)
    assert current_reviewer(tmp_path) == 1.0


def test_untrained_models_leave_the_reviewer_as_it_is_and_the_next_ones_bring_theirs(tmp_path, small):
    first = store.publish(tmp_path, small(1), {"trained_on": "person", "number": 1}, reviewer=reviewer_of(1))
    untrained = store.make_untrained_current(tmp_path, small)
    assert current_reviewer(tmp_path) == 1.0
    store.publish(tmp_path, small(2), {"trained_on": "person", "number": 2}, reviewer=reviewer_of(2))
    store.make_untrained_current(tmp_path, small)
    assert current_reviewer(tmp_path) == 2.0, untrained.id
    store.roll_back(tmp_path, first)
    assert current_reviewer(tmp_path) == 1.0


def test_a_replacement_that_a_kill_interrupts_brings_the_reviewer_too(tmp_path, small, monkeypatch):
    store.publish(tmp_path, small(1), {"trained_on": "person", "number": 1}, reviewer=reviewer_of(1))

    def kill(*_):
        raise Killed

    monkeypatch.setattr(replacement, "_replace", kill)
    with pytest.raises(Killed):
        store.publish(tmp_path, small(2), {"trained_on": "person", "number": 2}, reviewer=reviewer_of(2))
    monkeypatch.undo()
    assert store.load(tmp_path).meta["number"] == 2 and current_reviewer(tmp_path) == 2.0
