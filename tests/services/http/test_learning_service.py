"""What is learned, through HTTP: training refused in words, models listed and restored, what sessions tell of help."""

import shutil
import threading
import time

import pytest

from config import FeaturizerConfig, ModelConfig
from inference import fresh_models
from models import store
from services.learning.training_process import TrainingProcess
from training.runs.training_manifest import ManifestEntry, append_entry

ROW = {
    "name": "p(kept), Brier score", "before": {"mean": None, "error": None}, "after": {"mean": 0.2, "error": 0.1},
    "baseline": {"mean": 0.25, "error": None}, "baseline_name": "base rate", "better": "lower",
}  # fmt: skip


@pytest.fixture(scope="module")
def models(served):
    """Two generations: the first with what was measured, the second, which is current, without."""
    networks = fresh_models(
        seed=0, model=ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16),
        featurizer=FeaturizerConfig(d_in=24, char_dim=8),
    )  # fmt: skip
    measured = {"on": "held_out", "sessions": 3, "table": [ROW]}
    meta = {"trained_on": "person", "sessions": 9, "verdict": "not worse", "measured": measured}
    first = store.publish(served.paths.models, networks, meta)
    second = store.publish(served.paths.models, networks, {"trained_on": "person", "measured": "damaged"})
    append_entry(served.paths.manifest, ManifestEntry(first, served.paths.models.name, ("s", "t"), ("u",), ()))
    return first, second


def test_a_server_that_does_not_train_says_so(client):
    state = client.get("/api/training").json()
    assert state["status"] == "idle" and not state["can_start"] and "run.py --train-only" in state["refusal"]
    for address in ("start", "stop"):
        answer = client.post(f"/api/training/{address}")
        assert answer.status_code == 409 and answer.json()["detail"].startswith("training: ")


def test_without_a_session_training_is_refused_in_words(served, client, monkeypatch):
    monkeypatch.setattr(served.services, "training", TrainingProcess(served.paths, ()))
    state = client.get("/api/training").json()
    assert state["refusal"] == "there is nothing to learn from yet: no session is recorded" and not state["can_start"]
    answer = client.post("/api/training/start")
    assert (answer.status_code, answer.json()["detail"]) == (409, f"training: {state['refusal']}")
    assert client.post("/api/training/stop").status_code == 409


def test_models_are_listed_with_what_they_learned_from_and_what_was_measured(client, models):
    latest, first = client.get("/api/models").json()
    assert (first["id"], latest["id"]) == models and latest["current"] and not first["current"]
    assert (first["trained_on"], first["sessions"], first["verdict"]) == ("person", 9, "not worse")
    assert (first["session_ids"], first["held_out_ids"]) == (["s", "t"], ["u"])
    assert (first["measured_on"], first["measured_sessions"], first["measured"]) == ("held_out", 3, [ROW])
    assert (latest["sessions"], latest["measured_on"], latest["measured"]) == (None, "", [])
    assert first["meta"]["sessions"] == 9 and "measured" not in first["meta"]
    assert latest["session_ids"] == [] and not latest["damaged"] and not latest["protected"]


def test_an_earlier_generation_is_restored_and_serves(served, client, models):
    first, second = models
    assert served.services.assistance.models.models().generation == second
    answer = client.post(f"/api/models/{first}/restore")
    assert answer.status_code == 200
    assert [(model["id"], model["current"]) for model in answer.json()] == [(second, False), (first, True)]
    assert served.services.assistance.models.models().generation == first
    assert client.post(f"/api/models/{first}/restore").status_code == 200
    assert client.post(f"/api/models/{second}/restore").json()[0]["current"]


def test_no_stored_models_decide_once_that_is_wanted_and_the_way_back_stays(served, client, models):
    first, second = models
    answer = client.post("/api/models/untrained")
    assert answer.status_code == 200
    untrained, *others = answer.json()
    assert untrained["current"] and untrained["trained_on"] == "nothing" and untrained["sessions"] is None
    assert [(model["id"], model["current"]) for model in others] == [(second, False), (first, False)]
    serving = served.services.assistance.models
    assert serving.models().source == "untrained"
    assert client.post("/api/models/untrained").json() == answer.json()
    assert client.post(f"/api/models/{second}/restore").status_code == 200
    assert serving.models().generation == second
    shutil.rmtree(served.paths.models / "generations" / untrained["id"])


