"""What there is to choose from: each writer with what it is good for, what it costs, and how to get it."""

import pytest

from delegates.embedded import EmbeddedWriter
from errors import NoSpaceError
from services.messages.settings_messages import SettingsChange
from services.writers import writer_switch

ORIGIN = {"Origin": "http://127.0.0.1:3000", "X-CodeAssist-Token": "token-of-this-run"}


@pytest.fixture(autouse=True)
def as_before(served, monkeypatch):
    services = served.services
    before = services.assistance.writer, services.writer
    monkeypatch.setattr(EmbeddedWriter, "start", lambda self: None)
    monkeypatch.setattr(writer_switch, "usual_addresses", lambda own_ports: [])
    served.paths.writers.mkdir(parents=True, exist_ok=True)
    yield
    services.assistance.writer, services.writers.selected = before
    services.assistance.tutor = None
    services.settings.update(SettingsChange(writer=None, tutor=False))
    for path in served.paths.writers.glob("*.gguf"):
        path.unlink()


def choose(client, **choice):
    return client.post("/api/writers/choose", json=choice, headers=ORIGIN)


def options(message, kind):
    return [option for option in message["options"] if option["kind"] == kind]


def test_without_anything_each_kind_is_listed_with_what_it_is_good_for_and_how_to_get_it(client, served):
    message = client.get("/api/writers").json()
    assert {option["kind"] for option in message["options"]} == {"server", "file", "tutor", "embedded"}
    for option in message["options"]:
        assert option["good_for"].endswith(".") and option["costs"].endswith(".")
        assert option["available"] == (option["choice"] is not None) == (option["how"] == "")
        assert not option["command"] or option["how"]
    assert [option["available"] for option in options(message, "tutor") + options(message, "embedded")] == [True, True]
    commands = " ".join(option["command"] for option in options(message, "file"))
    assert "writers --get smollm2" in commands and "curl -L" in commands
    assert f"PERSISTENT_DATA_DIR={served.services.paths.root} " in commands
    assert options(message, "server")[0]["command"].startswith("ollama pull")
    assert message["automatic"] and message["named_at_start"] is None and message["failure"] is None


def test_that_a_full_disk_forgets_the_choice_is_said_and_documented(served, client, monkeypatch):
    def refuse(change):
        raise NoSpaceError("settings.json", "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(served.services.settings, "update", refuse)
        assert choose(client, kind="embedded").status_code == 507
    assert "507" in client.get("/openapi.json").json()["paths"]["/api/writers/choose"]["post"]["responses"]


def test_what_is_chosen_is_current_and_every_offered_choice_can_be_posted(client):
    for kind in ("embedded", "tutor", "embedded"):
        message = client.get("/api/writers").json()
        (option,) = options(message, kind)
        answer = choose(client, **option["choice"])
        assert answer.status_code == 200
        assert [option["kind"] for option in answer.json()["options"] if option["current"]] == [kind]
        assert not answer.json()["automatic"]
    assert client.get("/api/backend/model-info").json()["name"] == "embedded"
    assert client.get("/api/settings").json()["writer"]["kind"] == "embedded"


def test_a_model_file_says_what_it_needs_and_a_damaged_one_what_is_wrong(client, served, smollm2):
    (served.paths.writers / smollm2.name).symlink_to(smollm2)
    (served.paths.writers / "broken.gguf").write_bytes(b"GGUF and more")
    files = {option["name"]: option for option in options(client.get("/api/writers").json(), "file")}
    small, broken = files[smollm2.stem], files["broken"]
    assert small["available"] and small["choice"] == {"kind": "file", "file": smollm2.name}
    assert "98 MB on the disk" in small["costs"] and small["size"] == smollm2.stat().st_size
    assert not broken["available"] and "damaged" in broken["how"]
    assert not any("smollm2" in option["command"] for option in files.values())


def test_a_choice_that_cannot_be_made_is_refused_in_words_and_changes_nothing(client, served):
    (served.paths.writers / "broken.gguf").write_bytes(b"GGUF and more")
    refused = choose(client, kind="file", file="broken.gguf")
    assert refused.status_code == 409 and "damaged" in refused.json()["detail"]
    assert "pass goes on writing" in refused.json()["detail"]
    assert choose(client, kind="file", file="none.gguf").status_code == 404
    assert choose(client, kind="file", path="broken.gguf").status_code == 422
    assert client.post("/api/settings", json={"writer": {"kind": "file", "file": "broken.gguf"}}).status_code == 409
    assert client.get("/api/backend/model-info").json()["name"] == "pass"
    assert client.get("/api/settings").json()["writer"] is None


def test_the_settings_change_the_writer_too(client):
    settings = client.post("/api/settings", json={"writer": {"kind": "embedded"}, "theme": "dark"}).json()
    assert settings["writer"] == {"kind": "embedded"} and settings["theme"] == "dark"
    assert client.get("/api/backend/model-info").json()["name"] == "embedded"
    assert client.post("/api/settings", json={"writer": {"kind": "tutor"}}).json()["tutor"]
    assert client.post("/api/settings", json={"writer": None}).json()["writer"] is None


def test_servers_are_looked_for_again_only_when_asked(client, monkeypatch):
    client.get("/api/writers")
    looks = []
    monkeypatch.setattr(writer_switch, "search_servers", lambda addresses, limits: looks.append(addresses) or [])
    client.get("/api/writers")
    assert not looks
    assert client.post("/api/writers/look", headers=ORIGIN).status_code == 200 and len(looks) == 1


def test_a_page_needs_the_token_to_change_who_writes(client):
    for path in ("/api/writers/choose", "/api/writers/look", "/api/settings"):
        answer = client.post(path, json={"kind": "embedded"}, headers={"Origin": ORIGIN["Origin"]})
        assert answer.status_code == 401
