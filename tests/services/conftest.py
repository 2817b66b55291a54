"""Services in this process, with a writer that writes `pass`, and clients that ask them."""

from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from data_paths import DataPaths
from delegates import NO_CONTEXT, Completion
from judge import Judge
from judge.case_runner import CaseRunner
from models.reviewer import Reviewer
from services.app import create_app, create_compat_apps
from services.assistance import Assistance
from services.current_models import CurrentModels
from services.failure_log import FailureLog
from services.middleware import AccessRules
from services.page import Page
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue
from services.services import Services
from simulation.problem_loader import load_problems

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
    with Judge() as judge, CaseRunner() as tester:
        snapshots = SnapshotQueue(judge, problems.get)
        recorder = Recorder(paths, snapshots)
        models = CurrentModels(paths.models, epsilon=0.0, explore=False, seed=0)
        assistance = Assistance(models, PassWriter(), Reviewer(threshold=0.0), lambda text, *_: text)
        services = Services(
            paths,
            recorder,
            assistance,
            "pass",
            "writes pass",
            tester=tester,
            problems=problems,
            failures=FailureLog(paths.logs),
        )
        finished = []
        rules = AccessRules(frozenset({PORT, 8000, 8008, 8001}), TOKEN, frozenset({ALLOWED_ORIGIN}))
        app = create_app(services, rules, Page(services, TOKEN, lambda: finished.append(1)))
        yield Served(services, app, create_compat_apps(services, rules), paths, finished)
        snapshots.close()


@pytest.fixture(scope="module")
def client(served):
    """A program on this machine; one event loop for the whole module."""
    with served.client() as client:
        yield client
