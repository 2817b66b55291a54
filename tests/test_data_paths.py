"""The data root: where it is by default, whatever the current folder; how it is laid out."""

import sys
from pathlib import Path

import pytest

import data_paths
from data_paths import DataPaths, sessions_left_behind
from errors import InputError


@pytest.fixture
def unset(monkeypatch):
    """No data root is named by the environment."""
    monkeypatch.delenv("PERSISTENT_DATA_DIR")


def test_the_environment_names_the_data_root(monkeypatch, tmp_path):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    assert DataPaths.default() == DataPaths(tmp_path)


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_refused(monkeypatch, empty):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", empty)
    with pytest.raises(InputError, match="PERSISTENT_DATA_DIR: is empty"):
        DataPaths.default()


def test_it_lies_beside_the_repository_whatever_the_current_folder(unset, root, tmp_path, monkeypatch):
    expected = DataPaths(root.parent / "persistent-data")
    assert DataPaths.default() == expected
    monkeypatch.chdir(tmp_path)
    assert DataPaths.default() == expected


@pytest.mark.parametrize(
    "platform, data_home, expected",
    [
        ("linux", "", "home/.local/share/codeassist-policy"),
        ("linux", "relative/is/ignored", "home/.local/share/codeassist-policy"),
        ("linux", "{tmp}/data", "data/codeassist-policy"),
        ("darwin", "{tmp}/data", "home/Library/Application Support/codeassist-policy"),
    ],
)
def test_without_a_repository_it_is_the_persons_folder(monkeypatch, tmp_path, platform, data_home, expected):
    monkeypatch.delenv("PERSISTENT_DATA_DIR")
    monkeypatch.setattr(data_paths, "REPOSITORY", tmp_path / "site-packages")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", data_home.format(tmp=tmp_path))
    assert DataPaths.default().root == tmp_path / expected


def test_the_layout_is_the_documented_one():
    paths = DataPaths(Path("r"))
    assert {
        name: str(getattr(paths, name)) for name in vars(DataPaths) if isinstance(vars(DataPaths)[name], property)
    } == {
        "episodes": "r/state-service/episodes",
        "simulated_episodes": "r/state-service/simulated-episodes",
        "self_play_episodes": "r/state-service/shallow-zero-style-episodes",
        "session_counts": "r/state-service/session-counts.json",
        "session_help": "r/state-service/session-help.json",
        "models": "r/trainer/models",
        "manifest": "r/trainer/manifest.jsonl",
        "run": "r/trainer/run",
        "telemetry": "r/telemetry",
        "problems": "r/problems.json",
        "embeddings": "r/embeddings",
        "writers": "r/writers",
        "logs": "r/logs",
        "settings": "r/settings.json",
        "solved": "r/solved.json",
    }


def test_sessions_where_the_data_root_once_was_are_named(unset, monkeypatch, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert sessions_left_behind() is None
    episodes = tmp_path / "persistent-data" / "state-service" / "episodes" / "s"
    episodes.mkdir(parents=True)
    assert sessions_left_behind() is None, "a folder without a file is no session"
    (episodes / "s.json").touch()
    line = sessions_left_behind()
    assert line is not None and str(tmp_path / "persistent-data") in line and str(DataPaths.default().root) in line
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "elsewhere"))
    assert sessions_left_behind() is None, "whoever names a data root has decided"


def test_the_data_root_itself_is_not_left_behind(unset, monkeypatch, tmp_path):
    here = tmp_path / "repository"
    here.mkdir()
    (here / "pyproject.toml").touch()
    monkeypatch.setattr(data_paths, "REPOSITORY", here)
    monkeypatch.chdir(here)
    (DataPaths.default().episodes).mkdir(parents=True)
    (DataPaths.default().episodes / "s.json").touch()
    assert sessions_left_behind() is None


def test_without_a_home_folder_a_data_root_has_to_be_named(unset, monkeypatch, tmp_path):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(data_paths, "REPOSITORY", tmp_path)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(InputError, match="PERSISTENT_DATA_DIR: is not set"):
        DataPaths.default()
