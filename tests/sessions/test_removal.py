"""Removing: whole or not at all, nothing else, links never followed; erasing leaves nothing of the person's."""

import os
import shutil
from pathlib import Path

import pytest

from data_paths import DataPaths
from errors import ConflictError, NotFoundError
from sessions import removal
from sessions.removal import erase, remove, remove_leftovers
from sessions.session_library import SessionLibrary
from state_adapter import read_episodes


def names_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_removed_session_takes_its_whole_folder_and_nothing_else(sessions):
    sessions.sample()
    sessions.stream("mine", ["a", "b"])
    (sessions.folder / "mine" / "mine.excluded").touch()
    library = SessionLibrary(sessions.folder)
    library.remove("mine")
    assert [row.session.id for row in library.rows()] == ["sample-title-case"]
    assert names_below(sessions.folder) == ["sample-title-case", "sample-title-case/sample-title-case.json"]
    with pytest.raises(NotFoundError):
        library.remove("mine")


def test_sessions_at_any_depth_are_removed_by_their_own_id(sessions):
    sessions.sample(place="friend/old/one/sample-title-case")
    sessions.sample()
    library = SessionLibrary(sessions.folder)
    ids = sorted(row.session.id for row in library.rows())
    assert ids == ["friend~old~one~sample-title-case", "sample-title-case"]
    library.remove("friend~old~one~sample-title-case")
    assert [row.session.id for row in library.rows()] == ["sample-title-case"]


def test_an_episode_that_shares_its_file_is_not_removed_with_the_others(sessions):
    episode = {"states": [[["a"]], [["b"]]]}
    path = sessions.write("import/list.json", [episode, episode])
    library = SessionLibrary(sessions.folder)
    assert sorted(row.session.id for row in library.rows()) == ["import~list~1", "import~list~2"]
    with pytest.raises(ConflictError, match="shares its file with 1 others"):
        library.remove("import~list~1")
    assert path.is_file()


def test_a_file_of_its_own_is_removed_alone(sessions):
    episode = {"states": [[["a"]], [["b"]]]}
    sessions.write("import/first.json", episode)
    second = sessions.write("import/second.json", episode)
    library = SessionLibrary(sessions.folder)
    library.set_excluded("import~first", True)
    library.remove("import~first")
    assert [Path(episode.source) for episode in read_episodes(sessions.folder)[0]] == [second]
    assert names_below(second.parent) == ["second.json"]


def test_a_folder_that_holds_other_sessions_stays(sessions):
    folder = sessions.sample()
    sessions.stream("inner", ["a", "b"], place="sample-title-case")
    with pytest.raises(ConflictError, match="other sessions"):
        SessionLibrary(sessions.folder).remove("sample-title-case")
    assert (folder / "sample-title-case.json").is_file()


def test_what_a_link_leads_to_is_neither_removed_nor_erased(sessions, tmp_path, sample_sessions):
    outside = tmp_path / "outside" / "elsewhere"
    outside.mkdir(parents=True)
    shutil.copy(sample_sessions / "sample-title-case/sample-title-case.json", outside / "elsewhere.json")
    sessions.folder.mkdir(parents=True)
    (sessions.folder / "linked").symlink_to(outside.parent)
    library = SessionLibrary(sessions.folder)
    with pytest.raises(ConflictError, match="where a link leads"):
        library.remove("linked~elsewhere")
    erase(sessions.paths)
    assert (outside / "elsewhere.json").is_file() and not os.path.lexists(sessions.folder)


def test_a_crash_after_the_renaming_leaves_no_session_and_the_next_start_removes_the_rest(sessions, monkeypatch):
    sessions.stream("mine", ["a", "b"])
    library = SessionLibrary(sessions.folder)
    with monkeypatch.context() as patched:
        patched.setattr(removal, "_delete", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            library.remove("mine")
    assert library.rows() == [] and len(list(sessions.folder.iterdir())) == 1
    remove_leftovers(sessions.paths)
    assert names_below(sessions.folder) == []


def everything(paths):
    """A file at each place of the layout, and their paths."""
    files = [
        paths.episodes / "a/a.json", paths.simulated_episodes / "b/b.json", paths.self_play_episodes / "c/c.json",
        paths.session_counts, paths.session_help, paths.models / "policy.pt", paths.manifest,
        paths.models / "generations/1/policy.pt",
        paths.run / "training/resume.pt", paths.run / "plan.json", paths.telemetry / "runs.jsonl",
        paths.logs / "services.log", paths.writers / "embedded.npz", paths.problems, paths.settings, paths.solved,
        paths.embeddings / "m-3.bin", paths.models.parent / "models-from-scripted/policy.pt",
        paths.settings.with_name("settings.damaged.json"), paths.solved.with_name("solved.json.damaged-1"),
    ]  # fmt: skip
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of the person")
    return files


def test_erasing_leaves_nothing_of_the_persons(tmp_path):
    paths = DataPaths(tmp_path / "data")
    files = everything(paths)
    properties = [getattr(paths, name) for name in vars(DataPaths) if isinstance(vars(DataPaths)[name], property)]
    assert all(any(file.is_relative_to(place) for file in files) for place in properties)
    for place in ("writers/small.gguf", "notes.txt", "trainer/run/.lock", "state-service/.recording.lock"):
        (paths.root / place).write_text("stays")
    erase(paths)
    left = [path for path in paths.root.rglob("*") if path.is_file()]
    assert {path.read_text() for path in left} == {"stays"} and len(left) == 4
    erase(paths, model_files=True)
    assert not (paths.writers / "small.gguf").exists() and (paths.root / "notes.txt").is_file()


def test_an_erasure_that_was_interrupted_goes_on_at_the_next_start(tmp_path, monkeypatch):
    paths = DataPaths(tmp_path / "data")
    everything(paths)
    count = 0

    def fail_at_the_fifth(path):
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(removal, "remove", fail_at_the_fifth)
        with pytest.raises(KeyboardInterrupt):
            erase(paths)
    assert any(path.is_file() and path.read_text() == "of the person" for path in paths.root.rglob("*"))
    remove_leftovers(paths)
    assert [path for path in paths.root.rglob("*") if not path.is_dir()] == []
    remove_leftovers(paths)


def test_erasing_where_nothing_is_does_nothing(tmp_path):
    erase(DataPaths(tmp_path / "data"))
    remove_leftovers(DataPaths(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
