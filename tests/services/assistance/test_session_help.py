"""Help in a session of the person's own file: its writers know the file, some files nobody helps with."""

import pytest

from delegates import Cancellation
from services.assistance.session_help import SessionHelp
from services.person.person_files import PersonFiles
from services.person.person_folder import PersonFolder


class OneSession:
    """A recorder with an open session of a file."""

    def __init__(self, file, folder=None):
        self._file, self._folder = file, folder

    def problem(self, episode_id):
        return None

    def rejected_texts(self, episode_id):
        return ("x",)

    def file(self, episode_id):
        return self._file if episode_id == "open" else None

    def folder(self, episode_id):
        return self._folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    return PersonFolder(tmp_path / "data", PersonFiles(tmp_path / "own", tmp_path / "data"))


def test_a_writer_knows_the_sessions_file_and_what_was_rejected(folder):
    cancellation = Cancellation()
    context = SessionHelp(OneSession("src/a.py"), folder).context("open", cancellation)
    assert (context.file, context.rejected, context.cancellation) == ("src/a.py", ("x",), cancellation)
    assert SessionHelp(OneSession("src/a.py"), folder).context("another").file is None


def test_python_and_texts_without_a_name_are_helped_with(folder):
    assert SessionHelp(OneSession("src/a.py"), folder).refusal("open", "x = 1") is None
    assert SessionHelp(OneSession(None), folder).refusal("open", "x = 1") is None
    assert SessionHelp(OneSession("notes.md"), folder).refusal("another", "# Notes") is None


def test_another_kind_of_file_is_not_helped_with_and_the_reason_names_it(folder):
    assert "notes.md is not Python" in SessionHelp(OneSession("notes.md"), folder).refusal("open", "# Notes")


def test_a_file_that_is_ignored_meanwhile_is_no_longer_helped_with(folder):
    sessions = SessionHelp(OneSession("src/a.py"), folder)
    assert sessions.refusal("open", "") is None
    (folder.files.folder / ".codeassistignore").write_text("src/\n")
    assert "ignored" in sessions.refusal("open", "")


def test_ignore_files_of_the_sessions_own_folder_count_whichever_is_open(folder, tmp_path):
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    sessions = SessionHelp(OneSession("src/a.py", str(earlier)), folder)
    (folder.files.folder / ".gitignore").write_text("src/\n")
    assert sessions.refusal("open", "") is None
    (earlier / ".gitignore").write_text("a.py\n")
    assert "ignored" in sessions.refusal("open", "")
    (earlier / ".gitignore").unlink()
    earlier.rmdir()
    assert "earlier" in sessions.refusal("open", "")
