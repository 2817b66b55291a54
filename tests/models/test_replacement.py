"""A replacement that was cut short is completed; a journal that means nothing stops nobody and reaches nothing else."""

import json
import os

import pytest

from errors import InputError
from models import store
from models.generations import hidden_folder
from models.replacement import JOURNAL


def publish(folder, networks, number):
    return store.publish(folder, networks, {"trained_on": "person", "number": number})


JOURNALS = {
    "empty": b"",
    "a list": b"[]",
    "null": b"null",
    "no text": b"\x00\xff",
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "no generation": b"{}",
    "a number": b'{"generation": 1}',
    "a path out": b'{"generation": "../../outside"}',
    "an absolute path": b'{"generation": "/"}',
    "the folder itself": b'{"generation": "."}',
    "nothing": b'{"generation": ""}',
    "unknown": b'{"generation": "000009-absent00"}',
    "longer than any name": b'{"generation": "%0300d"}' % 1,
}


@pytest.mark.parametrize("content", JOURNALS.values(), ids=JOURNALS)
def test_a_damaged_journal_is_set_aside_with_one_line(tmp_path, small, content, logged):
    folder = tmp_path / "models"
    publish(folder, small(0), 1)
    (folder / JOURNAL).write_bytes(content)
    assert store.load(folder).meta["number"] == 1
    assert not (folder / JOURNAL).exists() and [p.read_bytes() for p in folder.glob("damaged/*")] == [content]
    (line,) = logged
    assert str(folder / JOURNAL) in line and "damaged/replacing-1.json" in line and "\n" not in line
    (folder / JOURNAL).write_bytes(content)
    publish(folder, small(1), 2)
    assert store.load(folder).meta["number"] == 2
    assert len(logged) == 2 and (folder / "damaged/replacing-2.json").exists()


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("absent")], ids=["fifo", "folder", "broken link"]
)
def test_a_journal_that_is_no_file_is_set_aside_and_not_waited_for(tmp_path, small, make):
    publish(tmp_path, small(0), 1)
    make(tmp_path / JOURNAL)
    assert store.load(tmp_path).meta["number"] == 1 and not os.path.lexists(tmp_path / JOURNAL)


def test_a_journal_reaches_no_generation_of_another_folder(tmp_path, small):
    publish(tmp_path / "mine", small(0), 1)
    other = publish(tmp_path / "other", small(1), 2)
    (tmp_path / "mine/generations/000002-linked").symlink_to(tmp_path / "other/generations" / other)
    for name in (f"../../other/generations/{other}", "000002-linked"):
        (tmp_path / "mine" / JOURNAL).write_text(json.dumps({"generation": name}))
        assert store.load(tmp_path / "mine").meta["number"] == 1
    assert [one.meta["number"] for one in store.generations(tmp_path / "mine")] == [1]


def test_a_generation_damaged_while_it_became_current_replaces_nothing(tmp_path, small):
    publish(tmp_path, small(0), 1)
    second = publish(tmp_path, small(1), 2)
    store.roll_back(tmp_path)
    (tmp_path / store.GENERATIONS / second / store.HUMAN).write_bytes(b"")
    (tmp_path / JOURNAL).write_text(json.dumps({"generation": second}))
    assert store.load(tmp_path).meta["number"] == 1
    publish(tmp_path, small(2), 3)
    assert store.load(tmp_path).meta["number"] == 3


def test_behind_a_damaged_journal_a_whole_hidden_generation_is_not_lost(tmp_path, small):
    publish(tmp_path, small(0), 1)
    second = publish(tmp_path, small(1), 2)
    store.roll_back(tmp_path)
    (tmp_path / store.GENERATIONS / second).rename(hidden_folder(tmp_path, second))
    (tmp_path / JOURNAL).write_bytes(b"\x00")
    assert store.load(tmp_path).meta["number"] == 1
    assert store.roll_back(tmp_path, second).meta["number"] == 2


def test_in_a_folder_that_cannot_be_locked_a_damaged_journal_is_only_ignored(tmp_path, small):
    publish(tmp_path, small(0), 1)
    (tmp_path / JOURNAL).write_bytes(b"{")
    (tmp_path / store.LOCK_FILE).unlink()
    (tmp_path / store.LOCK_FILE).mkdir()
    assert store.load(tmp_path).meta["number"] == 1 and (tmp_path / JOURNAL).exists()
    with pytest.raises(InputError):
        publish(tmp_path, small(1), 2)
