"""The folder of a person's own files is theirs to choose, but never the system's, ours, or one of secrets."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from errors import InputError, NotFoundError
from services.person.person_files import ForbiddenFileError
from services.person.person_folder import _SHARED_FOLDERS, _SYSTEM_FOLDERS, PersonFolder, allowed_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """With a project in it, and our data."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "project").mkdir(parents=True)
    (tmp_path / "home" / "data" / "state-service").mkdir(parents=True)
    return tmp_path / "home"


def test_a_whole_path_and_one_from_home_lead_to_the_same_folder(home):
    project = home / "project"
    for name in (str(project), "~/project", " ~/project/ ", f"{project}/../project", str(home / "data/../project")):
        assert allowed_folder(name, home / "data") == project
    assert allowed_folder("~", home / "data") == home


def test_a_link_is_the_folder_that_it_leads_to(home):
    (home / "link").symlink_to("project")
    assert allowed_folder("~/link", home / "data") == home / "project"
    (home / "system").symlink_to("/usr/bin")
    with pytest.raises(ForbiddenFileError, match="belongs to the system"):
        allowed_folder("~/system", home / "data")


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("", InputError, "no whole path"),
        ("project", InputError, "no whole path"),
        ("./project", InputError, "no whole path"),
        ("~/pro\0ject", InputError, "no whole path"),
        ("~/pro\nject", InputError, "no whole path"),
        ("/\ud83d", InputError, "no whole path"),
        ("~nobody-of-this-name", NotFoundError, "no such person"),
        ("~/absent", NotFoundError, "no such file or folder"),
        ("~/" + "a" * 300, NotFoundError, "no such file or folder"),
        ("~/project/file.py/inner", NotFoundError, "no such file or folder"),
        ("~/project/file.py", InputError, "is a file"),
        ("~/circle", InputError, "link"),
        ("/", ForbiddenFileError, "everybody's"),
        ("/usr", ForbiddenFileError, "everybody's"),
        ("/usr/bin/../..", ForbiddenFileError, "everybody's"),
        ("/etc", ForbiddenFileError, "belongs to the system"),
        ("/proc/self/cwd/../../../../../../../proc", ForbiddenFileError, "belongs to the system"),
        ("~/data", ForbiddenFileError, "recorded and learned"),
        ("~/data/state-service", ForbiddenFileError, "recorded and learned"),
        ("~/.ssh", ForbiddenFileError, "secrets"),
        ("~/project/.git", ForbiddenFileError, "secrets"),
    ],
)
def test_what_cannot_be_a_persons_own_folder_is_refused_in_words(home, name, kind, reason):
    (home / "project" / "file.py").touch()
    (home / "circle").symlink_to("circle")
    for folder in (".ssh", "project/.git"):
        (home / folder).mkdir()
    with pytest.raises(kind, match=reason) as refusal:
        allowed_folder(name, home / "data")
    by_the_disk = type(refusal.value) is InputError and isinstance(refusal.value.__cause__, OSError)
    assert not by_the_disk, "would be answered as a fault of the disk"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(home):
    (home / "project").chmod(0)
    with pytest.raises(ForbiddenFileError, match="permission denied"):
        allowed_folder("~/project", home / "data")
    (home / "project").chmod(0o700)


def test_the_homes_own_name_says_nothing_of_secrets(tmp_path, monkeypatch):
    home = tmp_path / "shadow"
    (home / "project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert allowed_folder("~/project", tmp_path / "data") == home / "project"


@given(st.text(max_size=60).map(lambda text: "/" + text) | st.text(max_size=60))
@example("~\0")
@example("/" + "a/" * 3000)
def test_whatever_is_written_there_is_a_folder_of_ones_own_or_refused(name):
    try:
        folder = allowed_folder(name, Path("/absent-data"))
    except InputError:
        return
    assert folder.is_dir() and folder not in _SHARED_FOLDERS
    assert not any(folder.is_relative_to(system) for system in _SYSTEM_FOLDERS)


def test_a_remembered_folder_that_is_gone_is_not_open_and_the_reason_is_said(home):
    folder = PersonFolder(home / "data")
    folder.open_remembered("~/project")
    assert folder.require_files().folder == home / "project" and folder.failure is None
    folder.open_remembered("~/absent")
    assert folder.files is None and "~/absent" in folder.failure
    with pytest.raises(NotFoundError, match="absent"):
        folder.require_files()
    folder.open_remembered(None)
    assert folder.files is None and folder.failure is None


def test_a_sessions_file_stays_in_its_folder_whichever_is_opened_later(home):
    (home / "other").mkdir()
    folder = PersonFolder(home / "data")
    folder.open(folder.chosen("~/other"))
    assert folder.files_in(str(home / "project")).folder == home / "project"
    assert folder.files_in(None) is folder.files is folder.files_in(str(home / "other"))
    assert folder.files_for(str(home / "project")).folder == home / "project"
    assert folder.files_for(None) is folder.files
    with pytest.raises(NotFoundError, match="no longer the folder"):
        folder.require_files(str(home / "project"))


def test_a_session_begins_only_in_a_folder_that_can_be_the_persons(home):
    folder = PersonFolder(home / "data")
    for name, kind in (("/etc", ForbiddenFileError), ("~/data", ForbiddenFileError), ("~/absent", NotFoundError)):
        with pytest.raises(kind):
            folder.files_for(name)
    with pytest.raises(NotFoundError, match="no folder is open"):
        folder.files_for(None)
    with pytest.raises(NotFoundError):
        folder.files_in(str(home / "absent"))
