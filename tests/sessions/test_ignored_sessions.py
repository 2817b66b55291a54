"""A session of a file that is ignored by now is left out, by the rules of the folder in which that file lies."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.ignored_sessions import IgnoredSessions


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").touch()
    return folder


def ignores(file, folder):
    return IgnoredSessions().ignores(file, None if folder is None else str(folder))


def test_ignore_files_count_as_they_are_now_in_the_files_own_folder(own, tmp_path):
    assert not ignores("src/a.py", own)
    (own / ".codeassistignore").write_text("src/\n")
    assert ignores("src/a.py", own) and not ignores("b.py", own) and not ignores("src/a.py", tmp_path)
    (own / ".codeassistignore").unlink()
    assert not ignores("src/a.py", own)


def test_secrets_are_left_out_also_where_the_folder_has_gone(own, tmp_path):
    for folder in (own, tmp_path / "gone", "relative"):
        assert ignores(".env", folder) and ignores("keys/id_rsa", folder) and not ignores("a.py", folder)


def test_a_session_that_names_no_file_or_no_folder_is_learned_from_as_ever(own):
    (own / ".gitignore").write_text("*")
    assert ignores("src/a.py", own)
    assert not ignores(None, own) and not ignores("src/a.py", None)


def test_a_file_outside_of_its_folder_is_left_out(own):
    assert ignores("../a.py", own) and ignores("/etc/passwd", own)


@given(st.text(max_size=30), st.text(max_size=30).map(lambda name: "/" + name) | st.just("/tmp"))
@example("a\0b", "/tmp")
@example("\ud83d", "/\ud83d")
@example("", "/tmp")
def test_whatever_a_recording_says_is_answered(file, folder):
    assert ignores(file, folder) in (True, False)
