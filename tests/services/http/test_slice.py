"""One session through HTTP: started, recorded, helped, ended; what training reads is what was posted."""

import pytest
from starlette.testclient import TestClient

from data_paths import DataPaths
from delegates import NO_CONTEXT, Completion
from delegates.selection import SelectedWriter
from judge import Judge
from models.reviewer import Reviewer
from services.assistance.assistance import Assistance
from services.http.app import create_app, service_endpoints
from services.http.middleware import AccessRules
from services.http.page import Page
from services.learning.current_models import CurrentModels
from services.person.person_folder import PersonFolder
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue
from services.services import Services
from state_adapter import read_episodes


class PassWriter:
    def write(self, state, decision, line, context=NO_CONTEXT):
        return Completion("pass", "pass")


@pytest.fixture
def paths(tmp_path):
    return DataPaths(tmp_path)


@pytest.fixture
def client(paths):
    with Judge() as judge:
        snapshots = SnapshotQueue(judge, lambda problem_id: None)
        models = CurrentModels(paths.models, epsilon=0.0, explore=False, seed=0)
        assistance = Assistance(models, PassWriter(), Reviewer(threshold=0.0), lambda text, *_: text)
        services = Services(
            paths,
            Recorder(paths, snapshots),
            assistance,
            SelectedWriter(PassWriter(), "pass", "writes pass", ""),
            folder=PersonFolder(paths.root),
        )
        page = Page(services, "token", lambda: None)
        app = create_app(services, service_endpoints(services), AccessRules(frozenset({80}), "token"), page)
        with TestClient(app, base_url="http://127.0.0.1:80", headers={"host": "127.0.0.1:80"}) as client:
            client.snapshots = snapshots
            yield client
        snapshots.close()


def test_a_session_is_recorded_helped_and_read_back(client, paths):
    episode = client.post("/api/backend/episodes/start", json={"problem_id": "own"}).json()["episode_id"]
    states = [("", None), ("a = 1\n", None), ("a = 1\npass", {"H": None, "A": {"type": 2, "line": 2}})]
    for t, (text, action) in enumerate(states):
        answer = client.post(
            f"/api/backend/episodes/{episode}/state",
            json={"text": text, "attribution": [], "timestep": t, "timestamp_ms": t, "action": action},
        )
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
    body = {"text": "a = 1\n", "timestep": 1, "action": 2, "context": {"cursorOffset": 6}, "attribution": []}
    answer = client.post("/api/backend/inference", json=body).json()
    assert answer["metadata"]["new_text"] == "a = 1\npass\n" and answer["metadata"]["action"] == [2, 2]
    assert client.post(f"/api/backend/episodes/{episode}/end").json() == {"ok": True}
    assert client.post(f"/api/backend/episodes/{episode}/end").status_code == 404
    assert client.snapshots.wait(10)
    (recorded,), _ = read_episodes(paths.episodes)
    assert [state.text for state in recorded.states] == [text for text, _ in states]
