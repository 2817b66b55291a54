"""The page's addresses of a person's files: what each answers, and by which status it refuses."""

import pytest

from services.person.person_files import MAX_BYTES, PersonFiles


@pytest.fixture
def folder(served):
    return served.services.folder.files.folder


def save(client, path, text, revision=None):
    return client.post("/api/files/save", json={"path": path, "text": text, "revision": revision})


def content(client, path):
    return client.get("/api/files/content", params={"path": path})


def test_a_file_is_saved_listed_opened_and_saved_again(client, folder):
    revision = save(client, "new.py", "x = 1\r\n").json()["revision"]
    listed = client.get("/api/files").json()
    assert listed["folder"] == str(folder) and not listed["truncated"] and listed["hint"] is None
    (entry,) = [file for file in listed["files"] if file["path"] == "new.py"]
    assert entry["bytes"] == 7 and entry["modified"] > 1e9
    opened = content(client, "new.py").json()
    assert opened == {"path": "new.py", "text": "x = 1\r\n", "revision": revision, "folder": str(folder)}
    assert save(client, "new.py", "y\n", revision).status_code == 200
    assert (folder / "new.py").read_bytes() == b"y\n"


@pytest.mark.parametrize(
    ("path", "status"),
    [("../x.py", 403), ("/etc/passwd", 400), ("", 400), (".env", 403), ("link.py", 403), ("no.py", 404), ("a.bin", 415),
     ("big.txt", 413)],
)  # fmt: skip
def test_each_refusal_has_its_status(client, folder, path, status):
    (folder / "a.bin").write_bytes(b"\0")
    (folder / "big.txt").write_bytes(b"a" * (MAX_BYTES + 1))
    (folder / ".env").write_text("KEY=1")
    if not (folder / "link.py").is_symlink():
        (folder / "link.py").symlink_to("a.bin")
    answer = content(client, path)
    assert answer.status_code == status and set(answer.json()) == {"detail"}
    if status != 404:
        assert save(client, path, "mine").status_code == status


def test_a_file_that_another_program_changed_is_refused_by_409(client, folder):
    revision = save(client, "mine.py", "a").json()["revision"]
    (folder / "mine.py").write_text("b")
    answer = save(client, "mine.py", "c", revision)
    assert answer.status_code == 409 and "another program" in answer.json()["detail"]


def test_a_missing_path_is_refused(client):
    assert client.get("/api/files/content").status_code == 400
    assert client.post("/api/files/save", json={"path": 3}).status_code == 422


def test_half_an_emoji_is_refused_by_415(client):
    body = '{"path": "half.py", "text": "\\ud83d", "revision": null}'
    assert client.post("/api/files/save", content=body).status_code == 415


def test_without_a_folder_the_answers_say_what_to_do(client, served, monkeypatch):
    monkeypatch.setattr(served.services.folder, "files", None)
    listed = client.get("/api/files").json()
    assert listed["folder"] is None and listed["files"] == [] and "Your files" in listed["hint"]
    start = client.post("/api/backend/episodes/start", json={"problem_id": "own", "file": "a.py"})
    for answer in (content(client, "a.py"), save(client, "a.py", "x"), start):
        assert answer.status_code == 404 and "Your files" in answer.json()["detail"]


def test_of_a_folder_that_has_vanished_the_list_and_a_save_name_it(client, served, monkeypatch, tmp_path):
    files = PersonFiles(tmp_path, served.paths.root)
    monkeypatch.setattr(served.services.folder, "files", files)
    revision = save(client, "g.py", "x = 1\n").json()["revision"]
    (tmp_path / "g.py").unlink()
    tmp_path.rmdir()
    listed = client.get("/api/files")
    assert listed.status_code == 200 and listed.json()["folder"] == str(tmp_path) and listed.json()["files"] == []
    assert listed.json()["hint"] == f"{tmp_path}: there is no such file or folder"
    for refused in (save(client, "g.py", "x = 2\n", revision), content(client, "g.py")):
        assert refused.status_code == 404 and refused.json()["detail"] == listed.json()["hint"]


def test_another_sites_page_may_neither_read_nor_save(client, folder):
    headers = {"Origin": "http://evil.example"}
    assert client.get("/api/files", headers=headers).status_code == 403
    answer = client.post("/api/files/save", json={"path": "evil.py", "text": "x"}, headers=headers)
    assert answer.status_code == 403 and not (folder / "evil.py").exists()
