"""Services in this process, with a writer that writes `pass`, and clients that ask them; a real server process."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest
from starlette.testclient import TestClient

from data_paths import DataPaths
from delegates import NO_CONTEXT, Completion
from delegates.selection import SelectedWriter
from judge import Judge
from judge.case_runner import CaseRunner
from models.reviewer import Reviewer
from services.assistance.assistance import Assistance
from services.failure_log import FailureLog
from services.http.app import create_app, create_compat_apps, service_endpoints
from services.http.middleware import AccessRules
from services.http.page import Page
from services.learning.current_models import CurrentModels
from services.person.person_files import PersonFiles
from services.person.person_folder import PersonFolder
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue
from services.services import Services
from services.simulated_client import BackendClient
from simulation.problem_loader import load_problems
from tests.small_library import put_small_library

PORT, TOKEN, ALLOWED_ORIGIN = 3000, "token-of-this-run", "http://localhost:3111"


class PassWriter:
    name = "pass"

    def write(self, state, decision, line, context=NO_CONTEXT):
        return Completion("pass", "pass")


@dataclass
class Served:
    """Services in this process. finished: counts how often the page asked to end recording."""

    services: Services
    app: object
    compat_apps: dict
    paths: DataPaths
    finished: list

    def client(self, app=None, **headers):
        """Asks as a program does, unless `headers` say otherwise."""
        return TestClient(app or self.app, base_url=f"http://127.0.0.1:{PORT}", headers=headers)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for the tests of a module, whose sessions are apart by their ids."""
    paths = DataPaths(tmp_path_factory.mktemp("data"))
    problems = load_problems(paths.problems)
    files = PersonFiles(tmp_path_factory.mktemp("own-files"), paths.root)
    with Judge() as judge, CaseRunner(workers=2) as tester:
        snapshots = SnapshotQueue(judge, problems.get)
        recorder = Recorder(paths, snapshots)
        models = CurrentModels(paths.models, epsilon=0.0, explore=False, seed=0)
        assistance = Assistance(models, PassWriter(), Reviewer(threshold=0.0), lambda text, *_: text)
        services = Services(
            paths,
            recorder,
            assistance,
            SelectedWriter(PassWriter(), "pass", "writes pass", ""),
            tester=tester,
            problems=problems,
            failures=FailureLog(paths.logs),
            folder=PersonFolder(paths.root, files),
        )
        finished = []
        rules = AccessRules(frozenset({PORT, 8000, 8008, 8001}), TOKEN, frozenset({ALLOWED_ORIGIN}))
        groups = service_endpoints(services)
        app = create_app(services, groups, rules, Page(services, TOKEN, lambda: finished.append(1)))
        yield Served(services, app, create_compat_apps(services, groups, rules), paths, finished)
        snapshots.close()


@pytest.fixture(scope="module")
def client(served):
    """A program on this machine; one event loop for the whole module."""
    with served.client() as client:
        yield client


class ServerProcess:
    """`run.py --serve` on a data root of its own, in a process group of its own; one at a time on a data root."""

    def __init__(self, python, root, folder):
        self.python, self.root, self.paths = python, root, DataPaths(folder / "data")
        self.settings = folder / "training_config.json"
        self.settings.write_text(json.dumps(TINY))
        self.process = self.port = None
        put_small_library(self.paths.writers)

    def start(self):
        """Starts it and waits until it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        words = ["--serve", "--port", self.port, "--training-config-path", self.settings]
        environment = os.environ | {"PERSISTENT_DATA_DIR": str(self.paths.root)}
        self.process = self.python([self.root / "run.py", *words], env=environment, start_new_session=True)
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), contextlib.closing(HTTPConnection("127.0.0.1", self.port)) as connection:
                connection.request("GET", "/api/backend/test-queue/status")
                connection.getresponse().read()
                return self
            time.sleep(0.02)
        raise AssertionError(f"it does not serve: {self.process.stderr.read_text()}")

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
                raise AssertionError(f"it does not end: {self.process.stderr.read_text()}") from None


TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
}


@pytest.fixture
def server_process(warm_python, root, tmp_path):
    """A real server, which the test starts (`start`), kills or stops; its clients are real ones."""
    process = ServerProcess(warm_python, root, tmp_path)
    yield process
    process.stop()
