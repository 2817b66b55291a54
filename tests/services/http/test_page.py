"""The page's own addresses: what it is made of, what it lists, what it may show of a problem, what it can switch."""

import asyncio
import os
import re
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from services.http.page import STATIC, Page

ORIGIN = {"Origin": "http://127.0.0.1:3000", "X-CodeAssist-Token": "token-of-this-run"}


def test_the_page_has_no_script_and_no_style_of_its_own_and_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "{{" not in page.text and '<meta name="token" content="token-of-this-run">' in page.text
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", page.text)
    assert all(address.startswith("/") for address in re.findall(r'(?:src|href)="([^"]+)"', page.text))
    for path in (STATIC / "index.html", STATIC / "page.css", STATIC / "icon.svg"):
        assert not re.search(r"https?://(?!www\.w3\.org/)|@import|url\(", path.read_text(encoding="utf-8")), path


def test_the_editors_style_element_is_let_through_by_a_nonce_of_its_own_and_no_other(client):
    pages = [client.get("/") for _ in range(2)]
    nonces = [re.search(r'name="style-nonce" content="([^"]+)"', page.text)[1] for page in pages]
    assert nonces[0] != nonces[1]
    for page, nonce in zip(pages, nonces, strict=True):
        policy = page.headers["content-security-policy"]
        assert policy.endswith(f"style-src 'self' 'nonce-{nonce}'") and "unsafe" not in policy
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "nonce" not in client.get("/api/health").headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/index.html", "/a/b"])
def test_a_browser_at_an_unknown_address_gets_the_page_and_a_program_the_reason(client, path):
    page = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.status_code == 404 and page.headers["content-type"].startswith("text/html")
    home = client.get("/")
    assert {name: page.headers[name] for name in ("x-frame-options", "cache-control", "referrer-policy")} == {
        name: home.headers[name] for name in ("x-frame-options", "cache-control", "referrer-policy")
    }
    nonce = re.search(r'name="style-nonce" content="([^"]+)"', page.text)[1]
    assert page.headers["content-security-policy"].endswith(f"style-src 'self' 'nonce-{nonce}'")
    for accept in ("*/*", "application/json"):
        answer = client.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.json()) == (404, {"detail": "there is nothing at this address"})
    assert client.post(path, headers={"Accept": "text/html"}).json()["detail"] == "there is nothing at this address"


def test_every_file_that_the_page_names_is_there(client):
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").text)
    assert len(named) == 3
    for address in [*named, "/static/licences.txt"]:
        answer = client.get(address)
        assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] in (
            "text/javascript", "text/css", "image/svg+xml", "text/plain",
        )  # fmt: skip


def test_without_a_writer_there_is_no_model(client, served, monkeypatch):
    monkeypatch.setattr(served.services.writers, "selected", replace(served.services.writer, name=""))
    assert client.get("/api/backend/model-info").status_code == 404
    assert client.get("/api/backend/").json()["model"] is None
    health = client.get("/api/backend/health").json()
    assert health == {"status": "unhealthy", "ollama_healthy": False, "model_available": False, "model_info": None}


def test_the_page_says_why_the_assistant_keeps_quiet(client, served, monkeypatch):
    def fail(*arguments):
        raise OSError("the server is gone")

    monkeypatch.setattr(served.services.assistance, "writer", SimpleNamespace(write=fail))
    text = "def double(x):\n    return x\n"
    body = {"text": text, "timestep": 1, "action": 2, "context": {"cursorOffset": len(text)}}
    metadata = client.post("/api/backend/inference", json=body).json()["metadata"]
    assert "the server is gone" in metadata["reason"]


def test_the_page_is_told_whether_training_follows(served):
    for trains, word in ((True, "true"), (False, "false")):
        page = asyncio.run(Page(served.services, "token", lambda: None, trains).index(None)).body.decode()
        assert "{{" not in page and f'<meta name="trains" content="{word}">' in page


def test_a_page_that_waits_for_the_settings_keeps_nobody_else_waiting(client, served):
    answers = []
    requests = [threading.Thread(target=lambda path=path: answers.append(client.get(path).text))
                for path in ("/", "/api/backend/")]  # fmt: skip
    with served.services.settings._lock:  # somebody saves them, on a slow disk
        for request in requests:
            request.start()
            time.sleep(0.1)
        requests[1].join(20)
        assert len(answers) == 1 and "state service" in answers[0]
    requests[0].join(20)
    assert "CodeAssist" in answers[1]


def test_the_page_ends_recording(client, served):
    assert client.post("/api/finish", headers=ORIGIN).json() == {"ok": True}
    assert served.finished == [1]


def test_sessions_and_models_are_listed_the_latest_first(client, served):
    assert client.get("/api/models").json() == []
    for i, name in enumerate(("old", "new")):
        path = served.paths.episodes / name / f"{name}.json"
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        os.utime(path, (i, i))
    assert [session["id"] for session in client.get("/api/sessions").json()] == ["new", "old"]


@pytest.mark.parametrize("path", ["/api/health", "/api/sessions", "/api/models", "/api/problems"])
def test_lists_are_given_to_programs_too(client, path):
    assert client.get(path).status_code == 200
