"""telemetry.py promises: each run is on record with its true outcome, nothing private is, and no run suffers."""

import json
import socket
import threading
import time
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from errors import InputError
from training.telemetry import Telemetry, TelemetryObserver, telemetry


def records(folder):
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


@pytest.fixture
def listener():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500)  # whatever it answers is no concern of the run
            self.end_headers()

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/runs", received
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "error, outcome, kind",
    [
        (None, "done", None),
        (InputError("/home/ada/secret.py", "bad"), "refused", None),
        (KeyboardInterrupt(), "interrupted", None),
        (ValueError("/home/ada/secret.py"), "failed", "ValueError"),
    ],
)
def test_a_run_is_recorded_with_how_it_ended(tmp_path, error, outcome, kind):
    times = iter((1000.0, 1002.5))
    with pytest.raises(type(error)) if error else nullcontext():  # noqa: SIM117
        with Telemetry(tmp_path, clock=lambda: next(times)).run("run.py", bc_epochs=3) as run:
            run.counts["sessions"] = 2
            run.metrics["human_nll"] = float("nan")
            listener = TelemetryObserver(run)
            listener.phase("bc", 2)
            listener.advance()
            listener.metrics({"phase": "bc", "epoch": 1, "loss": 0.5})
            if error is not None:
                raise error
    start, end = records(tmp_path)
    assert start["event"] == "start" and start["settings"] == {"bc_epochs": 3}
    assert start["time"] == "1970-01-01T00:16:40.000+00:00" and start["versions"]["torch"]
    assert (end["event"], end["outcome"], end["error"], end["seconds"]) == ("end", outcome, kind, 2.5)
    assert end["run"] == start["run"] and end["counts"] == {"sessions": 2}
    assert end["metrics"] == {"human_nll": None, "bc.loss": 0.5} and end["phase_seconds"]["bc"] >= 0
    assert "secret" not in (tmp_path / "runs.jsonl").read_text()


def test_records_are_sent_to_a_configured_address(tmp_path, listener):
    url, received = listener
    with Telemetry(tmp_path, url).run("run.py"):
        pass
    deadline = time.monotonic() + 60
    while len(received) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(r["event"] for r in received) == ["end", "start"]
    assert {r["run"] for r in received} == {records(tmp_path)[0]["run"]}


def test_a_silent_address_does_not_delay_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr("training.telemetry.SEND_TIMEOUT", None)  # whoever waited for the answer would wait for ever
    monkeypatch.setattr("training.telemetry.FINAL_SEND_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Telemetry(tmp_path, url).run("run.py"):
            pass
    assert records(tmp_path)[1]["outcome"] == "done"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/closed", "http://[broken", "http://a b"])
def test_an_address_that_fails_fails_nobody(tmp_path, url):
    with Telemetry(tmp_path, url).run("run.py"):
        pass
    assert records(tmp_path)[1]["outcome"] == "done"


def test_a_folder_that_cannot_be_written_fails_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    with Telemetry(tmp_path / "file" / "telemetry").run("run.py"):
        pass


@pytest.mark.parametrize("off, word", [(True, None), (False, "1")])
def test_it_can_be_switched_off_altogether(tmp_path, monkeypatch, listener, off, word):
    url, received = listener
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DISABLE_TELEMETRY", raising=False)
    if word:
        monkeypatch.setenv("DISABLE_TELEMETRY", word)
    with telemetry(off=off, url=url).run("run.py"):
        pass
    assert not received and not list(tmp_path.iterdir())


def test_it_is_local_unless_an_address_is_configured(tmp_path, monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DISABLE_TELEMETRY", raising=False)
    monkeypatch.delenv("TELEMETRY_URL", raising=False)
    assert telemetry() == Telemetry(tmp_path / "telemetry", None)
    monkeypatch.setenv("TELEMETRY_URL", "http://127.0.0.1:9/a")
    assert telemetry().url == "http://127.0.0.1:9/a"
    assert telemetry(url="https://b").url == "https://b"
    with pytest.raises(InputError, match="no address"):
        telemetry(url="file:///etc/passwd")
