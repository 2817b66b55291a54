"""The list: every session at any depth, counted once, remembered; what is unreadable has its reason."""

import json
import shutil
import threading
import time

import pytest

from errors import InputError, NotFoundError
from sessions import session_library
from sessions.session_library import SessionLibrary
from state_adapter import read_episodes

WAIT = 30.0
"""Until everything is counted, however busy the machine is."""


def counted(library):
    """Rows by id, once everything is counted."""
    deadline = time.monotonic() + WAIT
    while True:
        library.rows(wait=1.0)
        if not library._waiting or time.monotonic() > deadline:
            return {row.session.id: row for row in library.rows()}


def wait_for_thread(library):
    """Until the thread that counts has ended."""
    deadline = time.monotonic() + WAIT
    while library._counter is not None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_sessions_at_any_depth_are_listed_once_with_what_they_hold(sessions):
    folder = sessions.sample()
    sessions.sample("sample-longest-streak", place="friends/sam/sample-longest-streak")
    stream = sessions.stream("mine", ["a", "a\nb", "c"])
    sessions.stream("both", ["a", "b"])
    sessions.write("both/both.json", {"problem_id": "p", "states": [{"text": "a", "timestep": 0}]})
    sessions.write("import/list.json", [{"states": [[["a"]], [["b"]]]}] * 2)
    rows = counted(SessionLibrary(sessions.folder))
    assert {name: row.counts.states for name, row in rows.items()} == {
        "sample-title-case": len(read_episodes(folder)[0][0].states),
        "friends~sam~sample-longest-streak": len(read_episodes(sessions.folder / "friends")[0][0].states),
        "mine": 3, "both": 1, "import~list~1": 2, "import~list~2": 2,
    }  # fmt: skip
    assert rows["mine"].bytes == stream.stat().st_size and rows["mine"].header["startTime"] == 1000
    assert rows["mine"].header["endTime"] == 9000
    assert (rows["mine"].counts.started, rows["mine"].counts.ended) == (2000, 2002)


def test_the_same_sessions_are_listed_as_are_learned_from(sessions):
    sessions.sample()
    sessions.sample("sample-longest-streak", place="a/b/sample-longest-streak")
    sessions.stream("mine", ["a", "b"])
    library = SessionLibrary(sessions.folder)
    learned = {episode.source for episode in read_episodes(sessions.folder)[0]}
    assert {str(row.session.path) for row in library.rows()} == learned
    for row in library.rows():
        library.set_excluded(row.session.id, True)
    assert all(row.excluded for row in library.rows())
    with pytest.raises(InputError, match="left out by you: 3"):
        read_episodes(sessions.folder)


def test_what_is_damaged_is_listed_with_its_reason(sessions):
    sessions.write("bad/bad.json", "{")
    sessions.write("state/state.json", {"t": 0, "line_tuples": []})
    sessions.write("none/raw/none.jsonl", "")
    rows = counted(SessionLibrary(sessions.folder))
    assert "is not JSON" in rows["bad"].counts.reason and "a single state" in rows["state"].counts.reason
    assert "holds no whole line" in rows["none"].counts.reason


def test_nothing_is_counted_twice_and_what_has_changed_is_counted_anew(sessions, monkeypatch, tmp_path):
    calls = []
    read = session_library.read_replay
    monkeypatch.setattr(session_library, "read_replay", lambda *args: calls.append(args[0].id) or read(*args))
    path = sessions.stream("mine", ["a", "b"], end=False)
    library = SessionLibrary(sessions.folder, tmp_path / "cache.json")
    assert counted(library)["mine"].counts.states == 2 and counted(library) and calls == ["mine"]
    with path.open("a") as file:
        file.write(json.dumps({"text": "c", "timestep": 2}) + "\n")
    assert counted(library)["mine"].counts.states == 3 and calls == ["mine"] * 2
    wait_for_thread(library)  # it writes what it has counted
    again = SessionLibrary(sessions.folder, tmp_path / "cache.json")
    assert counted(again)["mine"].counts.states == 3 and calls == ["mine"] * 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 1}', '{"version": 1, "facts": [3], "counts": {}}'])
def test_a_damaged_cache_only_means_that_it_is_counted_again(sessions, tmp_path, content):
    sessions.stream("mine", ["a", "b"])
    (tmp_path / "cache.json").write_text(content)
    assert counted(SessionLibrary(sessions.folder, tmp_path / "cache.json"))["mine"].counts.states == 2


def test_open_and_very_large_sessions_are_not_counted_by_a_list(sessions, monkeypatch):
    monkeypatch.setattr(session_library, "MAX_AUTOMATIC_BYTES", 500)
    sessions.stream("large", ["x" * 1000, "y"])
    sessions.stream("open", ["a"], end=False)
    library = SessionLibrary(sessions.folder)
    rows = {row.session.id: row for row in library.rows(["open"])}
    assert rows["large"].counts.states is None and rows["open"].counts.states is None
    assert len(library.replay("large").steps) == 2  # somebody has opened it
    assert {row.session.id: row.counts.states for row in library.rows(["open"])} == {"large": 2, "open": None}


