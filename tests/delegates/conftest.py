"""Small real servers in threads, and states to write in."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from state import Cursor, State, unedited


class FakeServer:
    """Answers POSTs by `answer(path, body, reply)` and GETs from `pages`; keeps what it was asked."""

    def __init__(self, answer, pages):
        self.requests, self.closed_by_client = [], threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                page = pages.get(self.path)
                content = page if isinstance(page, bytes) else json.dumps(page).encode()
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.requests.append((self.path, body))
                try:
                    answer(self.path, body, Reply(self))
                except OSError:
                    owner.closed_by_client.set()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Reply:
    """The answer to one POST: rows as lines of JSON or as server-sent events, or a refusal."""

    def __init__(self, handler):
        self.handler = handler

    def begin(self):
        self.handler.send_response(200)
        self.handler.end_headers()

    def line(self, row):
        self.raw(json.dumps(row).encode() + b"\n")

    def event(self, row):
        self.raw(b"data: " + (row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n\n")

    def raw(self, content):
        self.handler.wfile.write(content)
        self.handler.wfile.flush()

    def refuse(self, status, reason):
        self.handler.send_response(status)
        self.handler.end_headers()
        self.raw(json.dumps({"error": reason}).encode())


@pytest.fixture
def fake_server():
    """Starts a server in a thread: `fake_server(answer, pages)`."""
    servers = []

    def start(answer=None, pages=None):
        servers.append(FakeServer(answer or (lambda path, body, reply: reply.refuse(404, "nothing")), pages or {}))
        return servers[-1]

    yield start
    for server in servers:
        with suppress(OSError):
            server.stop()


def _state_of(text, line=None, char=None):
    lines = tuple(text.split("\n"))
    cursor = Cursor() if line is None else Cursor(True, line, len(lines[line]) if char is None else char, 1)
    return State(lines, 1, unedited(len(lines)), unedited(len(lines)), cursor)


@pytest.fixture(scope="session")
def state_of():
    """Makes a state of a text, the cursor at the end of a line or at a character of it."""
    return _state_of
