"""files.py promises: whole or not at all, one line of explanation, one run per folder, no debris."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import files
from errors import ConflictError, InputError, NoSpaceError, NotFoundError


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "a.json"
    for content, expected in (("é", "é".encode()), (b"\x00", b"\x00"), (lambda file: file.write(b"w"), b"w")):
        files.atomic_write(path, content)
        assert path.read_bytes() == expected
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "number, words",
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
    ],
)
def test_a_failing_disk_leaves_the_old_file_and_one_line(tmp_path, monkeypatch, number, words):
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")

    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match=words) as caught:
        files.atomic_write(path, b"new")
    assert "model.pt" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


def test_an_interrupted_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")

    def stop(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.atomic_write(path, stop)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_file_where_a_folder_is_needed_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(InputError, match="folder is needed"):
        files.atomic_write(tmp_path / "a" / "b.json", b"")
    with pytest.raises(InputError, match="folder is needed"):
        files.make_folder(tmp_path / "a" / "b")


def test_the_leftovers_of_killed_writers_are_swept_and_no_others(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = (f".a.pt.{dead.pid}-1.tmp", f".a.pt.{os.getppid()}-1.tmp", f".b.pt.{dead.pid}-1.tmp")
    left, living, other = (tmp_path / name for name in names)
    for path in (left, living, other):
        path.write_bytes(b"half")
    files.atomic_write(tmp_path / "a.pt", b"whole")
    assert not left.exists() and living.exists() and other.exists()


def test_lines_are_appended_and_a_torn_one_stays_by_itself(tmp_path):
    path = tmp_path / "logs" / "train.jsonl"
    files.append_line(path, "one")
    files.append_line(path, "two")
    path.write_text(path.read_text() + "to", encoding="utf-8")
    files.append_line(path, "three \ud800")
    assert path.read_text().splitlines() == ["one", "two", "to", "three \\ud800"]


def test_a_second_run_is_refused_or_waits(tmp_path):
    path = tmp_path / ".lock"
    told, order = threading.Event(), []
    with files.lock(path):
        with pytest.raises(InputError, match="another run"), files.lock(path):
            pass

        def second():
            with files.lock(path, wait=True, waiting=told.set):
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    "number, words",
    [
        (errno.ENOLCK, "this file system has no locks"),
        (errno.EOPNOTSUPP, "not supported"),
    ],
)
def test_where_there_are_no_locks_that_is_said(tmp_path, monkeypatch, number, words):
    def none(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.fcntl, "flock", none)
    with pytest.raises(InputError, match=words) as caught, files.lock(tmp_path / ".lock", wait=True):
        pass
    assert str(tmp_path / ".lock") in str(caught.value)


def test_a_killed_process_frees_its_lock(tmp_path):
    code = "import files, pathlib, sys\nwith files.lock(pathlib.Path(sys.argv[1])):\n    print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / ".lock")],
        cwd=Path(files.__file__).parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    with pytest.raises(InputError), files.lock(tmp_path / ".lock"):
        pass
    holder.kill()
    holder.communicate()
    with files.lock(tmp_path / ".lock"):
        pass


@pytest.mark.parametrize(
    "number, kind",
    [
        (errno.ENOSPC, NoSpaceError),
        (errno.EDQUOT, NoSpaceError),
        (errno.ENOENT, NotFoundError),
        (errno.EACCES, InputError),
    ],
)
def test_each_operating_system_error_is_of_its_kind(number, kind, tmp_path):
    with pytest.raises(InputError) as caught, files.translate_os_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind


def test_a_lock_that_another_run_holds_is_a_conflict(tmp_path):
    with files.lock(tmp_path / ".lock"), pytest.raises(ConflictError), files.lock(tmp_path / ".lock"):
        pass


def test_only_a_regular_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert files.read_regular_file(tmp_path / "file") == b"content"
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "absent", "."):
        with pytest.raises(InputError, match=f"{tmp_path / name}: "):
            files.read_regular_file(tmp_path / name)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a FIFO", "a folder"])
def test_a_lock_or_log_that_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, make):
    path = tmp_path / ".lock"
    make(path)
    for wait in (False, True):
        with pytest.raises(InputError, match=f"{path}: "), files.lock(path, wait=wait):
            pass
    with pytest.raises(InputError, match=f"{path}: "):
        files.append_line(path, "line")
    assert not files.is_locked(path)


def test_what_happens_while_a_lock_is_held_is_no_error_of_the_lock(tmp_path):
    with pytest.raises(OSError, match="mine"), files.lock(tmp_path / ".lock"):
        raise OSError("mine")


def test_what_exists_is_told_and_what_cannot_be_told_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("absent")
    for name, exists, follows in (("file", True, True), ("link", True, False), ("absent", False, False)):
        assert files.exists(tmp_path / name, follow_symlinks=False) == exists
        assert files.exists(tmp_path / name) == follows and not files.is_folder(tmp_path / name)
    assert files.is_folder(tmp_path) and not files.exists(tmp_path / "file" / "below")
    for look in (files.exists, files.is_folder, files.entries):
        with pytest.raises(InputError, match="too long"):
            look(tmp_path / ("a" * 300))


def test_looking_whether_a_lock_is_held_makes_nothing_and_disturbs_nobody(tmp_path):
    path = tmp_path / "absent" / ".lock"
    assert not files.is_locked(path) and not path.parent.exists()
    with files.lock(path):
        assert files.is_locked(path)
    assert not files.is_locked(path)
    with path.open("rb") as looking:
        files.fcntl.flock(looking, files.fcntl.LOCK_SH)
        release = threading.Timer(0.01, looking.close)
        release.start()
        with files.lock(path):
            pass
        release.join()
