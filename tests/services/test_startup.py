"""Starting promises: the page before PyTorch, the next port only for the default one, the compatible ports."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest

from config import LoopConfig, ServeConfig
from data_paths import DataPaths
from delegates.embedded import EmbeddedWriter
from delegates.embedded.attributes import JediProcess
from errors import ConflictError, InputError
from judge import Case, Problem
from judge.problems import add_problems
from judge.sandbox import ProbedSandbox
from judge.sandbox_level import SandboxLevel
from services import startup
from services.http import app
from services.http.settings_service import apply_change
from services.messages.settings_messages import SettingsChange
from services.person.person_files import PersonFiles
from services.person.person_folder import PersonFolder
from services.simulated_client import BackendClient
from services.startup import StartOptions, start_services
from state_adapter import exclusion_mark, is_excluded, read_episodes
from tests.small_library import put_small_library, start_no_jedi

CONFIG = LoopConfig()


@pytest.fixture
def paths(tmp_path, monkeypatch):
    paths = DataPaths(tmp_path / "data")
    put_small_library(paths.writers)
    monkeypatch.setattr(JediProcess, "start", start_no_jedi)
    return paths


@pytest.fixture
def start(paths):
    """Starts services on a free port; `lines` of the result: what was reported."""
    started = []

    def run(config=CONFIG, **options):
        lines = []
        options = StartOptions(**{"port": 0, **options})
        running = start_services(config, paths, options, finish=threading.Event().set, report=lines.append)
        running.lines = lines
        started.append(running)
        return running

    yield run
    for running in started:
        assert running.stop(60)


def get(port, path, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_the_page_shows_what_the_configuration_says_until_the_person_changes_it(start):
    config = replace(CONFIG, learn_pastes=True, serve=ServeConfig(tutor=True, explore=False))
    status, content = get(start(config).port, "/api/settings")
    settings = json.loads(content)
    assert status == 200
    assert (settings["learn_pastes"], settings["tutor"], settings["explore"]) == (True, True, False)


def test_everything_that_begins_to_serve_is_imported_without_pytorch():
    code = "import services.serving, services.simulated_sessions, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_the_default_port_moves_on_and_says_so(start, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(startup, "DEFAULT_PORT", port)
        running = start(port=None)
        assert port < running.port < port + startup.TRIED_PORTS
        assert (
            running.lines[0].startswith(f"port {port}: is taken by ") and f"{running.port} is free" in running.lines[0]
        )
        with pytest.raises(ConflictError, match=f"port {port}: is taken by .*process"):
            start(port=port)


def test_the_compatible_ports_serve_each_service_without_a_prefix(start, monkeypatch):
    backend, tester, policy = free_ports(3)
    prefixes = {backend: "/api/backend", tester: "/api/tester", policy: "/api/policy"}
    for module in (app, startup):
        monkeypatch.setattr(module, "COMPATIBLE_PORTS", prefixes)
    running = start(compat_ports=True, allowed_origins=frozenset(["http://localhost:5173"]))
    running.wait_until_ready()
    for port, prefix in prefixes.items():
        for origin in ({}, {"Origin": "http://localhost:5173"}):
            assert get(port, "/health", **origin) == get(running.port, f"{prefix}/health"), prefix
        assert get(port, "/health", Origin="http://elsewhere.example")[0] == 403
    assert json.loads(get(policy, "/health")[1])["service"] == "policy-models"
    assert any(f"ports {backend}, {tester}, {policy}" in line for line in running.lines)


def test_a_request_is_superseded_by_a_newer_one_on_another_port(start, monkeypatch):
    backend, tester, policy = free_ports(3)
    for module in (app, startup):
        prefixes = {backend: "/api/backend", tester: "/api/tester", policy: "/api/policy"}
        monkeypatch.setattr(module, "COMPATIBLE_PORTS", prefixes)
    running = start(compat_ports=True)
    help_with, begun, cancelled = running.services.assistance.help, threading.Event(), threading.Event()

    def help_slowly(request):
        if not begun.is_set():
            request.context.cancellation.on_cancel(cancelled.set)
            begun.set()
            cancelled.wait(10)
        return help_with(request)

    monkeypatch.setattr(running.services.assistance, "help", help_slowly)
    body = {"text": "a", "timestep": 0, "action": 0, "context": {"cursorOffset": 0}}
    clients = BackendClient("127.0.0.1", backend, prefix=""), BackendClient("127.0.0.1", running.port)
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(clients[0].post, "/inference", body)
        assert begun.wait(60)
        assert clients[1].post("/inference", body)["metadata"]["action"][0] == 0
        with pytest.raises(InputError, match="answered by 499"):
            older.result()
    for client in clients:
        client.close()


def test_a_setting_that_turns_out_wrong_while_parts_get_ready_ends_it(paths):
    finished = threading.Event()
    config = replace(CONFIG, model=replace(CONFIG.model, backbone="absent"), serve=ServeConfig())
    options = StartOptions(port=0, settings_file="my.json")
    running = start_services(config, paths, options, finish=finished.set, report=lambda line: None)
    assert finished.wait(60) and running.stop(60)
    assert isinstance(running.failure, InputError) and str(running.failure).startswith("my.json: model.backbone")


def test_two_servers_never_record_into_one_data_root_and_the_next_one_may(start, paths):
    first = start()
    with pytest.raises(ConflictError, match=f"another run.py records into it: {first.address}"):
        start()
    assert first.stop(60)
    assert get(start().port, "/")[0] == 200


@pytest.mark.parametrize("unprotected", [False, True])
def test_where_the_sandbox_is_too_weak_states_are_tested_only_if_the_person_said_so(
    start, paths, monkeypatch, unprotected
):
    weak = ProbedSandbox(SandboxLevel.LIMITS, ("read_file",))
    monkeypatch.setattr("judge.case_runner.probe", lambda level: weak)
    running = start(unprotected_tester=unprotected)
    client = BackendClient("127.0.0.1", running.port)
    episode_id = client.post("/episodes/start", {"problem_id": next(iter(running.services.problems))})["episode_id"]
    client.post(f"/episodes/{episode_id}/state", {"text": "a = 1", "timestep": 0, "attribution": []})
    client.post(f"/episodes/{episode_id}/end", {})
    client.close()
    assert running.services.recorder.snapshots.wait(60)
    (state,) = json.loads((paths.episodes / episode_id / f"{episode_id}.json").read_bytes())["states"]
    assert (state["env"] is not None) == unprotected


def test_the_start_says_where_sessions_of_simulated_people_are_recorded(start, paths, tmp_path):
    lines = start(models=tmp_path / "models").lines
    assert [line for line in lines if f"records into {paths.simulated_episodes}" in line]
    assert not [line for line in lines if str(paths.episodes) in line]


def test_the_page_knows_whether_training_follows(start):
    assert b'<meta name="trains" content="false">' in get(start(trains=False).port, "/")[1]


def test_a_folder_of_files_is_opened_and_one_that_is_none_is_refused(start, paths, tmp_path):
    folder = tmp_path / "own"
    with pytest.raises(InputError, match="own"):
        start(folder=folder)
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    running = start(folder=folder)
    listed = json.loads(get(running.port, "/api/files")[1])
    assert listed["folder"] == str(folder) and [file["path"] for file in listed["files"]] == ["a.py"]
    assert any(str(folder) in line for line in running.lines)


def test_our_own_data_is_not_among_a_persons_files(start, tmp_path):
    running = start(folder=tmp_path)
    BackendClient("127.0.0.1", running.port).post("/episodes/start", {"problem_id": "own"})
    assert json.loads(get(running.port, "/api/files")[1])["files"] == []
    assert get(running.port, "/api/files/content?path=data/solved.json")[0] == 403


def test_a_session_of_a_file_that_is_ignored_meanwhile_is_left_out_of_learning(start, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    running = start(folder=folder)
    client, sessions = BackendClient("127.0.0.1", running.port), {}
    for name in ("mine.py", "other.py"):
        episode = client.post("/episodes/start", {"problem_id": "own", "file": name})["episode_id"]
        for t, text in enumerate(("a = 1", "a = 2")):
            state = {"text": text, "timestep": t, "timestamp_ms": t, "attribution": []}
            client.post(f"/episodes/{episode}/state", state)
        sessions[name] = episode
    (folder / ".gitignore").write_text("mine.py\n")
    for episode in sessions.values():
        client.post(f"/episodes/{episode}/end", {})
    assert running.services.recorder.snapshots.wait(60)
    episodes, _ = read_episodes(running.services.paths.episodes)
    assert [episode.id for episode in episodes] == [sessions["other.py"]]


def test_a_part_that_fails_at_the_start_ends_nothing_and_is_in_health(paths, monkeypatch):
    def fail(services):
        raise RuntimeError("a bug")

    monkeypatch.setattr(startup, "relearn_texts", fail)
    finished = threading.Event()
    running = start_services(CONFIG, paths, StartOptions(port=0), finish=finished.set, report=lambda line: None)
    try:
        running.wait_until_ready()
        health = {part["name"]: part for part in json.loads(get(running.port, "/api/health")[1])["parts"]}
        assert not finished.is_set() and not health["log"]["ok"] and health["recorder"]["ok"]
    finally:
        assert running.stop(60)


def test_that_nothing_learns_from_a_file_that_is_ignored_meanwhile_is_on_the_disk(paths, tmp_path, monkeypatch):
    stream = paths.episodes / "e" / "raw" / "e.jsonl"
    stream.parent.mkdir(parents=True)
    header, state = {"episode_id": "e", "file": "notes.py"}, {"text": "my_secret_name = 1", "timestep": 0}
    stream.write_text("".join(json.dumps(line) + "\n" for line in (header, state)))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / ".codeassistignore").write_text("notes.py")
    synced, embedded = [], EmbeddedWriter()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    folder = PersonFolder(paths.root, PersonFiles(tmp_path / "own", paths.root))
    startup._learn_text(embedded, folder, stream)
    assert is_excluded(stream) and exclusion_mark(stream).parent in synced
    assert not embedded._earlier.tokens


def test_a_problem_that_was_erased_is_known_to_nobody_any_more(start, paths):
    add_problems(paths.problems, [Problem("mine", "f", (Case((1,), 1),), statement="my words")])
    running = start()
    recorder = running.services.recorder
    with closing(BackendClient("127.0.0.1", running.port, "/api")) as client:
        assert recorder.snapshots.problem("mine").statement == "my words"
        client.post("/erase", {"confirm": "erase everything"})
        episode = client.post("/backend/episodes/start", {"problem_id": "mine"})["episode_id"]
    assert recorder.snapshots.problem("mine") is None and recorder.problem(episode) is None


def test_a_damaged_file_of_solved_problems_is_reported_once(start, paths):
    paths.solved.write_text("{")
    running = start()
    assert len([line for line in running.lines if str(paths.solved) in line and "set aside" in line]) == 1


def begin_endless_run(running):
    """The connection over which a run was asked for that does not end by itself."""
    case = {"test_id": 1, "input": "", "output": ""}
    body = {"episode_id": "e", "code": "import time\ntime.sleep(600)", "test_cases": [case], "timestep": 0}
    body["timeout_ms"] = 600_000
    connection = HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("POST", "/api/tester/execute", json.dumps(body), {"Content-Type": "application/json"})
    return connection


def test_a_run_ends_when_its_client_has_gone(start):
    running = start()
    running.wait_until_ready()
    connection = begin_endless_run(running)
    pool = running.services.tester._pool
    assert wait_until(lambda: any(pool._owners.values()))
    connection.close()
    assert wait_until(lambda: not any(pool._owners.values()))


def test_a_server_that_ends_does_not_wait_for_a_run(start):
    running = start()
    running.wait_until_ready()
    with closing(begin_endless_run(running)):
        assert wait_until(lambda: any(running.services.tester._pool._owners.values()))
        begun = time.monotonic()
        assert running.stop(60)
        assert time.monotonic() - begun < 15


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_what_a_crash_left_of_a_removal_is_gone_before_anything_is_read(start, paths):
    trash = paths.episodes / ".deleted-1" / "raw" / ".deleted-1.jsonl"
    trash.parent.mkdir(parents=True)
    trash.write_text("{}")
    paths.settings.write_text('{"explore": false}')
    (paths.root / ".erasing").touch()
    running = start()
    assert json.loads(get(running.port, "/api/sessions")[1]) == []
    assert not trash.exists() and not paths.settings.exists() and not (paths.root / ".erasing").exists()
    assert running.services.settings.current().explore


def test_the_remembered_folder_is_open_and_the_flags_comes_before_it(start, paths, tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
    first = start()
    apply_change(first.services, SettingsChange(folder=str(mine)))
    first.stop(60)
    second = start(folder=other)
    assert second.services.folder.files.folder == other and second.services.settings.current().folder == str(other)
    second.stop(60)
    third = start()
    assert third.services.folder.files.folder == mine
    third.stop(60)
    mine.rmdir()
    fourth = start()
    assert fourth.services.folder.files is None and f"{mine}: there is no such file or folder" in "".join(fourth.lines)


def test_problems_that_cannot_be_read_do_not_stop_the_start_and_are_told_of(start, paths):
    paths.root.mkdir(parents=True, exist_ok=True)
    paths.problems.write_text('[{"task_id": "mine"')
    running = start()
    assert len([line for line in running.lines if str(paths.problems) in line]) == 1
    health = {part["name"]: part for part in json.loads(get(running.port, "/api/health")[1])["parts"]}
    assert not health["problems"]["ok"] and str(paths.problems) in health["problems"]["text"]
    assert json.loads(get(running.port, "/api/problems")[1])
    assert paths.problems.read_text() == '[{"task_id": "mine"'
    with closing(BackendClient("127.0.0.1", running.port, "/api")) as client:
        client.post("/erase", {"confirm": "erase everything"})
    assert "problems" not in [part["name"] for part in json.loads(get(running.port, "/api/health")[1])["parts"]]


def test_what_is_drawn_for_simulated_people_follows_the_seed_and_for_a_person_nothing_does(paths, tmp_path):
    def draws(seed, models):
        options = StartOptions(models=models)
        parts = startup._make_assistance(LoopConfig(seed=seed), paths, options, None, explore=True)
        return parts.models._random.random(), parts._random.random()

    simulated = tmp_path / "simulated"
    assert draws(1, simulated) == draws(1, simulated) != draws(2, simulated)
    assert draws(1, None) != draws(1, None)
