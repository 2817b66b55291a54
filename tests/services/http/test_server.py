"""The server promises: answers are sent at once, though their headers and their body are written apart."""

import asyncio
import resource
import socket
import threading
import time

import pytest
from starlette.responses import PlainTextResponse

from services.http import server
from services.http.server import HOST, Listener, Server, allow_descriptors, listen


def test_answers_do_not_wait_for_the_client_to_acknowledge_their_headers():
    async def accepted_connection(listening):
        connected = asyncio.get_running_loop().create_future()
        server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), sock=listening)
        async with server:
            _, client = await asyncio.open_connection(HOST, listening.getsockname()[1])
            writer = await connected
            no_delay = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            client.close()
        return no_delay

    assert asyncio.run(accepted_connection(listen(0)))


@pytest.fixture
def port(monkeypatch):
    """Of a server that answers `yes` and has little patience."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)

    async def stopped():
        pass

    listening = listen(0)
    running = Server([Listener(PlainTextResponse("yes"), listening)], stopped)
    running.start()
    yield listening.getsockname()[1]
    assert running.stop(10)


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET / HT", REQUEST + b"GET / HT"])
def test_a_connection_that_never_finishes_its_request_is_closed(port, sent):
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(sent)
        received = b""
        while data := connection.recv(1000):
            received += data
        assert received.count(b"yes") == sent.count(REQUEST)


def test_a_connection_that_sends_whole_requests_stays_open(port):
    with socket.create_connection((HOST, port), timeout=20) as connection:
        for _ in range(5):
            connection.sendall(REQUEST[:8])
            time.sleep(0.1)
            connection.sendall(REQUEST[8:])
            received = b""
            while not received.endswith(b"yes"):
                received += connection.recv(1000)


def test_as_many_files_may_be_open_as_the_system_allows():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        allow_descriptors()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(server.MAX_DESCRIPTORS, hard), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_requests_that_wait_take_no_thread_from_the_next_one():
    go_on, asked = threading.Event(), []

    async def app(scope, receive, send):
        if scope["path"] == "/wait":
            asked.append(1)
            await asyncio.to_thread(go_on.wait, 60)
        await PlainTextResponse(await asyncio.to_thread(lambda: "yes"))(scope, receive, send)

    async def stopped():
        pass

    running = Server([Listener(app, listen(0))], stopped)
    running.start()
    port = running._listeners[0].socket.getsockname()[1]
    waiting = [socket.create_connection((HOST, port), timeout=60) for _ in range(40)]
    try:
        for connection in waiting:
            connection.sendall(REQUEST.replace(b"/ ", b"/wait ", 1))
        deadline = time.monotonic() + 30
        while len(asked) < len(waiting) and time.monotonic() < deadline:
            time.sleep(0.01)
        with socket.create_connection((HOST, port), timeout=20) as connection:
            connection.sendall(REQUEST)
            assert b" 200 " in connection.recv(1000)
    finally:
        go_on.set()
        for connection in waiting:
            connection.close()
        assert running.stop(20)
