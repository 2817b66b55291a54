"""The state service promises: whoever says in a client's words that a session is no person's, keeps it from theirs."""

import json

import pytest


@pytest.mark.parametrize(
    ("query", "store"),
    [
        ("", "episodes"),
        ("?simulation=false", "episodes"),
        ("?simulation=0", "episodes"),
        ("?simulation=true", "simulated_episodes"),
        ("?simulation=True", "simulated_episodes"),
        ("?simulation=1", "simulated_episodes"),
        ("?zerostyle=True", "self_play_episodes"),
    ],
)
def test_a_session_lies_in_the_store_that_its_client_names(served, client, query, store):
    episode = client.post(f"/api/backend/episodes/start{query}", json={"problem_id": "x"}).json()["episode_id"]
    assert (getattr(served.paths, store) / episode).is_dir()
    assert client.post(f"/api/backend/episodes/{episode}/end{query}").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"), [("../a.py", 403), (".env", 403), ("/a.py", 400), ("", 400), ("a\n.py", 400), (5, 422)]
)
def test_a_session_of_a_file_that_nobody_may_look_at_is_refused_and_leaves_nothing(served, client, path, status):
    before = set(served.paths.episodes.glob("*"))
    answer = client.post("/api/backend/episodes/start", json={"problem_id": "own", "file": path})
    assert answer.status_code == status and answer.json()["detail"]
    assert set(served.paths.episodes.glob("*")) == before


def help_in(client, file, text="x = "):
    """Help in a new session of a file; its metadata."""
    episode = client.post("/api/backend/episodes/start", json={"problem_id": "own", "file": file}).json()["episode_id"]
    body = {"text": text, "timestep": 0, "attribution": [], "timestamp_ms": 1}
    assert client.post(f"/api/backend/episodes/{episode}/state", json=body).status_code == 200
    request = {"text": text, "timestep": 0, "episode_id": episode, "action": 2, "context": {"cursorOffset": len(text)}}
    answer = client.post("/api/backend/inference", json=request)
    assert answer.status_code == 200
    return answer.json()


def test_a_file_is_helped_with_whether_it_is_saved_or_not(client):
    answer = help_in(client, "not/saved/yet.py")
    assert answer["metadata"]["new_text"] == "pass" and "reason" not in answer["metadata"]


def test_a_file_that_is_not_python_is_answered_by_a_no_op_with_the_reason(client):
    answer = help_in(client, "notes.md", "# Notes")
    assert answer["metadata"]["action"] == [0, 0] and answer["unified_diff"] == ""
    assert "notes.md is not Python" in answer["metadata"]["reason"]


def test_a_file_that_is_ignored_meanwhile_is_answered_by_a_no_op(client, served):
    ignore_file = served.services.folder.files.folder / ".codeassistignore"
    episode = client.post("/api/backend/episodes/start", json={"problem_id": "own", "file": "mine.py"}).json()
    ignore_file.write_text("mine.py\n")
    try:
        request = {"text": "x", "timestep": 0, **episode, "action": 2, "context": {"cursorOffset": 1}}
        metadata = client.post("/api/backend/inference", json=request).json()["metadata"]
        assert metadata["action"] == [0, 0] and "ignored" in metadata["reason"]
        assert (
            client.post("/api/backend/episodes/start", json={"problem_id": "own", "file": "mine.py"}).status_code == 403
        )
    finally:
        ignore_file.unlink()


def start(client, **more):
    """The answer to the start of a session."""
    return client.post("/api/backend/episodes/start", json={"problem_id": "x", **more}).json()


def test_a_session_that_goes_on_from_another_is_told_what_of_it_is_on_the_disk(client):
    first = start(client)
    assert set(first) == {"episode_id"}
    path = f"/api/backend/episodes/{first['episode_id']}"
    source = {"source_episode": first["episode_id"]}
    assert start(client, **source).get("source_changes", 0) == 0
    for timestep in (0, 4):
        body = {"text": "a", "timestep": timestep, "attribution": [], "timestamp_ms": 1}
        assert client.post(f"{path}/state", json=body).status_code == 200
    for number in range(3):
        changes = {"first": 2 * number, "changes": [[1, 0, 0, "é", "input"], [2, 0, 1, "", "undo"]]}
        assert client.post(f"{path}/changes", json=changes).status_code == 200
    second = start(client, **source)
    assert (second["source_timestep"], second["source_changes"]) == (4, 6)
    assert client.post(f"{path}/end").status_code == 200
    third = start(client, **source, source_timestep=0)
    assert (third["source_timestep"], third["source_changes"]) == (0, 6)


@pytest.fixture
def earlier_folder(tmp_path):
    """A folder of the person's that was open in an earlier run; another one is open now."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    return folder


def start_of(client, **more):
    return client.post("/api/backend/episodes/start", json={"problem_id": "own", **more})


def test_the_rules_of_a_files_own_folder_count_though_another_one_is_open(served, client, earlier_folder):
    (earlier_folder / ".gitignore").write_text("mine.py\n")
    assert start_of(client, file="mine.py").status_code == 200
    assert start_of(client, file="mine.py", folder=str(earlier_folder)).status_code == 403
    episode = start_of(client, file="b.py", folder=str(earlier_folder)).json()["episode_id"]
    header = json.loads((served.paths.episodes / episode / "raw" / f"{episode}.jsonl").read_text().splitlines()[0])
    assert (header["file"], header["folder"]) == ("b.py", str(earlier_folder))


def test_a_client_that_names_no_folder_records_in_the_open_one(served, client):
    episode = start_of(client, file="c.py").json()["episode_id"]
    assert served.services.recorder.folder(episode) == str(served.services.folder.files.folder)


@pytest.mark.parametrize(
    ("folder", "status"), [("/etc", 403), ("/", 403), ("/absent-folder", 404), ("project", 400), ("", 400), (5, 422)]
)
def test_a_session_in_a_folder_that_is_not_the_persons_is_refused_and_leaves_nothing(served, client, folder, status):
    before = set(served.paths.episodes.glob("*"))
    answer = start_of(client, file="a.py", folder=folder)
    assert answer.status_code == status and answer.json()["detail"]
    assert set(served.paths.episodes.glob("*")) == before


def test_a_session_of_a_problem_has_no_folder_whatever_its_client_says(served, client):
    episode = start_of(client, folder="/etc").json()["episode_id"]
    assert served.services.recorder.folder(episode) is None
