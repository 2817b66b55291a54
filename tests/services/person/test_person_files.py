"""A person's files: what is saved is what was written, and nothing leads out of the folder or to what is ignored."""

import os
import stat
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import ConflictError, InputError, NotFoundError
from services.person import person_files
from services.person.person_files import ForbiddenFileError, NotTextError, PersonFiles, TooLargeError

SECRET = "nobody may read this"


@pytest.fixture
def place(tmp_path):
    """A folder with files, beside it what lies outside."""
    own = tmp_path / "own"
    (own / "src" / "deep").mkdir(parents=True)
    (own / "src" / "main.py").write_text("x = 1\n")
    (own / "build").mkdir()
    (own / "build" / "made.py").write_text(SECRET)
    (own / ".gitignore").write_text("build/\n*.log\n")
    (own / ".codeassistignore").write_text("/private.py\n")
    for name in (".env", "id_rsa", "private.py", "a.log"):
        (own / name).write_text(SECRET)
    (own / ".ssh").mkdir()
    (own / ".ssh" / "config").write_text(SECRET)
    (tmp_path / "outside.py").write_text(SECRET)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file.py").write_text(SECRET)
    return own


@pytest.fixture
def files(place):
    return PersonFiles(place, place / "data")


def test_a_folder_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(InputError, match=folder.name):
            PersonFiles(folder, tmp_path)


# -- what can be opened


def test_text_files_are_listed_by_path_and_nothing_ignored_or_secret_is(files, place):
    (place / "picture.png").write_bytes(b"\x89PNG\0\0")
    (place / "big.txt").write_bytes(b"a" * (person_files.MAX_BYTES + 1))
    (place / "link.py").symlink_to("src/main.py")
    (place / "away").symlink_to("../outside")
    os.mkfifo(place / "pipe")
    (place / "data").mkdir()
    (place / "data" / "solved.json").write_text("{}")
    (place / "ünï ❤.py").write_text("")
    listed, truncated = files.list()
    expected = ["src/main.py", "ünï ❤.py", ".codeassistignore", ".gitignore"]
    assert [file.path for file in listed] == expected and not truncated
    (main,) = [file for file in listed if file.path == "src/main.py"]
    assert main.bytes == 6 and main.modified == pytest.approx((place / "src/main.py").stat().st_mtime)


def test_names_that_are_no_text_are_not_listed_and_hold_nothing_up(files, place):
    (place / os.fsdecode(b"no-\xff.py")).write_text("x")
    (place / "two\nlines.py").write_text("x")
    (place / "one.py").symlink_to("two.py")
    (place / "two.py").symlink_to("one.py")
    assert [file.path for file in files.list()[0]] == ["src/main.py", ".codeassistignore", ".gitignore"]


def test_of_a_home_folder_hidden_files_are_listed_last_and_caches_never(files, place, monkeypatch):
    for folder in (".cache", ".config", "work/.hidden", "work/seen"):
        (place / folder).mkdir(parents=True)
        (place / folder / "a.py").write_text("")
    paths = [file.path for file in files.list()[0]]
    assert paths[:2] == ["src/main.py", "work/seen/a.py"]
    assert paths[2:] == [".codeassistignore", ".config/a.py", ".gitignore", "work/.hidden/a.py"]
    monkeypatch.setattr(person_files, "MOST_FILES", 4)
    assert ".config/a.py" not in [file.path for file in files.list()[0]]


def test_a_list_that_is_too_long_says_so(files, monkeypatch):
    monkeypatch.setattr(person_files, "MOST_FILES", 2)
    listed, truncated = files.list()
    assert len(listed) == 2 and truncated
    monkeypatch.setattr(person_files, "MOST_VISITED", 1)
    assert files.list()[1]


def test_ignored_folders_are_not_even_looked_into(files, place, monkeypatch):
    for i in range(30):
        (place / "build" / f"{i}.py").write_text("")
    monkeypatch.setattr(person_files, "MOST_VISITED", 25)
    assert not files.list()[1]


