"""What tests of recording share: a recorder on a data root of its own, and messages."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest

from data_paths import DataPaths
from judge import Judge
from services import messages
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue
from services.simulated_client import BackendClient


class Recording:
    """A recorder and what it wrote. problem: what its sessions are tested by."""

    def __init__(self, folder, problem=None, **options):
        self.paths = DataPaths(folder)
        self.judge = Judge()
        self.reports = []
        self.snapshots = SnapshotQueue(self.judge, lambda problem_id: problem, self.reports.append)
        self.recorder = Recorder(self.paths, self.snapshots, **options)

    def stream(self, episode_id):
        return self.paths.episodes / episode_id / "raw" / f"{episode_id}.jsonl"

    def lines(self, episode_id, name=None):
        path = self.stream(episode_id)
        return [json.loads(line) for line in (path.with_name(name) if name else path).read_bytes().splitlines()]

    def states(self, episode_id):
        return [line for line in self.lines(episode_id) if "text" in line]

    def snapshot(self, episode_id):
        assert self.snapshots.wait(60)
        return json.loads((self.paths.episodes / episode_id / f"{episode_id}.json").read_bytes())

    def close(self):
        self.snapshots.close()
        self.judge.close()


@pytest.fixture
def recording(tmp_path):
    """A recorder whose sessions have no tests."""
    recording = Recording(tmp_path)
    yield recording
    recording.close()


@pytest.fixture
def make_recording(tmp_path):
    """Makes recorders, all on one data root if none is named; takes `Recording`'s options."""
    made = []

    def make(folder=tmp_path, **options):
        made.append(Recording(folder, **options))
        return made[-1]

    yield make
    for recording in made:
        recording.close()


@pytest.fixture
def state_request():
    """Makes the message of a state."""

    def make(text, t, action=None, **more):
        body = {"text": text, "timestep": t, "timestamp_ms": 1000 + t, "attribution": [], "action": action, **more}
        return messages.decode(json.dumps(body).encode(), messages.StateRequest)

    return make


@pytest.fixture
def run():
    """Runs a coroutine to its end."""
    return asyncio.run


class ServerProcess:
    """`run.py --serve` on a data root of its own, in a process group of its own; one at a time on a data root."""

    def __init__(self, root, folder):
        self.root, self.paths = root, DataPaths(folder / "data")
        self.settings = folder / "training_config.json"
        self.settings.write_text(json.dumps(TINY))
        self.log = folder / "server.log"
        self.process = self.port = None

    def start(self):
        """Starts it and waits until it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self.root / "run.py"), "--serve", "--port", str(self.port),
                 "--training-config-path", str(self.settings)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | {"PERSISTENT_DATA_DIR": str(self.paths.root)},
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), contextlib.closing(HTTPConnection("127.0.0.1", self.port)) as connection:
                connection.request("GET", "/api/backend/test-queue/status")
                connection.getresponse().read()
                return self
            time.sleep(0.02)
        raise AssertionError(f"it does not serve: {self.log.read_text()}")

    def client(self):
        """A connection of its own to the server."""
        return BackendClient("127.0.0.1", self.port)

    def get(self, path):
        """The answer to a GET."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())

    def kill(self):
        """Kills the whole tree at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it as a person would."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.log.read_text()}") from None


TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
}


@pytest.fixture
def server_process(root, tmp_path):
    """A real server, which the test starts (`start`), kills or stops; its clients are real ones."""
    process = ServerProcess(root, tmp_path)
    yield process
    process.stop()
