"""The manifest: who trained whom, and no game twice."""

import pytest

from training.runs.training_manifest import ManifestEntry, append_entry, read_manifest

FIRST = ManifestEntry("g1", "models", ("a", "b"), ("c",), ("x", "y"))
SECOND = ManifestEntry("g2", "not-in-use", ("a",), (), ())


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "trainer" / "manifest.jsonl"
    assert read_manifest(path) == []
    append_entry(path, FIRST)
    append_entry(path, SECOND)
    assert read_manifest(path) == [FIRST, SECOND]


def test_torn_and_foreign_lines_are_left_out(tmp_path):
    path = tmp_path / "manifest.jsonl"
    append_entry(path, FIRST)
    with path.open("a") as file:
        file.write('[1]\n{"generation": "g"}\n{"generation": "g3", "sess')
    append_entry(path, SECOND)
    said = []
    assert read_manifest(path, said.append) == [FIRST, SECOND]
    assert [f"line {number}:" in text for number, text in zip((2, 3, 4), said, strict=True)] == [True] * 3


@pytest.mark.parametrize(("begun", "end"), [(True, "[1]\n"), (False, "[1]\n"), (False, '{"gener')])
def test_a_damaged_end_that_is_not_torn_or_is_all_is_reported(tmp_path, begun, end):
    path = tmp_path / "manifest.jsonl"
    if begun:
        append_entry(path, FIRST)
    with path.open("a") as file:
        file.write(end)
    said = []
    assert read_manifest(path, said.append) == [FIRST] * begun
    (line,) = said
    assert line.startswith(f"{path}, line {1 + begun}: damaged")


def test_an_empty_manifest_has_no_entries(tmp_path):
    (tmp_path / "manifest.jsonl").touch()
    said = []
    assert read_manifest(tmp_path / "manifest.jsonl", said.append) == [] and not said


def test_a_torn_end_is_nothing_to_speak_of(tmp_path):
    path = tmp_path / "manifest.jsonl"
    append_entry(path, FIRST)
    with path.open("a") as file:
        file.write('{"generation": "g3", "sess')
    said = []
    assert read_manifest(path, said.append) == [FIRST] and not said
