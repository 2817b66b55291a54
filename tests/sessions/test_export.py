"""The archive has everything of the person's and nothing from elsewhere, and is made in little memory."""

import io
import os
import tracemalloc
import zipfile

from sessions.export import NOTE, export


def archive_of(paths):
    return zipfile.ZipFile(io.BytesIO(b"".join(export(paths))))


def test_the_archive_has_every_file_as_it_is(sessions):
    sessions.sample()
    stream = sessions.stream("mine", ["<script>", "\ud83d"])
    sessions.paths.models.mkdir(parents=True)
    (sessions.paths.models / "policy.pt").write_bytes(b"\x00weights")
    sessions.paths.settings.write_text("{}")
    archive = archive_of(sessions.paths)
    assert archive.testzip() is None and sorted(archive.namelist()) == [
        "settings.json",
        "state-service/episodes/mine/raw/mine.jsonl",
        "state-service/episodes/sample-title-case/sample-title-case.json",
        "trainer/models/policy.pt",
    ]
    assert archive.read("state-service/episodes/mine/raw/mine.jsonl") == stream.read_bytes()


def test_nothing_from_elsewhere_is_in_it_and_what_is_left_out_is_said(sessions, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.json").write_text("secret")
    sessions.stream("mine", ["a"])
    (sessions.folder / "linked").symlink_to(secret)
    (sessions.folder / "mine" / "key.json").symlink_to(secret / "key.json")
    os.mkfifo(sessions.folder / "mine" / "pipe.json")
    (sessions.paths.root / "not-ours.txt").write_text("secret")
    (sessions.paths.root / "writers").mkdir()
    (sessions.paths.root / "writers" / "big.gguf").write_text("secret")
    archive = archive_of(sessions.paths)
    assert sorted(archive.namelist()) == [NOTE, "state-service/episodes/mine/raw/mine.jsonl"]
    note = archive.read(NOTE).decode()
    assert "linked: is a link" in note and "mine/key.json: is a link" in note and "secret" not in note


def test_a_name_that_is_no_unicode_and_a_time_before_archives_are_no_obstacle(sessions):
    path = sessions.stream("mine", ["a"])
    odd = path.parent / os.fsdecode(b"\xff.json")
    odd.write_text("{}")
    os.utime(odd, (0, 0))
    archive = archive_of(sessions.paths)
    assert archive.testzip() is None and len(archive.namelist()) == 2


def test_without_anything_it_is_an_archive_of_nothing(sessions):
    assert archive_of(sessions.paths).namelist() == []


def test_a_large_file_takes_no_more_memory_than_a_small_one(sessions):
    path = sessions.stream("mine", ["a"])
    with path.open("ab") as file:
        for _ in range(LARGE // 2**20):
            file.write(os.urandom(2**20))
    assert any(peak_of_export(sessions.paths) < LARGE / 4 for _ in range(3))


LARGE = 16 * 2**20


def peak_of_export(paths):
    """Bytes that making the archive takes at most, with what other threads of the process take meanwhile."""
    tracemalloc.start()
    size = sum(len(piece) for piece in export(paths))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > LARGE
    return peak