def test_a_list_does_not_wait_for_many_sessions_to_be_counted(sessions, monkeypatch):
    blocked = threading.Event()
    monkeypatch.setattr(session_library, "read_replay", lambda *args: blocked.wait(WAIT))
    for i in range(30):
        sessions.stream(f"s{i}", ["a", "b"])
    library = SessionLibrary(sessions.folder)
    start = time.monotonic()
    assert len(library.rows(wait=WAIT)) == 30 and time.monotonic() - start < WAIT / 2
    library.forget()
    blocked.set()
    wait_for_thread(library)


def test_a_replay_is_read_once_while_its_file_stays(sessions, monkeypatch):
    calls = []
    read = session_library.read_replay
    monkeypatch.setattr(session_library, "read_replay", lambda *args: calls.append(1) or read(*args))
    sessions.sample()
    library = SessionLibrary(sessions.folder)
    assert library.replay("sample-title-case") is library.replay("sample-title-case") and calls == [1]
    with pytest.raises(NotFoundError):
        library.replay("sample")


def test_tests_that_come_late_are_in_the_next_replay(sessions):
    path = sessions.stream("mine", ["a", "b"])
    library = SessionLibrary(sessions.folder)
    assert library.replay("mine").steps[1].env is None
    result = {"test_id": 0, "passed": True}
    execution = {"episode_id": "mine", "timestep": 1, "success": True, "test_results": [result]}
    path.with_name("test_executions.jsonl").write_text(json.dumps(execution) + "\n")
    assert library.replay("mine").steps[1].env.tests_passed == 1


def test_the_cache_knows_nothing_of_sessions_that_are_gone(sessions, tmp_path):
    cache = tmp_path / "cache.json"
    library = SessionLibrary(sessions.folder, cache)
    for name in ("first", "second", "third"):
        sessions.stream(name, ["a", "b"])
    library.rows(wait=WAIT)
    wait_for_thread(library)
    shutil.rmtree(sessions.folder / "first")
    library.remove("second")
    assert "third" in cache.read_text() and not {"first", "second"} & set(cache.read_text().split('"'))
    library.remove("third")
    assert not cache.exists()


def test_what_is_being_written_when_everything_is_forgotten_does_not_stay(sessions, tmp_path, monkeypatch):
    writing, going_on = threading.Event(), threading.Event()
    write = session_library.atomic_write

    def write_slowly(path, content):
        writing.set()
        going_on.wait(WAIT)
        write(path, content)

    monkeypatch.setattr(session_library, "atomic_write", write_slowly)
    sessions.stream("mine", ["a", "b"])
    library = SessionLibrary(sessions.folder, tmp_path / "cache.json")
    library.rows(wait=0.0)
    assert writing.wait(WAIT)
    forgetting = threading.Thread(target=library.forget)
    forgetting.start()
    time.sleep(0.05)
    going_on.set()
    forgetting.join()
    wait_for_thread(library)
    assert not (tmp_path / "cache.json").exists()


@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.slow)])
def test_for_a_list_each_file_is_opened_once_and_nothing_is_waited_for(sessions, sample_sessions, monkeypatch, count):
    headers, blocked, read = [], threading.Event(), session_library.read_header
    monkeypatch.setattr(session_library, "read_header", lambda path: headers.append(path) or read(path))
    monkeypatch.setattr(session_library, "read_replay", lambda *args: blocked.wait(WAIT))
    content = (sample_sessions / "sample-title-case" / "sample-title-case.json").read_text()
    for i in range(count):
        sessions.write(f"copy-{i}/copy-{i}.json", content)
    library = SessionLibrary(sessions.folder)
    for _ in range(2):
        assert [row.counts.states for row in library.rows()] == [None] * count
    assert len(headers) == len(set(headers)) == count
    library.forget()
    blocked.set()
    wait_for_thread(library)


def test_a_header_that_is_nested_deeply_keeps_no_other_session_from_being_counted(sessions, tmp_path):
    nested = json.loads("[" * 400 + "]" * 400)
    sessions.stream("deep", ["a"], header={"file": nested})
    library = SessionLibrary(sessions.folder, tmp_path / "cache.json")
    library.rows(wait=WAIT)
    wait_for_thread(library)
    sessions.stream("later", ["a", "b"])
    rows = {row.session.id: row for row in library.rows(wait=WAIT)}
    wait_for_thread(library)
    assert rows["later"].counts.states == 2 and "file" not in rows["deep"].header
    library.remove("deep")
    assert [row.session.id for row in library.rows()] == ["later"]


def test_lists_replays_marks_and_removals_may_come_at_the_same_time(sessions, tmp_path):
    for i in range(12):
        sessions.stream(f"s{i}", ["a", "a\nb", "c"])
    library, errors = SessionLibrary(sessions.folder, tmp_path / "cache.json"), []

    def use(number):
        try:
            for i in range(number, 12, 3):
                library.rows(wait=0.01)
                library.set_excluded(f"s{i}", True)
                assert len(library.replay(f"s{i}").steps) == 3
                library.remove(f"s{i}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and library.rows() == [] and list(sessions.folder.iterdir()) == []
