"""Reading a folder of sessions promises: each decision once, and no session read again, over restarts too."""

import json
import os
from itertools import pairwise

import pytest

from errors import NotFoundError
from training.evaluation import help_reader
from training.evaluation.help_reader import HelpReader
from training.evaluation.help_statistics import help_statistics

SECRET = "s3cret_name"


def record(folder, name, turns, source=None, upto=None):
    """A session in which the assistant writes a line in every other turn, and the person keeps it."""
    states = [
        {"text": f"{SECRET}\n" * turn, "timestep": turn, "timestamp_ms": 1000 * turn, "attribution": [],
         "action": {"H": None, "A": {"type": 2, "line": 1}} if turn % 2 else None}
        for turn in range(turns)
    ]  # fmt: skip
    header = {"episode_id": name, "problem_id": "p"}
    if source is not None:
        header |= {"source_episode": source, "source_timestep": upto}
    path = folder / name / "raw" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in (header, *states, {"endTime": 9})))
    return path


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "episodes"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache.json"


@pytest.fixture
def read_names(monkeypatch):
    """Names of the entries that are read from now on."""
    names, read_episodes = [], help_reader.read_episodes

    def noted(path):
        names.append(path.name)
        return read_episodes(path)

    monkeypatch.setattr(help_reader, "read_episodes", noted)
    return names


def test_a_pipe_or_a_device_beside_the_sessions_is_not_read(folder, monkeypatch):
    record(folder, "session", 3)
    os.mkfifo(folder / "pipe.json")
    (folder / "endless.json").symlink_to("/dev/zero")
    names = []

    def note(path):
        names.append(path.name)
        raise NotFoundError(str(path), "is not read here: it may never end")

    monkeypatch.setattr(help_reader, "read_episodes", note)
    HelpReader(folder).read()
    assert names == ["session"]


@pytest.mark.parametrize("upto", [4, None])
def test_what_a_session_copied_of_another_counts_once(folder, upto):
    record(folder, "old", 5)
    record(folder, "new", 9, "old", upto)
    recorded = HelpReader(folder).read()
    assert {each.id: [r.turn for r in each.records] for each in recorded.sessions} == {"old": [1, 3], "new": [5, 7]}
    statistics = help_statistics(recorded)
    assert (statistics.sessions, statistics.silence.turns) == (1, 4)


def test_without_its_source_a_session_counts_whole(folder):
    record(folder, "new", 9, "old", 4)
    (session,) = HelpReader(folder).read().sessions
    assert [each.turn for each in session.records] == [1, 3, 5, 7]


def test_what_was_copied_through_a_deleted_session_counts_once(folder):
    record(folder, "first", 5)
    record(folder, "third", 9, "second", 6)  # which went on from the first
    recorded = HelpReader(folder).read()
    assert {each.id: [r.turn for r in each.records] for each in recorded.sessions} == {
        "first": [1, 3], "third": [5, 7],
    }  # fmt: skip
    assert help_statistics(recorded).sessions == 1


def test_what_is_copied_of_an_excluded_session_counts_nowhere(folder):
    record(folder, "old", 5)
    record(folder, "new", 9, "old", 4)
    (folder / "old" / "old.excluded").touch()
    (session,) = HelpReader(folder).read().sessions
    assert [each.turn for each in session.records] == [5, 7]


def test_after_a_restart_only_what_has_changed_is_read(folder, cache, read_names):
    for name in "abc":
        record(folder, name, 5)
    before = HelpReader(folder, cache).read()
    assert HelpReader(folder, cache).read() == before and read_names == ["a", "b", "c"]
    record(folder, "b", 7)
    (folder / "c" / "c.excluded").touch()
    after = HelpReader(folder, cache).read()
    assert read_names[3:] == ["b", "c"]
    assert [(each.id, len(each.records)) for each in after.sessions] == [("a", 2), ("b", 3)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: "[1]",
        lambda text: text.replace('"version": "', '"version": "older '),
        lambda text: json.dumps(json.loads(text) | {"entries": {"a": [[], [["a", None, [[99]]]], False]}}),
        lambda text: json.dumps(json.loads(text) | {"entries": [1]}),
    ],
)
def test_what_is_damaged_or_older_is_read_again(folder, cache, read_names, damage):
    record(folder, "a", 5)
    before = HelpReader(folder, cache).read()
    cache.write_text(damage(cache.read_text()))
    assert HelpReader(folder, cache).read() == before and read_names == ["a", "a"]
    assert HelpReader(folder, cache).read() == before and read_names == ["a", "a"]


def test_no_text_is_kept(folder, cache):
    record(folder, "a", 5)
    HelpReader(folder, cache).read()
    assert SECRET in (folder / "a/raw/a.jsonl").read_text() and SECRET not in cache.read_text()


def test_what_is_removed_is_kept_no_longer(folder, cache):
    paths = [record(folder, name, 5) for name in "ab"]
    reader = HelpReader(folder, cache)
    reader.read()
    for path, left in zip(paths, ['"b"', None], strict=True):
        path.unlink()
        path.parent.rmdir()
        path.parent.parent.rmdir()
        reader.forget_removed()
        assert '"a"' not in (content := cache.read_text() if cache.exists() else "")
        assert not content if left is None else left in content


def test_a_disk_that_refuses_costs_only_the_reading(folder, tmp_path):
    record(folder, "a", 5)
    (tmp_path / "file").touch()
    reader = HelpReader(folder, tmp_path / "file" / "cache.json")
    assert reader.read() == reader.read() and len(reader.read().sessions) == 1


def test_a_chain_is_one_session(folder):
    sizes = {"a": 3, "b": 5, "c": 7}
    record(folder, "a", 3)
    for earlier, later in pairwise(sizes):
        record(folder, later, sizes[later], earlier, sizes[earlier] - 1)
    recorded = HelpReader(folder).read()
    assert {each.session for each in recorded.sessions} == {"a"}
    assert [r.turn for each in recorded.sessions for r in each.records] == [1, 3, 5]