@pytest.mark.parametrize("name", ["000009-absent", "1", "..%2F..%2Fetc", "<script>"])
def test_a_generation_that_is_not_there_is_not_found(client, models, name):
    answer = client.post(f"/api/models/{name}/restore")
    assert answer.status_code == 404


def test_a_damaged_generation_is_not_restored(served, client, models):
    first, _ = models
    file = served.paths.models / "generations" / first / store.FILES[0]
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    try:
        answer = client.post(f"/api/models/{first}/restore")
        assert (answer.status_code, answer.json()["detail"]) == (
            409,
            f"models: generation {first} is damaged and cannot be restored",
        )
        assert client.get("/api/models").json()[1]["damaged"]
    finally:
        file.write_bytes(content)


def test_sessions_tell_what_became_of_help(served, client, sample_sessions):
    empty = client.get("/api/learned").json()
    assert empty["sessions"] == 0 and empty["kept"] == {
        "key": "kept", "n": 0, "rate": None, "low": None, "high": None, "enough": False,
    }  # fmt: skip
    for session in sample_sessions.iterdir():
        shutil.copytree(session, served.paths.episodes / session.name)
    learned = client.get("/api/learned").json()
    assert (
        learned["sessions"] == learned["new_sessions"] == 2
        and learned["unreadable"] == 0
        and learned["first"].startswith("2025-06-15T")
    )
    assert learned["kept"]["enough"] and learned["kept"]["n"] == learned["characters"]["decisions"] == 21
    assert learned["characters"]["written"] >= learned["characters"]["at_reply"] >= learned["characters"]["at_end"] > 0
    assert [rate["key"] for rate in learned["wanted"]["by_place"]] == ["new_line", "line_end", "in_line"]
    assert sum(rate["n"] for rate in learned["by_kind"]) == 21
    assert [calibration["key"] for calibration in learned["calibration"]] == ["policy", "reviewer"]
    assert all(len(calibration["bins"]) == 10 for calibration in learned["calibration"])
    entry = ManifestEntry("000003-c", "not-in-use", ("sample-title-case",), ("x",), ())
    append_entry(served.paths.manifest, entry)
    assert client.get("/api/learned").json()["new_sessions"] == 1
    (served.paths.episodes / "sample-title-case" / "sample-title-case.excluded").touch()
    assert client.get("/api/learned").json()["sessions"] == 1


def test_a_session_that_is_being_recorded_does_not_count(served, client):
    before = client.get("/api/learned").json()
    episode = client.post("/api/backend/episodes/start", json={"problem_id": "own"}).json()["episode_id"]
    for t, action in enumerate([None, {"H": None, "A": {"type": 2, "line": 1}}, None]):
        body = {"text": "a = 1" if t else "", "timestep": t, "attribution": [], "action": action}
        assert client.post(f"/api/backend/episodes/{episode}/state", json=body).status_code == 200
    assert client.get("/api/learned").json() == before
    assert client.post(f"/api/backend/episodes/{episode}/end").status_code == 200
    assert client.get("/api/learned").json()["sessions"] == before["sessions"] + 1


def test_sessions_that_are_read_for_long_keep_no_session_from_beginning(served, client):
    asking = [threading.Thread(target=client.get, args=("/api/learned",)) for _ in range(40)]
    answers = []

    def record():
        start = client.post("/api/backend/episodes/start", json={"problem_id": "p"}).json()
        body = {"first": 0, "changes": [[1.0, 0, 0, "x", "typed"]]}
        answers.append(client.post(f"/api/backend/episodes/{start['episode_id']}/changes", json=body).json())

    with served.services.help_reader._lock:
        for request in asking:
            request.start()
        time.sleep(0.2)
        recording = threading.Thread(target=record)
        recording.start()
        recording.join(30)
        assert answers == [{"next": 1, "ok": True}]
    for request in asking:
        request.join(30)
