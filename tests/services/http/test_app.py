"""Applications: services below `/api`, and each without a prefix for clients of the existing system; a real server."""

import os
import socket
import subprocess
import sys

import pytest

from services.http.app import COMPATIBLE_PORTS


@pytest.mark.parametrize(
    ("port", "message", "path", "body"),
    [
        (8000, "state service", "/inference", {"text": "a", "timestep": 0, "context": {"cursorOffset": 1}}),
        (
            8008,
            "solution tester",
            "/execute",
            {"episode_id": "e", "code": "", "test_cases": [], "timestep": 0, "timeout_ms": 9},
        ),
        (8001, "policy models", "/infer", {"line_tuples": [{"text": "a"}], "t": 0}),
    ],
)
def test_each_service_answers_on_its_own_port_without_a_prefix(served, port, message, path, body):
    with served.client(served.compat_apps[port], host=f"localhost:{port}") as client:
        assert client.get("/").json()["message"] == message
        assert client.get("/health").json()["status"] == "healthy"
        assert client.post(path, json=body).status_code == 200
        assert client.post(path, json=body, headers={"Origin": "http://localhost:3111"}).status_code == 200
        assert client.post(path, json=body, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.get("/static/page.js").status_code == client.get("/docs").status_code == 404


def test_the_ports_are_those_of_the_existing_system():
    assert COMPATIBLE_PORTS == {8000: "/api/backend", 8008: "/api/tester", 8001: "/api/policy"}


@pytest.mark.parametrize("prefix", sorted(COMPATIBLE_PORTS.values()))
def test_a_service_answers_with_and_without_its_last_slash(client, prefix):
    assert client.get(prefix).json() == client.get(f"{prefix}/").json()


@pytest.fixture(scope="module")
def address(root, tmp_path_factory):
    """A whole server in a process of its own, ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "run.py", "--serve", "--port", str(port)]
    environment = os.environ | {"PERSISTENT_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    with subprocess.Popen(words, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert any(line.startswith("ready") for line in iter(process.stderr.readline, ""))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.stderr.read()


@pytest.mark.slow
def test_a_server_process_keeps_the_protocol(root, address):
    words = ["-m", "pytest", "-q", "-n", "0", "tests/services/http/test_conformance.py", "--base-url", address]
    run = subprocess.run([sys.executable, *words], check=False, cwd=root, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout[-3000:]


def raw_answer(address, content):
    """What a server sends for bytes that are perhaps no request."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(content)
        return connection.recv(200)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "statuses"),
    [
        (b"nonsense\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n\r\n", {400}),
        (b"GET /api/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", {403}),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n", {404}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: HOST\r\n\r\n", {400, 404, 405}),
        (b"GET /static/../../page.py HTTP/1.1\r\nHost: HOST\r\n\r\n", {404}),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", {400, 431}),
        (b"GET /?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", {400, 414}),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n", {400}),
        (b"POST /api/finish HTTP/1.1\r\nHost: HOST\r\nContent-Length: 99999999999\r\n\r\n", {413}),
        (b"POST /api/finish HTTP/1.1\r\nHost: HOST\r\nOrigin: null\r\nContent-Length: 0\r\n\r\n", {403}),
        (
            b"GET /api/health HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Origin: http://evil.example\r\n\r\n",
            {403},
        ),
    ],
    ids=range(12),
)
def test_a_server_process_refuses_what_is_no_proper_request(address, content, statuses):
    host = address.removeprefix("http://").encode()
    answer = raw_answer(address, content.replace(b"HOST", host))
    assert answer.startswith(b"HTTP/1.1 ") and int(answer.split()[1]) in statuses, answer
    assert raw_answer(address, b"GET /api/backend/health HTTP/1.1\r\nHost: %b\r\n\r\n" % host).startswith(
        b"HTTP/1.1 200"
    )
