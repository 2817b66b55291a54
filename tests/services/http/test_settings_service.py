"""The addresses of the settings: validated, merged, remembered, and in effect at once."""

import json

import pytest

from services.messages.settings_messages import Settings, SettingsChange

ORIGIN = {"Origin": "http://127.0.0.1:3000", "X-CodeAssist-Token": "token-of-this-run"}


@pytest.fixture(autouse=True)
def as_before(served):
    yield
    served.services.settings.update(SettingsChange(explore=False, off_for=[], tutor=False, writer=None))
    served.services.writers.apply_tutor(Settings())
    served.services.assistance.models.explore = False


def change(client, **settings):
    return client.post("/api/settings", json=settings, headers=ORIGIN)


def test_a_change_is_answered_by_all_settings_and_leaves_the_others(client):
    assert change(client, pause=400).json()["pause"] == 400
    settings = change(client, theme="dark").json()
    assert settings == client.get("/api/settings").json()
    assert (settings["pause"], settings["theme"], settings["paused_until"]) == (400, "dark", None)


@pytest.mark.parametrize(
    "settings",
    [
        {"pause": 149},
        {"pause": 10_001},
        {"pause": "soon"},
        {"pause": True},
        {"theme": "pink"},
        {"off_for": ["md"]},
        {"off_for": ".md"},
        {"off_for": ["."]},
        {"off_for": [".md"] * 101},
        {"subtle": "yes"},
        {"paused_until": -1},
        {"writer": {"kind": "someone"}},
        {"writer": {"kind": "file", "path": "/etc/passwd"}},
        {"colour": "red"},
        [],
    ],
)
def test_what_is_no_setting_is_refused_and_changes_nothing(client, settings):
    before = client.get("/api/settings").json()
    answer = client.post("/api/settings", json=settings, headers=ORIGIN)
    assert answer.status_code == 422 and answer.json()["detail"]
    assert client.get("/api/settings").json() == before


def test_exploration_and_the_tutor_are_switched_at_once(client, served):
    assistance = served.services.assistance
    assert change(client, explore=True, tutor=True).status_code == 200
    assert assistance.models.explore and assistance.tutor is not None
    assert change(client, explore=False, tutor=False).status_code == 200
    assert not assistance.models.explore and assistance.tutor is None


def test_the_older_address_of_exploration_does_the_same(client, served):
    assert client.post("/api/explore", json={"explore": True}, headers=ORIGIN).json() == {"ok": True}
    assert client.get("/api/settings").json()["explore"] and client.get("/api/health").json()["explore"]


@pytest.mark.parametrize(
    ("file_type", "is_off"),
    [("markdown", True), (".md", True), ("md", True), ("a.MD", True), ("python", False), ("mdx", False), (None, False)],
)
def test_a_file_for_which_help_is_off_gets_none_and_the_reason(client, file_type, is_off):
    change(client, off_for=[".md"])
    text = "def f():\n    x\n"
    context = {"cursorOffset": len(text) - 1, "file_type": file_type}
    answer = client.post("/api/backend/inference", json={"text": text, "timestep": 1, "action": 2, "context": context})
    metadata = answer.json()["metadata"]
    assert (metadata.get("reason") == "help is off for .md files") is is_off
    assert (answer.json()["unified_diff"] == "") is is_off and (metadata["new_text"] == text) is is_off


def test_a_file_of_the_persons_settings_is_read_at_the_next_start(server_process):
    server_process.paths.root.mkdir(exist_ok=True)
    server_process.paths.settings.write_text(json.dumps({"explore": False, "theme": "dark", "tutor": True}))
    process = server_process.start()
    settings, health = process.get("/api/settings"), process.get("/api/health")
    assert settings["theme"] == "dark" and not settings["explore"] and not health["explore"]
    assert health["parts"][2]["text"].startswith("the tutor in problems")


@pytest.fixture
def first_folder(served):
    """The one that was open before, again after the test."""
    files = served.services.folder.files
    yield files.folder
    served.services.folder.open(files)


def test_a_folder_is_open_at_once_and_remembered_without_links(client, served, tmp_path, first_folder):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.py").touch()
    (tmp_path / "link").symlink_to("mine")
    assert change(client, folder=str(tmp_path / "link")).json()["folder"] == str(tmp_path / "mine")
    files = client.get("/api/files").json()
    assert files["folder"] == str(tmp_path / "mine") and [file["path"] for file in files["files"]] == ["a.py"]
    assert client.get("/api/settings").json()["folder"] == str(tmp_path / "mine")
    assert change(client, folder=None).json()["folder"] is None
    assert client.get("/api/files").json()["folder"] is None


def test_a_folder_that_is_refused_leaves_everything_as_it_was(client, served, first_folder):
    before = client.get("/api/settings").json()
    for folder, status in (("mine", 400), ("/absent", 404), ("/", 403), ("/etc", 403), (str(served.paths.root), 403)):
        answer = change(client, folder=folder, theme="light" if before["theme"] == "dark" else "dark")
        assert answer.status_code == status and folder in answer.json()["detail"]
    assert client.get("/api/settings").json() == before
    assert client.get("/api/files").json()["folder"] == str(first_folder)


def test_no_page_but_our_own_with_its_token_chooses_the_folder(client, served, tmp_path, first_folder):
    for headers, status in (({"Origin": "http://evil.example"}, 403), ({"Origin": ORIGIN["Origin"]}, 401)):
        answer = client.post("/api/settings", json={"folder": str(tmp_path)}, headers=headers)
        assert answer.status_code == status
    assert client.get("/api/files").json()["folder"] == str(first_folder)


def test_a_file_of_the_folder_before_is_not_saved_into_the_one_that_is_open_now(client, tmp_path, first_folder):
    save = {"path": "kept.py", "text": "x = 1\n"}
    assert client.post("/api/files/save", json=save | {"folder": str(first_folder)}).status_code == 200
    assert client.get("/api/files/content?path=kept.py").json()["folder"] == str(first_folder)
    change(client, folder=str(tmp_path))
    answer = client.post("/api/files/save", json=save | {"folder": str(first_folder)})
    assert answer.status_code == 404 and "no longer the folder" in answer.json()["detail"]
    assert list(tmp_path.iterdir()) == []
