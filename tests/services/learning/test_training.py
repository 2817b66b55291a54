"""Learning while the services go on, with real processes: new models serve, a stop is resumed, nothing outlives it."""

import contextlib
import json
import os
import shutil
import signal
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "serve": {"explore": False},
    "ppo": {"epochs": 1},
    "zero_style": {"epochs": 1, "roots": 2, "horizon": 2, "simulations": 2, "passes": 1},
}


@pytest.fixture
def start(server_process, sample_sessions):
    """Starts a server on two recorded sessions that learns from them for so many epochs."""
    for session in sample_sessions.iterdir():
        shutil.copytree(session, server_process.paths.episodes / session.name)

    def start_server(epochs):
        bc = {"epochs": epochs, "patience": epochs}
        server_process.settings.write_text(json.dumps({**TINY, "bc": bc}))
        return server_process.start()

    return start_server


def ask(server, path):
    with contextlib.closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("POST", path, headers={"Content-Length": "0"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def wait_for(server, condition):
    deadline = time.monotonic() + 120
    while not condition(state := server.get("/api/training")):
        assert state["status"] != "failed" and time.monotonic() < deadline, state
        time.sleep(0.1)
    return state


def training_pid(server):
    """The process that trains for a server."""
    children = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    pids = [int(pid) for path in children for pid in path.read_text().split()]
    (pid,) = [pid for pid in pids if b"--progress-fd" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return pid


def is_running(pid):
    """Not: one that has ended and for which nobody waits, as where the first process of a container waits for none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def policy(server):
    """What the health of the parts says of the policy."""
    return next(part["text"] for part in server.get("/api/health")["parts"] if part["name"] == "policy")


def test_what_is_learned_serves_at_once_and_is_remembered_by_the_next_server(start):
    server = start(epochs=2)
    assert server.get("/api/models") == []
    wait_for(server, lambda state: policy(server) == "keeps quiet: no session is learned from yet")
    status, state = ask(server, "/api/training/start")
    assert (status, state["status"]) == (200, "running")
    wait_for(server, lambda state: state["phase"])
    pid = training_pid(server)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(os.getpriority(os.PRIO_PROCESS, server.process.pid) + 10, 19)
    state = wait_for(server, lambda state: state["status"] == "done")
    (model,) = server.get("/api/models")
    assert model["current"] and model["trained_on"] == "person" and model["sessions"] == 2
    assert model["session_ids"] == ["sample-longest-streak", "sample-title-case"]
    assert model["measured"] == state["table"] and model["measured_on"] == "learned_from"
    assert state["generation"] == model["id"] and state["replaced"] is True
    assert list(dict.fromkeys(point["phase"] for point in state["points"])) == ["bc", "ppo_from_episodes", "zero_style"]
    assert state["lines"][-1].startswith("The new models are current")
    assert policy(server).endswith("which learned from 2 sessions")

    server.stop()
    server.start()
    again = server.get("/api/training")
    for key in ("status", "table", "points", "sessions", "generation", "replaced", "ended"):
        assert again[key] == state[key], key
    assert again["lines"] == state["lines"][-2:]


def test_stopped_it_goes_on_where_it_was_and_it_ends_with_a_server_that_is_killed(start):
    server = start(epochs=100_000)
    ask(server, "/api/training/start")
    before = wait_for(server, lambda state: len(state["points"]) > 2)
    assert ask(server, "/api/training/start")[0] == 409
    status, _ = ask(server, "/api/training/stop")
    assert status == 200
    stopped = wait_for(server, lambda state: state["status"] == "stopped")
    assert stopped["can_start"] and ask(server, "/api/training/stop")[0] == 409

    ask(server, "/api/training/start")
    on = wait_for(server, lambda state: state["points"])
    assert "Going on with the run that was interrupted." in on["lines"]
    assert on["points"][: len(before["points"])] == before["points"] and len(on["points"]) > len(before["points"])
    pid = training_pid(server)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    deadline = time.monotonic() + 60
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)
    server.start()
    assert server.get("/api/training")["status"] == "stopped"
