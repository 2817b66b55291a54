"""A folder is searched at any depth, in a fixed order, each session once; what is not used is listed."""

import json
import os
import socket
import threading

import pytest

from errors import InputError
from state_adapter import has_recordings, read_episodes


@pytest.fixture
def make(recordings):
    def session(name, states=2):
        return recordings.session(*(recordings.state(t, "a" * t) for t in range(states)), episode_id=name)

    return session


def ids(path, **options):
    return [episode.id for episode in read_episodes(path, **options)[0]]


def test_any_mix_at_any_depth_in_a_fixed_order(recordings, make):
    recordings.snapshot(make("b"), "deep/er/still")
    recordings.stream(make("c"), "deep")
    recordings.write("z.json", [{"states": [[["a"]], [["b"]]]}, make("in-a-list")])
    recordings.write("a.json", {"states": [{"lines_text": ["a"], "t": 0}, {"lines_text": ["b"], "t": 1}]})
    recordings.write("UPPER.JSON", make("upper"))
    recordings.write("notes.txt", "nothing of ours")
    recordings.write(".hidden/x.json", "{")
    assert ids(recordings.folder) == ["upper", "a", "z#0", "in-a-list", "c", "b"]
    _, summary = read_episodes(str(recordings.folder))
    assert (summary.files, summary.episodes, summary.states) == (5, 6, 12)
    assert (summary.used_episodes, summary.used_states, summary.skipped, summary.repaired) == (6, 12, [], {})


def test_what_lies_beside_a_stream_is_no_session(recordings, make):
    recordings.stream(make("c"), "deep")
    (stream,) = recordings.folder.rglob("c.jsonl")
    for name in ("changes.jsonl", "test_runs.jsonl"):
        stream.with_name(name).write_text('{"first": 0, "changes": []}\n')
    _, summary = read_episodes(recordings.folder, strict=True)
    assert (summary.files, summary.skipped) == (1, [])


def test_the_snapshot_wins_over_its_stream_and_counts_once(recordings, make):
    recordings.stream(make("e", states=3))
    recordings.snapshot(make("e"))
    (episode,), summary = read_episodes(recordings.folder)
    assert len(episode.states) == 2 and summary.episodes == 1
    assert summary.repaired == {"streams beside their snapshot, which was read instead": 1}


def test_a_snapshot_of_another_name_is_known_by_its_id(recordings, make):
    recordings.stream(make("e", states=3))
    recordings.write("e/session.json", make("e"))
    assert [len(e.states) for e in read_episodes(recordings.folder)[0]] == [2]


def test_a_stream_stands_in_for_a_snapshot_that_cannot_be_read(recordings, make):
    recordings.stream(make("e", states=3))
    recordings.write("e/e.json", '{"states": [')
    (episode,), summary = read_episodes(recordings.folder)
    assert len(episode.states) == 3
    assert [where.rpartition("/")[2] for where, _ in summary.skipped] == ["e.json, line 1, column 13"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"states": [', "is not JSON: it ends too early"),
        ("", "is empty"),
        (b"\xff\xfe\0", "is not UTF-8 text"),
        ("3", "found 3, expected an episode"),
        ('{"version": 1}', "found no `states`"),
        ('{"t": 0, "line_tuples": []}', "found a single state, which is no episode"),
        ('[{"states": [[["a"]], [["b"]]]}, 7]', "found 7, expected an object"),
        ('[{"states": [[["a"]], [["b"]]]}, {"states": [[["a"]], [[5]]]}]', "found 5, expected text"),
    ],
)
def test_one_bad_file_among_good_ones_is_skipped_or_with_strict_an_error(recordings, make, content, reason):
    recordings.snapshot(make("good"))
    recordings.write("sub/bad.json", content)
    episodes, summary = read_episodes(recordings.folder)
    assert "good" in [episode.id for episode in episodes]
    assert len(summary.skipped) == 1 and "bad.json" in summary.skipped[0][0] and reason in summary.skipped[0][1]
    with pytest.raises(InputError) as refused:
        read_episodes(recordings.folder, strict=True)
    assert "bad.json" in str(refused.value) and reason in str(refused.value)


@pytest.mark.parametrize("content", ['{"states": [', "", "3", '{"version": 1}', '[{"states": 3}]'])
def test_a_path_that_points_at_a_bad_file_is_an_error(recordings, content):
    path = recordings.write("bad.json", content)
    with pytest.raises(InputError, match=r"bad\.json"):
        read_episodes(path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no episode with a decision in 0 .json and .jsonl file(s), expected <id>/<id>.json"),
        ({"a.txt": "x"}, "in 0 .json and .jsonl file(s)"),
        ({"a.json": "[]"}, "in 1 .json and .jsonl file(s)"),
        ({"a.json": '{"states": []}'}, "has no states, so no decision; expected two states at least"),
        ({"a.json": "{", "b.json": "["}, "the first was skipped"),
    ],
)
def test_a_folder_with_nothing_to_learn_from_is_an_error(recordings, files, message):
    for name, content in files.items():
        recordings.write(name, content)
    with pytest.raises(InputError) as refused:
        read_episodes(recordings.folder)
    assert str(refused.value).startswith(str(recordings.folder)) and message in str(refused.value)


