"""Health says of every part how it is and what to do."""

import errno
import platform
import re
from dataclasses import replace

import pytest

from config import VERSION
from judge import worker_pool
from judge.case_runner import CaseRunner
from judge.sandbox_level import SandboxLevel
from services.http import health
from services.person.person_files import PersonFiles


def part(client, name):
    return next(part for part in client.get("/api/health").json()["parts"] if part["name"] == name)


def test_health_says_how_every_part_is(client):
    health = client.get("/api/health").json()
    names = [part["name"] for part in health["parts"]]
    assert names == ["recorder", "policy", "writer", "reviewer", "tester", "settings", "disk", "log", "versions"]
    assert all(part["text"] and isinstance(part["ok"], bool) for part in health["parts"])
    assert health["status"] == ("healthy" if all(part["ok"] for part in health["parts"]) else "unhealthy")


def test_health_names_the_persons_folder_where_it_is_missing(client, served, monkeypatch, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setattr(served.services.folder, "files", PersonFiles(folder, served.paths.root))
    assert "files" not in [part["name"] for part in client.get("/api/health").json()["parts"]]
    folder.rmdir()
    files = part(client, "files")
    assert not files["ok"] and files["text"] == f"{folder} is not there" and "another folder" in files["advice"]
    monkeypatch.setattr(served.services.folder, "files", None)
    monkeypatch.setattr(served.services.folder, "failure", "~/gone: there is no such file or folder")
    assert part(client, "files")["text"] == "~/gone: there is no such file or folder"


def test_health_is_bad_where_nothing_is_recorded(client, served, monkeypatch):
    monkeypatch.setattr(served.services.recorder, "problem_of_disk", "the disk is full")
    health = client.get("/api/health").json()
    assert health["status"] == "unhealthy" and not health["recording"]
    recorder = health["parts"][0]
    assert not recorder["ok"] and recorder["text"] == "nothing is recorded: the disk is full"
    assert "PERSISTENT_DATA_DIR" in recorder["advice"]
    assert client.get("/api/backend/health").json()["status"] == "unhealthy"


def test_health_says_before_the_first_session_that_a_folder_cannot_be_written(client, monkeypatch):
    monkeypatch.setattr("services.http.health.os.access", lambda path, mode: False)
    health = client.get("/api/health").json()
    assert not health["recording"] and "PERSISTENT_DATA_DIR" in health["parts"][0]["advice"]


def test_health_says_that_there_is_hardly_room(client, monkeypatch):
    monkeypatch.setattr("services.http.health.LOW_DISK", 2**62)
    part = client.get("/api/health").json()["parts"][6]
    assert not part["ok"] and part["text"].startswith("only ") and part["advice"].startswith("make room")


def test_health_says_why_the_policy_keeps_quiet(client, served, monkeypatch):
    monkeypatch.setattr(served.services.assistance.models, "failure", "the models are damaged")
    policy = client.get("/api/health").json()["parts"][1]
    assert not policy["ok"] and "the models are damaged" in policy["text"]
    assert client.get("/api/policy/health").json() == {"status": "unhealthy", "service": "policy-models"}


@pytest.mark.parametrize("address", ["/api/tester/execute", "/api/submissions"])
def test_that_the_system_starts_no_more_processes_is_said(client, served, monkeypatch, address):
    def refuse(*arguments, **options):
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    with CaseRunner() as tester:
        tester._probed = served.services.tester.sandbox
        monkeypatch.setattr(served.services, "tester", tester)
        monkeypatch.setattr(worker_pool.subprocess, "Popen", refuse)
        body = {"episode_id": "e", "code": "", "timestep": 0}
        cases = {"test_cases": [{"test_id": 1, "input": "", "output": ""}], "timeout_ms": 1000}
        answer = client.post(address, json={**body, **cases, "problem_id": next(iter(served.services.problems))})
    assert answer.status_code == 503 and "no more processes" in answer.json()["detail"]


def test_a_tester_without_protection_runs_nothing_and_says_so(client, served, monkeypatch):
    monkeypatch.setattr(type(served.services.tester), "refusal", "the sandbox is too weak")
    body = {"episode_id": "e", "code": "", "test_cases": [], "timestep": 0, "timeout_ms": 1000}
    answer = client.post("/api/tester/execute", json=body)
    assert answer.status_code == 503 and answer.json()["detail"] == "the sandbox is too weak"
    assert client.get("/api/tester/health").json()["status"] == "unhealthy"
    assert not client.get("/api/health").json()["parts"][4]["ok"]


def test_the_writer_in_use_says_how_to_get_a_better_one(client, served, monkeypatch):
    monkeypatch.setattr(
        served.services.writers, "selected", replace(served.services.writer, hint="ollama pull something")
    )
    assert part(client, "writer")["advice"] == "ollama pull something"
    monkeypatch.setattr(served.services.assistance, "writer_failure", "took longer than 20 s")
    writer = part(client, "writer")
    assert not writer["ok"] and "the last time it took longer than 20 s" in writer["text"] and writer["advice"]


def test_every_part_that_does_not_work_says_what_to_do(client, served, monkeypatch):
    services = served.services
    monkeypatch.setattr(services.recorder, "problem_of_disk", "the disk is full")
    monkeypatch.setattr(services.assistance.models, "failure", "damaged")
    monkeypatch.setattr(services.writers, "selected", replace(services.writer, name=""))
    monkeypatch.setattr(type(services.tester), "refusal", "too weak")
    monkeypatch.setattr(services.failures, "count", 2)
    monkeypatch.setattr(health, "LOW_DISK", 2**62)
    monkeypatch.setattr(services.settings, "failure", "settings.json: is damaged")
    monkeypatch.setattr(health, "raises_sandbox", lambda level: "install something")
    broken = [part for part in client.get("/api/health").json()["parts"] if not part["ok"]]
    assert len(broken) == 7 and all(part["advice"] for part in broken), broken


@pytest.mark.parametrize("level", list(SandboxLevel))
@pytest.mark.parametrize("has_filter", [True, False])
def test_what_would_raise_the_sandbox_is_what_the_level_lacks(monkeypatch, level, has_filter):
    monkeypatch.setattr(health, "find_spec", lambda name: has_filter or None)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    advice = health.raises_sandbox(level)
    assert (advice == "") == (level == SandboxLevel.FULL)
    assert ("Landlock" in advice) == (level in (SandboxLevel.NONE, SandboxLevel.LIMITS, SandboxLevel.NAMESPACES))
    assert ("user namespaces" in advice) == (level < SandboxLevel.NAMESPACES)
    if has_filter or level == SandboxLevel.SYSTEM_CALLS:
        assert "seccompy" not in advice
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert ("Linux" in health.raises_sandbox(level)) == (level != SandboxLevel.FULL)


def test_disk_and_versions_are_given_for_programs_too(client, served):
    (served.paths.root / "large.bin").write_bytes(bytes(3 * 2**20))
    health._sizes.clear()
    answer = client.get("/api/health").json()
    assert answer["disk"]["folder"] == str(served.paths.root) and answer["disk"]["free_bytes"] > 0
    assert answer["disk"]["data_bytes"] >= 3 * 2**20
    assert re.search(r"takes [\d.,]+ MB", part(client, "disk")["text"])
    assert answer["versions"]["codeassist-policy"] == VERSION
    assert answer["versions"]["Python"] == platform.python_version() and answer["versions"]["platform"]
    assert "PyTorch" in answer["versions"]


def test_the_data_root_is_not_counted_at_every_request(tmp_path, monkeypatch):
    walks, walk = [], health.os.walk
    monkeypatch.setattr(health.os, "walk", lambda folder: walks.append(folder) or walk(folder))
    (tmp_path / "a").write_bytes(bytes(10))
    assert [health.data_size(tmp_path) for _ in range(5)] == [10] * 5 and len(walks) == 1
    monkeypatch.setattr(health, "COUNTED_AGAIN_SECONDS", 0.0)
    (tmp_path / "b").write_bytes(bytes(5))
    assert health.data_size(tmp_path) == 15


def test_a_link_in_the_data_root_counts_no_file_elsewhere(tmp_path):
    (tmp_path / "elsewhere").write_bytes(bytes(10_000))
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "gone").symlink_to(tmp_path / "nothing")
    assert health.data_size(root) < 1000
