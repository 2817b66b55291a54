"""The manifest: who trained whom, and no game twice."""

from training.manifest import Entry, add, new_games, read

FIRST = Entry("g1", "models", ("a", "b"), ("c",), ("x", "y"))
SECOND = Entry("g2", "not-in-use", ("a",), (), ())


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "trainer" / "manifest.jsonl"
    assert read(path) == []
    add(path, FIRST)
    add(path, SECOND)
    assert read(path) == [FIRST, SECOND]


def test_torn_and_foreign_lines_are_left_out(tmp_path):
    path = tmp_path / "manifest.jsonl"
    add(path, FIRST)
    with path.open("a") as file:
        file.write('[1]\n{"generation": "g"}\n{"generation": "g3", "sess')
    add(path, SECOND)
    assert read(path) == [FIRST, SECOND]


def test_no_game_counts_twice():
    assert new_games([FIRST, SECOND], ["x", "z", "z", "y", "w"]) == ["z", "w"]
    assert new_games([], ["x"]) == ["x"]
