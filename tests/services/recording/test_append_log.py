"""Appends promise: whole or not at all, in order, acknowledged once on the disk, and one writer for a file."""

import errno
import os
import threading
from concurrent.futures import wait

import pytest

from errors import ConflictError, InputError, NoSpaceError, NotFoundError
from services.recording import append_log
from services.recording.append_log import AppendLog, LogFile


@pytest.fixture
def log():
    log = AppendLog()
    yield log
    log.close()


def test_what_many_threads_append_is_all_there_and_whole(log, tmp_path):
    files = [LogFile(tmp_path / f"{i}" / "log") for i in range(3)]
    futures = []

    def append(number):
        futures.extend(log.append(file, f"{number}-{i}\n".encode() * 3) for i in range(40) for file in files)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(futures)
    assert all(future.result() is None for future in futures)
    for file in files:
        lines = file.path.read_text().split()
        assert lines[::3] == lines[1::3] == lines[2::3] and len(lines) == 3 * 4 * 40
        for number in range(4):  # in the order of the calls
            assert [line for line in lines[::3] if line.startswith(f"{number}-")] == [
                f"{number}-{i}" for i in range(40)
            ]


def test_whoever_no_longer_waits_holds_up_nobody(log, tmp_path, monkeypatch):
    file, goes_on, write = LogFile(tmp_path / "log"), threading.Event(), append_log._write_all

    def write_later(descriptor, content):
        goes_on.wait(60)
        write(descriptor, content)

    monkeypatch.setattr(append_log, "_write_all", write_later)
    log.append(file, b"1\n")
    cancelled = [log.append(file, f"{i}\n".encode()) for i in (2, 3)][-1].cancel()
    last = log.append(file, b"4\n")
    goes_on.set()
    assert cancelled and last.result(20) is None
    assert log.append(file, b"5\n").result(20) is None and file.path.read_text().split() == list("12345")


def test_an_error_of_any_kind_is_told_and_the_file_goes_on(log, tmp_path, monkeypatch):
    file = LogFile(tmp_path / "log")
    with monkeypatch.context() as patched:
        patched.setattr(append_log, "_write_all", lambda descriptor, content: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log.append(file, b"1\n").result(20)
    assert log.append(file, b"2\n").result(20) is None and file.path.read_bytes() == b"2\n"


def test_nothing_follows_the_last_line(log, tmp_path):
    file = LogFile(tmp_path / "log")
    first, end, late = log.append(file, b"1\n"), log.append(file, b"end\n", is_last=True), log.append(file, b"2\n")
    first.result()
    end.result()
    with pytest.raises(NotFoundError, match="has ended"):
        late.result()
    with pytest.raises(NotFoundError, match="has ended"):
        log.append(file, b"3\n").result()
    assert file.path.read_bytes() == b"1\nend\n"


def test_a_file_has_one_writer(tmp_path):
    file = LogFile(tmp_path / "log")
    with pytest.raises(ConflictError, match="another server"):
        LogFile(tmp_path / "log")
    file.close()
    LogFile(tmp_path / "log").close()


class FullDisk:
    """Lets so many bytes through, then says that the disk is full, as `os.write` does."""

    def __init__(self, room):
        self.room, self.write = room, os.write

    def __call__(self, descriptor, content):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.write(descriptor, bytes(content[: self.room]))
        self.room -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 5])
@pytest.mark.parametrize("cutting_works", [True, False])
def test_a_full_disk_leaves_no_half_line(log, tmp_path, monkeypatch, room, cutting_works):
    file = LogFile(tmp_path / "log")
    log.append(file, b"first\n").result()
    with monkeypatch.context() as patch:
        patch.setattr(append_log.os, "write", FullDisk(room))
        if not cutting_works:
            patch.setattr(append_log.os, "ftruncate", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "I/O")))
        with pytest.raises(NoSpaceError, match="full"):
            log.append(file, b"second\n").result()
    if cutting_works:
        assert file.path.read_bytes() == b"first\n"
    log.append(file, b"third\n").result()
    assert file.path.read_bytes() == b"first\nthird\n"


def test_a_sync_that_fails_is_no_acknowledgement(log, tmp_path, monkeypatch):
    file = LogFile(tmp_path / "log")
    with monkeypatch.context() as patch:
        patch.setattr(append_log.os, "fdatasync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        with pytest.raises(InputError, match="I/O error"):
            log.append(file, b"lost\n").result()
    log.append(file, b"kept\n").result()
    assert file.path.read_bytes() == b"kept\n"


def test_an_acknowledged_line_is_synced_first(log, tmp_path, monkeypatch):
    synced, sync = [], os.fdatasync
    monkeypatch.setattr(append_log.os, "fdatasync", lambda file: synced.append(os.fstat(file).st_size) or sync(file))
    file = LogFile(tmp_path / "log")
    log.append(file, b"line\n").result()
    assert synced == [5]


def test_nothing_is_acknowledged_that_went_into_a_deleted_file(log, tmp_path):
    file = LogFile(tmp_path / "folder" / "log")
    log.append(file, b"1\n").result()
    file.path.unlink()
    with pytest.raises(InputError, match="was deleted"):
        log.append(file, b"2\n").result()


def test_what_comes_after_the_end_is_refused_each_time_and_nobody_waits_for_it(tmp_path):
    log, file = AppendLog(), LogFile(tmp_path / "log")
    log.append(file, b"1\n").result(20)
    log.close()
    for _ in range(2):
        with pytest.raises(InputError, match="the server is ending"):
            log.append(file, b"2\n").result(1)
    assert file.path.read_text() == "1\n"


def test_a_file_that_cannot_be_closed_leaves_nobody_waiting(log, tmp_path, monkeypatch):
    file = LogFile(tmp_path / "log")

    def fail(self):
        raise OSError(errno.EIO, "the disk has gone")

    monkeypatch.setattr(LogFile, "close", fail)
    with pytest.raises(OSError, match="gone"):
        log.append(file, b"1\n", is_last=True).result(20)
    monkeypatch.undo()
    assert log.append(file, b"2\n").result(20) is None
