"""The log to hand over: what runs where and where errors happened; nothing that a person wrote, no token, no home."""

from pathlib import Path

import pytest

from config import VERSION
from services.http import responses
from services.http.handover import MOST_BYTES, log_text, without_home

MARKER = "MyOwnText_4711"


@pytest.fixture
def failing(monkeypatch, served):
    """Every message and every problem brings an unexpected error that quotes what came."""

    class Failing(dict):
        def get(self, name, default=None):
            raise KeyError(f"{MARKER} {name}")

    def decode(body, kind):
        raise ValueError(body.decode())

    monkeypatch.setattr(responses.messages, "decode", decode)
    monkeypatch.setattr(served.services, "problems", Failing())


def test_a_text_put_through_failing_requests_never_shows_up(client, served, failing):
    statuses = [
        client.post("/api/backend/episodes/start", json={"problem_id": MARKER}).status_code,
        client.post(f"/api/settings?{MARKER}={MARKER}", json={"theme": MARKER}).status_code,
        client.post(
            "/api/tester/execute", json={"code": MARKER}, headers={"X-Request-ID": f"x = {MARKER!r}"}
        ).status_code,
        client.post(f"/api/backend/episodes/{MARKER}/state", json={"text": MARKER}).status_code,
        client.get(f"/api/problems/{MARKER}", headers={"User-Agent": MARKER, "Cookie": MARKER}).status_code,
        client.post(f"/{MARKER}", json={"text": MARKER}).status_code,
    ]
    assert statuses == [500] * 5 + [404]
    text = client.get("/api/log").text
    assert MARKER not in text
    for place in ("POST /api/settings", "GET /api/problems/{id}", "POST /api/backend/episodes/{id}/state"):
        assert f" {place}: " in text
    assert text.count("ValueError at tests/services/http/test_handover.py") == 4


def test_the_answer_to_a_failure_names_the_line_of_the_log(client, failing):
    for request_id in ("r-78", "a b"):
        detail = client.post("/api/settings", json={}, headers={"X-Request-ID": request_id}).json()["detail"]
        assert f"{detail.rpartition(' ')[2]} POST /api/settings: " in client.get("/api/log").text


def test_it_is_plain_text_with_what_runs_where_and_how_the_parts_are(client, served):
    answer = client.get("/api/log")
    assert answer.headers["content-type"].startswith("text/plain") and answer.status_code == 200
    assert f"codeassist-policy: {VERSION}" in answer.text and "PyTorch: " in answer.text
    assert "sandbox level: " in answer.text and "recorder: works" in answer.text
    assert "token-of-this-run" not in answer.text


def test_the_home_folder_is_shortened(served, monkeypatch):
    monkeypatch.setenv("HOME", str(served.paths.root.parent))
    assert Path.home() == served.paths.root.parent
    text = log_text(served.services)
    assert f"data root: ~/{served.paths.root.name}" in text and str(Path.home()) not in text


def test_where_nobody_has_a_home_nothing_is_shortened(monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert without_home("/a/b") == "/a/b"


def test_a_long_log_is_given_from_its_latest_lines(served, monkeypatch, tmp_path):
    log = tmp_path / "services.log"
    log.with_name("services.log.1").write_text("older\n")
    log.write_text("x" * 2 * MOST_BYTES + "\nthe latest line\n")
    monkeypatch.setattr(served.services.failures, "path", log)
    text = log_text(served.services)
    assert text.endswith("the latest line\n") and len(text) < MOST_BYTES + 5000 and "older" not in text
    log.write_text("the latest line\n")
    assert log_text(served.services).endswith("older\nthe latest line\n")


def test_without_an_error_the_log_says_so(served, monkeypatch):
    monkeypatch.setattr(served.services.failures, "path", None)
    assert log_text(served.services).endswith("No unexpected error.\n")
