"""Generations count up, whatever else lies in their folder; what is said of one is whole or not there."""

import json
import os

import pytest

from errors import InputError
from models import generations
from models.generations import FILES, is_id, next_id, number_of, ordered_ids, read_metadata


def make(folder, name, created="2026-01-01"):
    path = folder / "generations" / name
    path.mkdir(parents=True)
    (path / "about.json").write_text(json.dumps({"created": created, "meta": {}}))


def test_the_order_is_that_of_the_numbers_and_unnumbered_ones_come_first(tmp_path):
    for name, created in (("000010-a", "2020"), ("000009-b", "2021"), ("old", "2023"), ("older", "2022"), (".x", "")):
        make(tmp_path, name, created)
    assert ordered_ids(tmp_path) == ["older", "old", "000009-b", "000010-a"]


def test_the_next_number_is_above_all_others(tmp_path):
    assert next_id(tmp_path, []).startswith("000001-")
    for name in ("000041-a", "\u00b2-x", "9" * 30 + "-y", "z"):
        make(tmp_path, name)
    assert next_id(tmp_path, [b"x"]).startswith("000042-") and next_id(tmp_path, [b"x"]) != next_id(tmp_path, [b"y"])
    make(tmp_path, "1000000-a")
    assert next_id(tmp_path, []).startswith("1000001-") and ordered_ids(tmp_path)[-1] == "1000000-a"


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".x", "a/b", "/a", "a\\b", "a\n", "a\x00", None, 1, "\u00e9", "1" * 255]
)
def test_only_plain_names_are_ids(name):
    assert not is_id(name)
    assert is_id("000001-0a1b2c3d") and number_of("000001-0a1b2c3d") == 1 and number_of("evening") == -1


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", "null", "[" * 100_000, '{"created": 5, "meta": {}}', '{"created": "", "meta": []}',
        '{"created": "", "meta": {"value": NaN}}', '{"created": "", "meta": {}, "sha256": 5}',
        '{"created": "", "meta": {}, "sha256": {}}', '{"created": "", "meta": {}, "sha256": {"x": "y"}}',
    ],
)  # fmt: skip
def test_damaged_metadata_is_none(tmp_path, text):
    (tmp_path / "about.json").write_text(text)
    assert read_metadata(tmp_path) is None


def test_metadata_comes_back_as_it_was_written(tmp_path):
    contents = dict.fromkeys(FILES, b"x")
    folder = generations.write_hidden(tmp_path, "000001-a", contents, {"created": "now", "n": 1}, protected=True)
    assert read_metadata(folder) == generations.Metadata(
        "now", {"created": "now", "n": 1}, generations.hashes(contents), True
    )
    assert generations.is_whole(folder, read_metadata(folder))
    generations.show(tmp_path, "000001-a")
    assert ordered_ids(tmp_path) == ["000001-a"] and not folder.exists()


@pytest.mark.parametrize("read", [ordered_ids, lambda folder: generations.generation_folder(folder, "000001-a")])
def test_generations_that_cannot_be_looked_at_are_named(tmp_path, monkeypatch, read):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    for name in ("stat", "listdir", "scandir"):
        monkeypatch.setattr(os, name, refused)
    with pytest.raises(InputError, match=f"{tmp_path}/generations.*: permission denied"):
        read(tmp_path)
