"""The page's own addresses: what it is made of, what it lists, what it may show of a problem, what it can switch."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import pytest

from services.page import STATIC, Page
from simulation.builtin_problems import BY_ID

ORIGIN = {"Origin": "http://127.0.0.1:3000", "X-CodeAssist-Token": "token-of-this-run"}


def test_the_page_has_no_script_and_no_style_of_its_own_and_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "{{" not in page.text and '<meta name="token" content="token-of-this-run">' in page.text
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", page.text)
    assert all(address.startswith("/") for address in re.findall(r'(?:src|href)="([^"]+)"', page.text))
    for path in STATIC.iterdir():
        assert not re.search(r"https?://(?!www\.w3\.org/)", path.read_text(encoding="utf-8")), path


def test_every_file_that_the_page_names_is_there(client):
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").text)
    for path in STATIC.glob("*.js"):
        named += [f"/static/{name}" for name in re.findall(r'from "\./([^"]+)"', path.read_text(encoding="utf-8"))]
    assert len(named) >= 5
    for address in named:
        answer = client.get(address)
        assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] in (
            "text/javascript", "text/css", "image/svg+xml",
        )  # fmt: skip


def test_every_element_that_the_script_names_is_in_the_page(client):
    page, script = client.get("/").text, (STATIC / "page.js").read_text(encoding="utf-8")
    ids = set(re.findall(r'id="([\w-]+)"', page))
    assert set(re.findall(r'element\("([\w-]+)"\)', script)) <= ids
    for label in re.findall(r'<label for="([\w-]+)"', page):
        assert label in ids
    assert set(re.findall(r'aria-labelledby="([\w-]+)"', page)) <= ids


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript without a browser")
@pytest.mark.parametrize(
    ("key", "line", "edit"),
    [
        ("Tab", "", (0, "    ")),
        ("Tab", "  x = 1", (0, " ")),
        ("Enter", "    for x in y:", (0, "\n        ")),
        ("Enter", "    x = 1", (0, "\n    ")),
        ("Enter", "x = 1  # so:", (0, "\n")),
        ("Backspace", "        ", (4, "")),
        ("Backspace", "      ", (2, "")),
        ("Backspace", "    x", None),
        ("Backspace", "", None),
        ("a", "    ", None),
    ],
)
def test_keys_indent_python(key, line, edit):
    source = (STATIC / "indentation.js").read_text(encoding="utf-8")
    call = f"console.log(JSON.stringify(indentingEdit({json.dumps(key)}, {json.dumps(line)})));"
    command = ["node", "--input-type=module", "--eval", source + call]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(answer) == (None if edit is None else {"remove": edit[0], "insert": edit[1]})


def test_health_says_how_every_part_is(client):
    health = client.get("/api/health").json()
    names = [part["name"] for part in health["parts"]]
    assert names == ["recorder", "policy", "writer", "reviewer", "tester", "disk", "log", "versions"]
    assert all(part["text"] and isinstance(part["ok"], bool) for part in health["parts"])
    assert health["status"] == ("healthy" if all(part["ok"] for part in health["parts"]) else "unhealthy")


def test_health_is_bad_where_nothing_is_recorded(client, served, monkeypatch):
    monkeypatch.setattr(served.services.recorder, "problem_of_disk", "the disk is full")
    health = client.get("/api/health").json()
    assert health["status"] == "unhealthy" and not health["recording"]
    assert health["parts"][0] == {"name": "recorder", "ok": False, "text": "nothing is recorded: the disk is full"}
    assert client.get("/api/backend/health").json()["status"] == "unhealthy"


def test_health_says_before_the_first_session_that_a_folder_cannot_be_written(client, monkeypatch):
    monkeypatch.setattr("services.health.os.access", lambda path, mode: False)
    health = client.get("/api/health").json()
    assert not health["recording"] and "PERSISTENT_DATA_DIR" in health["parts"][0]["text"]


def test_health_says_that_there_is_hardly_room(client, monkeypatch):
    monkeypatch.setattr("services.health.LOW_DISK", 2**62)
    part = client.get("/api/health").json()["parts"][5]
    assert not part["ok"] and part["text"].startswith("only ") and part["text"].endswith("make room")


def test_health_says_why_the_policy_keeps_quiet(client, served, monkeypatch):
    monkeypatch.setattr(served.services.assistance.models, "failure", "the models are damaged")
    policy = client.get("/api/health").json()["parts"][1]
    assert not policy["ok"] and "the models are damaged" in policy["text"]
    assert client.get("/api/policy/health").json() == {"status": "unhealthy", "service": "policy-models"}


def test_without_a_writer_there_is_no_model(client, served, monkeypatch):
    monkeypatch.setattr(served.services, "writer_name", "")
    assert client.get("/api/backend/model-info").status_code == 404
    assert client.get("/api/backend/").json()["model"] is None
    health = client.get("/api/backend/health").json()
    assert health == {"status": "unhealthy", "ollama_healthy": False, "model_available": False, "model_info": None}


def test_a_tester_without_protection_runs_nothing_and_says_so(client, served, monkeypatch):
    monkeypatch.setattr(type(served.services.tester), "refusal", "the sandbox is too weak")
    body = {"episode_id": "e", "code": "", "test_cases": [], "timestep": 0, "timeout_ms": 1000}
    answer = client.post("/api/tester/execute", json=body)
    assert answer.status_code == 503 and answer.json()["detail"] == "the sandbox is too weak"
    assert client.get("/api/tester/health").json()["status"] == "unhealthy"
    assert not client.get("/api/health").json()["parts"][4]["ok"]


def test_problems_are_shown_without_their_hidden_cases_and_solutions(client, served):
    listed = client.get("/api/problems").json()
    assert len(listed) >= 40
    hidden = 0
    for entry in listed:
        shown, problem = (
            client.get(f"/api/problems/{entry['task_id']}").json(),
            served.services.problems[entry["task_id"]],
        )
        assert len(shown["input_output"]) == len(problem.visible_cases)
        hidden += len(problem.cases) - len(problem.visible_cases)
        assert not {"solution", "completion", "notes"} & set(shown)
    assert hidden


def test_problems_of_scripted_people_which_say_nothing_of_what_to_do_are_not_offered(client, served):
    offered = {entry["task_id"] for entry in client.get("/api/problems").json()}
    assert offered == set(served.services.problems) - set(BY_ID) and BY_ID
    assert all(client.get(f"/api/problems/{name}").json()["problem_description"] for name in offered)


def test_a_problem_of_the_person_is_offered_whatever_its_name(client, served, monkeypatch):
    name = next(iter(BY_ID))
    monkeypatch.setitem(served.services.problems, name, replace(BY_ID[name], title="Mine"))
    assert "Mine" in [entry["title"] for entry in client.get("/api/problems").json()]


def test_the_page_says_why_the_assistant_keeps_quiet(client, served, monkeypatch):
    def fail(*arguments):
        raise OSError("the server is gone")

    monkeypatch.setattr(served.services.assistance, "writer", SimpleNamespace(write=fail))
    text = "def double(x):\n    return x\n"
    body = {"text": text, "timestep": 1, "action": 2, "context": {"cursorOffset": len(text)}}
    metadata = client.post("/api/backend/inference", json=body).json()["metadata"]
    assert "the server is gone" in metadata["reason"]
    script = (STATIC / "page.js").read_text(encoding="utf-8")
    assert "say(whyQuiet(answer.metadata))" in script and "function whyQuiet({ reason, withheld })" in script


def test_the_page_lists_sessions_again_because_they_are_written_after_their_tests():
    assert "setInterval(reporting(show), " in (STATIC / "page.js").read_text(encoding="utf-8")


def test_a_file_of_the_persons_own_does_not_begin_with_what_a_problem_left_in_the_editor():
    script = (STATIC / "page.js").read_text(encoding="utf-8")
    assert "editor.value = problem ? problem.starter_code : ownText;" in script
    assert "if (!problem) ownText = editor.value;" in script


def test_exploration_can_be_switched(client, served, monkeypatch):
    monkeypatch.setattr(served.services.assistance.models, "explore", True)
    assert client.post("/api/explore", json={"explore": False}, headers=ORIGIN).json() == {"ok": True}
    assert served.services.assistance.models.explore is False and client.get("/api/health").json()["explore"] is False
    assert client.post("/api/explore", json={"explore": "no"}).status_code == 422


def test_the_page_promises_training_only_where_it_follows(served):
    def button(trains):
        page = asyncio.run(Page(served.services, "token", lambda: None, trains).index(None)).body.decode()
        assert "{{" not in page
        return re.search(r'<button id="finish" (.+)</button>', page)[1]

    assert button(True) == 'data-trains="true">Stop and train'
    assert button(False) == 'data-trains="false">Stop recording'


def test_the_page_asks_no_more_once_the_server_ends():
    script = (STATIC / "page.js").read_text(encoding="utf-8")
    finish = re.search(r"async function finish\(\) \{.*?\n\}", script, re.DOTALL)[0]
    assert "const refreshing = setInterval(" in script and "clearInterval(refreshing)" in finish
    assert re.search(r'\["begin", .*"finish".*\]\) element\(id\)\.disabled = true', finish)


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript without a browser")
def test_where_no_server_answers_the_page_says_what_must_run():
    source = (STATIC / "api.js").read_text(encoding="utf-8")
    browser = 'globalThis.document = { querySelector: () => ({ content: "token" }) };'
    server = 'globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };'
    call = 'await ask("/api/health").catch((error) => console.log(error.message));'
    command = ["node", "--input-type=module", "--eval", browser + server + source + call]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "run.py must be running" in answer


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