def test_folders_of_other_programs_are_not_listed_and_their_files_opened_all_the_same(files, place):
    for name in ("__pycache__", "node_modules", ".venv"):
        (place / "src" / name).mkdir()
        (place / "src" / name / "theirs.py").write_text("x")
    assert [file.path for file in files.list()[0]] == ["src/main.py", ".codeassistignore", ".gitignore"]
    assert files.read("src/.venv/theirs.py").text == "x"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_opened_and_saved_byte_for_byte(files, place, newline, mark):
    content = mark + newline.join(["x = 1", "", "\ttwo\x0c", "ü\u2028e\u0301 😀", "no end"]).encode()
    (place / "a.py").write_bytes(content)
    opened = files.read("a.py")
    assert opened.text.encode() == content.removeprefix(mark)
    changed = files.save("a.py", opened.text + "!", opened.revision)
    assert (place / "a.py").read_bytes() == content + b"!"
    assert files.save("a.py", opened.text, changed) == opened.revision
    assert (place / "a.py").read_bytes() == content and files.read("a.py") == opened


@settings(max_examples=60, database=None, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_is_either_refused_or_saved_as_it_was(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("own")
    files = PersonFiles(folder, folder / "data")
    (folder / "a.py").write_bytes(content)
    try:
        opened = files.read("a.py")
    except NotTextError:
        return
    files.save("a.py", opened.text + "x", opened.revision)
    files.save("a.py", opened.text, files.read("a.py").revision)
    assert (folder / "a.py").read_bytes() == content


@pytest.mark.parametrize("content", [b"a\0b", b"caf\xe9", b"\xff\xfea\0", b"\xed\xa0\x80"])
def test_what_is_no_text_in_utf_8_is_neither_opened_nor_overwritten(files, place, content):
    (place / "a.bin").write_bytes(content)
    with pytest.raises(NotTextError):
        files.read("a.bin")
    with pytest.raises(NotTextError):
        files.save("a.bin", "text", None)
    assert (place / "a.bin").read_bytes() == content


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d of an emoji"])
def test_a_text_that_no_file_can_hold_is_not_saved(files, place, text):
    with pytest.raises(NotTextError):
        files.save("a.py", text, None)
    assert not (place / "a.py").exists()


def test_a_file_may_have_a_megabyte_and_no_more(files, place):
    most = "é" * (person_files.MAX_BYTES // 2)
    revision = files.save("a.py", most, None)
    assert files.read("a.py").text == most
    with pytest.raises(TooLargeError):
        files.save("a.py", most + "x", revision)
    with (place / "a.py").open("ab") as file:
        file.write(b"x")
    with pytest.raises(TooLargeError):
        files.read("a.py")


# -- saving


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600])
def test_a_saved_file_keeps_its_mode(files, place, mode):
    (place / "src/main.py").chmod(mode)
    files.save("src/main.py", "y", files.read("src/main.py").revision)
    assert stat.S_IMODE((place / "src/main.py").stat().st_mode) == mode
    assert sorted(path.name for path in (place / "src").iterdir()) == ["deep", "main.py"]


def test_a_new_file_has_the_usual_mode(files, place):
    files.save("src/new.py", "x", None)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((place / "src/new.py").stat().st_mode) == 0o666 & ~umask


def test_what_another_program_changed_is_not_overwritten(files, place):
    opened = files.read("src/main.py")
    (place / "src/main.py").write_text("theirs")
    with pytest.raises(ConflictError, match="another program"):
        files.save("src/main.py", "mine", opened.revision)
    assert (place / "src/main.py").read_text() == "theirs"
    files.save("src/main.py", "mine", files.read("src/main.py").revision)


def test_what_changes_while_it_is_saved_is_not_overwritten(files, place, monkeypatch):
    opened, fsync = files.read("src/main.py"), os.fsync

    def change(descriptor):
        (place / "src/main.py").write_text("theirs")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", change)
    with pytest.raises(ConflictError):
        files.save("src/main.py", "mine", opened.revision)
    assert (place / "src/main.py").read_text() == "theirs" and len(list((place / "src").iterdir())) == 2


def test_a_new_file_takes_nobodys_name(files, place, monkeypatch):
    with pytest.raises(ConflictError, match="there already"):
        files.save("src/main.py", "mine", None)
    fsync = os.fsync

    def make(descriptor):
        (place / "src/new.py").write_text("theirs")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", make)
    with pytest.raises(ConflictError, match="there already"):
        files.save("src/new.py", "mine", None)
    assert (place / "src/new.py").read_text() == "theirs" and len(list((place / "src").iterdir())) == 3


def test_a_file_that_was_deleted_is_not_made_again_unasked(files, place):
    opened = files.read("src/main.py")
    (place / "src/main.py").unlink()
    with pytest.raises(ConflictError, match="deleted"):
        files.save("src/main.py", "mine", opened.revision)
    files.save("src/main.py", "mine", None)


def test_a_save_whose_answer_was_lost_is_sent_again_without_a_conflict(files):
    opened = files.read("src/main.py")
    revision = files.save("src/main.py", "mine", opened.revision)
    assert files.save("src/main.py", "mine", opened.revision) == revision
    new = files.save("src/new.py", "new", None)
    assert files.save("src/new.py", "new", None) == new


def test_a_folder_that_is_missing_is_not_made(files):
    with pytest.raises(NotFoundError):
        files.save("no/such/file.py", "x", None)
    with pytest.raises(NotFoundError):
        files.save("src/main.py/inside.py", "x", None)


def test_a_full_disk_leaves_the_file_as_it_was(files, place, monkeypatch):
    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    opened = files.read("src/main.py")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(InputError, match="the disk is full"):
        files.save("src/main.py", "mine", opened.revision)
    assert (place / "src/main.py").read_text() == "x = 1\n" and len(list((place / "src").iterdir())) == 2


def test_only_one_of_several_saves_at_once_succeeds(files, place, monkeypatch):
    opened, outcomes, rename = files.read("src/main.py"), [], os.rename

    def rename_slowly(*arguments, **options):
        time.sleep(0.1)  # so that the others have compared what they found before this one is done
        rename(*arguments, **options)

    monkeypatch.setattr(os, "rename", rename_slowly)

    def save(text):
        try:
            files.save("src/main.py", text, opened.revision)
            outcomes.append(text)
        except ConflictError:
            pass

    threads = [threading.Thread(target=save, args=(f"text {i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1 and (place / "src/main.py").read_text() == outcomes[0]


# -- attacks

OUTSIDE = [
    "../outside.py", "src/../../outside.py", "src/..", "..", ".", "/etc/passwd", "//etc/passwd", "", "/",
    "src//main.py", "./src/main.py", "src/./main.py", "src/", "a\0.py", "src/main.py\0.txt", "new\nline.py",
    "\x1b[2J.py", "\ud800.py", "src\u2028.py", "x/" * 600,
]  # fmt: skip
NOWHERE = [
    "..\\outside.py", "%2e%2e/outside.py", "‥/outside.py", "．．/outside.py", "..\u200b/outside.py", "~/x.py",
    "~root/x",    "C:\\x.py", "src/main.py ", "SRC/MAIN.PY", "x" * 300, "src/deep/" * 50 + "x",
    "proc/self/root/etc/passwd", "-rf", "$HOME/x", "*",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leads_outside_or_is_none_is_neither_opened_nor_saved(files, name):
    for attempt in (lambda: files.read(name), lambda: files.save(name, "mine", None), lambda: files.allowed(name)):
        with pytest.raises(InputError) as refused:
            attempt()
        assert not isinstance(refused.value, NotFoundError)


@pytest.mark.parametrize("name", NOWHERE)
def test_a_name_that_means_something_elsewhere_is_just_a_name(files, name):
    with pytest.raises(NotFoundError):
        files.read(name)


@pytest.mark.parametrize(
    "name",
    [".env", ".ENV", "id_rsa", "private.py", "a.log", "build/made.py", "build/new.py", ".ssh/config",
     "data/solved.json", "src/.env", "new.pem", "src/deep/credentials.json", ".git/config", ".git/hooks/pre-commit",
     "data", "build"],
)  # fmt: skip
def test_ignored_and_secret_files_are_neither_opened_nor_saved_nor_edited(files, place, name):
    for attempt in (lambda: files.read(name), lambda: files.save(name, "mine", None), lambda: files.allowed(name)):
        with pytest.raises(ForbiddenFileError) as refused:
            attempt()
        assert SECRET not in str(refused.value)
    assert not (place / "build/new.py").exists() and (place / ".env").read_text() == SECRET


def test_what_is_ignored_from_now_on_is_refused_from_now_on(files, place):
    files.read("src/main.py")
    (place / "src" / ".gitignore").write_text("*.py\n")
    with pytest.raises(ForbiddenFileError):
        files.read("src/main.py")
    assert "src/main.py" not in [file.path for file in files.list()[0]]


LINKS = {
    "file.py": "../outside.py", "folder": "../outside", "absolute.py": "/etc/passwd", "root": "/", "here": ".",
    "inside.py": "src/main.py", "secret.txt": ".env", "dangling.py": "nothing.py", "circle.py": "circle.py",
}  # fmt: skip


@pytest.mark.parametrize("name", [*LINKS, "folder/file.py", "root/etc/passwd", "here/src/main.py", "folder/new.py"])
def test_no_link_is_followed_wherever_it_leads(files, place, tmp_path, name):
    for link, target in LINKS.items():
        (place / link).symlink_to(target)
    for attempt in (lambda: files.read(name), lambda: files.save(name, "mine", None)):
        with pytest.raises(InputError) as refused:
            attempt()
        assert SECRET not in str(refused.value)
    assert (tmp_path / "outside.py").read_text() == SECRET and not (tmp_path / "outside/new.py").exists()
    assert not (place / "nothing.py").exists()


def test_a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(files, place, monkeypatch):
    """Between the check of a path and its opening, as fast as somebody could."""
    allowed = files.allowed

    def exchange(name):
        path = allowed(name)
        (place / "src").rename(place / "moved")
        (place / "src").symlink_to("../outside")
        return path

    monkeypatch.setattr(files, "allowed", exchange)
    with pytest.raises(ForbiddenFileError):
        files.read("src/file.py")
    (place / "src").unlink()
    (place / "moved").rename(place / "src")
    with pytest.raises(ForbiddenFileError):
        files.save("src/new.py", "mine", None)
    assert not (place.parent / "outside/new.py").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_refused_and_never_waited_for(files, place, make):
    make(place / "odd.py")
    for attempt in (lambda: files.read("odd.py"), lambda: files.save("odd.py", "mine", None)):
        with pytest.raises(InputError):
            attempt()


def test_what_the_system_does_not_let_be_read_is_refused_by_its_name(files, monkeypatch):
    def refuse(path, flags, *arguments, **options):
        if path == "main.py":
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *arguments, **options)

    opened = os.open
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ForbiddenFileError, match=r"^src/main.py: permission denied"):
        files.read("src/main.py")


def test_a_read_only_file_is_opened_and_not_replaced(files, place, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode, **options: mode != os.W_OK)  # root may write everything
    opened = files.read("src/main.py")
    with pytest.raises(ForbiddenFileError, match="read-only"):
        files.save("src/main.py", "mine", opened.revision)
    assert (place / "src/main.py").read_text() == "x = 1\n"