@pytest.mark.parametrize("content", ["[]", '{"states": []}', '{"states": [[["a"]]]}'])
def test_a_file_with_nothing_to_learn_from_is_an_error(recordings, content):
    with pytest.raises(InputError, match=r"list\.json.*no (episode with a )?decision"):
        read_episodes(recordings.write("list.json", content))


def test_an_absent_path_is_an_error(tmp_path):
    for path in (tmp_path / "absent", tmp_path / ("x" * 300), str(tmp_path / "a\0b")):
        with pytest.raises(InputError):
            read_episodes(path)


def test_links_in_a_circle_end(recordings, make):
    recordings.snapshot(make("e"))
    (recordings.folder / "e" / "up").symlink_to(recordings.folder, target_is_directory=True)
    (recordings.folder / "self").symlink_to(recordings.folder / "self")
    (recordings.folder / "broken.json").symlink_to(recordings.folder / "nowhere.json")
    episodes, summary = read_episodes(recordings.folder)
    assert [episode.id for episode in episodes] == ["e"]
    assert [reason for _, reason in summary.skipped] == ["there is no such file or folder"]


def test_sessions_behind_a_link_are_found(recordings, make, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (recordings.folder / "link").symlink_to(elsewhere, target_is_directory=True)
    recordings.write("link/e.json", make("e"))
    assert ids(recordings.folder) == ["e"]


def test_what_is_no_regular_file_is_not_waited_for(recordings, make):
    recordings.snapshot(make("e"))
    os.mkfifo(recordings.folder / "pipe.json")
    _, summary = read_episodes(recordings.folder)
    assert [reason for _, reason in summary.skipped] == ["is no regular file"]


@pytest.mark.parametrize("kind", ["fifo", "socket", "a link to a fifo"])
def test_nothing_but_a_regular_file_is_opened_in_a_searched_folder(recordings, make, kind, monkeypatch):
    session = make("e")
    recordings.stream(session)
    tests, snapshot = recordings.folder / "e/raw/test_executions.jsonl", recordings.folder / "odd.json"
    for path in (tests, snapshot):
        if kind == "socket":
            monkeypatch.chdir(path.parent)  # the address of a socket takes 108 bytes at most
            with socket.socket(socket.AF_UNIX) as odd:
                odd.bind(path.name)
        else:
            target = path if kind == "fifo" else path.with_suffix(".pipe")
            os.mkfifo(target)
            if target != path:
                path.symlink_to(target)
    (episode,), summary = read_episodes(recordings.folder)
    assert episode.id == "e"
    assert sorted(summary.skipped) == sorted((str(path), "is no regular file") for path in (tests, snapshot))


def test_a_fifo_that_is_asked_for_itself_is_read(recordings, make):
    pipe = recordings.folder / "pipe.json"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(json.dumps(make("e")),))
    writer.start()
    (episode,), summary = read_episodes(pipe)
    writer.join()
    assert episode.id == "e" and not summary.skipped


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_what_may_not_be_read_is_skipped(recordings, make):
    recordings.snapshot(make("e"))
    recordings.write("closed.json", make("x")).chmod(0)
    folder = recordings.folder / "closed"
    folder.mkdir(mode=0)
    _, summary = read_episodes(recordings.folder)
    assert [reason for _, reason in summary.skipped] == ["permission denied", "cannot be searched: Permission denied"]


def test_what_cannot_be_opened_is_skipped(recordings, make, monkeypatch):
    recordings.snapshot(make("e"))
    closed = recordings.write("closed.json", make("x"))
    real = type(closed).read_bytes

    def read_bytes(path):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(type(closed), "read_bytes", read_bytes)
    _, summary = read_episodes(recordings.folder)
    assert summary.skipped == [(str(closed), "permission denied")]
    with pytest.raises(InputError, match="permission denied"):
        read_episodes(recordings.folder, strict=True)


def test_any_depth(recordings, make):
    recordings.snapshot(make("e"), "/".join("d" * 300))
    assert ids(recordings.folder) == ["e"]


def test_progress_is_told_file_by_file(recordings, make):
    for name in "abc":
        recordings.snapshot(make(name))
    told = []
    read_episodes(recordings.folder, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_summary_in_plain_types(recordings, make):
    recordings.snapshot(make("e"))
    recordings.write("bad.json", "{")
    _, summary = read_episodes(recordings.folder)
    assert summary.as_dict() == {
        "files": 1,
        "episodes": 1,
        "states": 2,
        "used": {"episodes": 1, "states": 2},
        "skipped": [
            {
                "where": f"{recordings.folder}/bad.json, line 1, column 2",
                "reason": "is not JSON: it ends too early (expecting property name enclosed in double quotes)",
            }
        ],
        "repaired": {},
        "excluded": 0,
    }


def test_folders_that_link_to_each_other_are_searched_once_for_anything_to_read(tmp_path):
    folders = [tmp_path / name for name in "abcdefgh"]
    for folder in folders:
        folder.mkdir()
    for folder in folders:
        for other in folders:
            (folder / f"to-{other.name}").symlink_to(other)
    assert not has_recordings(tmp_path)
    (folders[0] / "a.json").touch()
    assert has_recordings(tmp_path)
