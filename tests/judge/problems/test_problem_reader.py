"""Files of problems in every shape they come in."""

import gzip
import json
import os

import pytest

from errors import InputError
from judge.problems import read_problems
from judge.problems.catalogue import FOLDER

ONE = {"id": "thrice", "name": "thrice", "cases": [[[2], 6]]}
TWO = {"id": "twice", "name": "twice", "cases": [[[2], 4]]}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (json.dumps([ONE, TWO]), ["thrice", "twice"]),
        (json.dumps(ONE, indent=2), ["thrice"]),
        (f"{json.dumps(ONE)}\n\n{json.dumps(TWO)}\n", ["thrice", "twice"]),
        ("\ufeff" + json.dumps([ONE]), ["thrice"]),
        ("[]", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("compress", [False, True])
def test_a_list_one_object_and_lines_are_read_compressed_or_not(tmp_path, text, ids, compress):
    path = tmp_path / "problems.json"
    path.write_bytes(gzip.compress(text.encode()) if compress else text.encode())
    assert [problem.id for problem in read_problems(path).problems] == ids


def test_of_several_with_one_id_the_last_counts_and_the_others_are_named(tmp_path):
    path = tmp_path / "problems.json"
    path.write_text(json.dumps([ONE, TWO, {**ONE, "name": "other"}]))
    read = read_problems(path)
    assert [problem.entry_point for problem in read.problems] == ["other", "twice"]
    assert [(skipped.problem_id, skipped.cases) for skipped in read.skipped] == [("thrice", 0)]


def test_a_problem_in_toml_has_the_name_of_its_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes((FOLDER / "turn-shelf.toml").read_bytes())
    (problem,) = read_problems(path).problems
    assert problem.id == "mine" and problem.entry_point == "turn_shelf"


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.json", b"[{", "neither a JSON list of problems"),
        ("a.json", b"3", "neither a JSON list of problems"),
        ("a.json", b"[" * 100_000, "neither a JSON list of problems"),
        ("a.json", b'{"id": 1}\n{"', "neither a JSON list of problems"),
        ("a.json", gzip.compress(b"[]", mtime=0)[:-4], "is no whole gzip file"),
        ("a.json", b"\x1f\x8bxxxxxxxxxxxxxxxxxx", "is no whole gzip file"),
        ("a.toml", b"title = ", "is not TOML"),
        ("a.toml", b'title = "a"', "entry_point (or name) is None"),
    ],
)
def test_what_is_no_file_of_problems_is_said_in_one_line(tmp_path, name, content, what):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_problems(path)
    assert str(path) in str(refused.value) and what in str(refused.value) and "\n" not in str(refused.value)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="is no regular file"):
        read_problems(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="no such file"):
        read_problems(tmp_path / "missing.json")
