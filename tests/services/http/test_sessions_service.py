"""The page's sessions: listed, replayed, excluded; what is not there or damaged is said."""

import contextlib
import io
import json
import shutil
import threading
import time
import zipfile
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote

import pytest

import files
import rewards
from delegates.embedded import EmbeddedWriter
from delegates.selection import ReliableWriter
from errors import NoSpaceError
from judge import Case, Problem
from services.http import sessions_service
from sessions import session_library
from state_adapter import read_episodes, snapshot_path
from training.runs.training_manifest import ManifestEntry, append_entry


@pytest.fixture
def sample(served, sample_sessions):
    """A session of the existing system in the person's folder, and its id."""
    name = "sample-title-case"
    shutil.copytree(sample_sessions / name, served.paths.episodes / name)
    yield name
    shutil.rmtree(served.paths.episodes / name, ignore_errors=True)


def summary(client, name):
    return {row["id"]: row for row in client.get("/api/sessions").json()}[name]


def test_a_session_of_the_existing_system_is_listed_with_what_it_holds(client, served, sample):
    (episode,), _ = read_episodes(served.paths.episodes / sample)
    row = summary(client, sample)
    assert row["status"] == "ended" and row["states"] == len(episode.states) and not row["excluded"]
    assert row["bytes"] == (served.paths.episodes / sample / f"{sample}.json").stat().st_size
    assert 0 < row["retained"] <= row["written"] and row["started"] < row["ended"]


def test_a_replay_has_the_decisions_and_rewards_that_learning_has(client, served, sample):
    (episode,), _ = read_episodes(served.paths.episodes / sample)
    timeline = client.get(f"/api/sessions/{sample}").json()
    assert timeline["id"] == sample and len(timeline["states"]) == len(episode.states)
    assert timeline["states"][0]["by"] is None and timeline["states"][0]["action"] is None
    for t, (shown, action) in enumerate(zip(timeline["states"][1:], episode.actions[1:], strict=True), 1):
        assert shown["by"] == action.agent and shown["action"]["decision"] == action.decision
        assert shown["action"]["changed"] == (episode.states[t].lines != episode.states[t - 1].lines)
        assert shown["action"]["line"] == action.line + 1 and shown["action"]["recorded"] == action.recorded
    for transition in episode.transitions("A"):
        worth = rewards.reward(transition)
        shown = timeline["states"][transition.index + 1]
        assert shown["reward"] == {"total": worth.total, "parts": worth.parts}
        assert (shown["action"]["retained"], shown["action"]["survived"]) == tuple(asdict(worth.retention).values())
    assert all(shown["reward"] is None for shown in timeline["states"] if shown["by"] != "A")


def test_each_line_of_a_state_has_whoever_changed_it_last(client, served, sample):
    (episode,), _ = read_episodes(served.paths.episodes / sample)
    authors = set()
    for index, state in enumerate(episode.states):
        shown = client.get(f"/api/sessions/{sample}/states/{index}").json()
        assert shown["text"].split("\n") == list(state.lines) and len(shown["authors"]) == len(state.lines)
        assert shown["previous_text"] == ("\n".join(episode.states[index - 1].lines) if index else None)
        for author, human, assistant in zip(shown["authors"], state.human[:, 0], state.assistant[:, 0], strict=True):
            assert author == ("A" if assistant > human else "H" if human > 0 else "")
        authors |= set(shown["authors"])
    assert authors == {"H", "A", ""}


def test_states_that_a_session_does_not_have_are_refused(client, sample):
    for index in ("-1", "99999", "x", "²", "9" * 400):
        assert client.get(f"/api/sessions/{sample}/states/{quote(index)}").status_code == 404


@pytest.mark.parametrize("name", ["..", "../episodes", "..%2f..", "a/b", "%00", "~", "a" * 400, "\ud800"])
def test_an_id_leads_nowhere_outside_of_the_sessions(client, name):
    address = quote(name, safe="%", errors="surrogatepass")
    for ending in ("", "/states/0"):
        assert client.get(f"/api/sessions/{address}{ending}").status_code in (400, 404)
    assert client.post(f"/api/sessions/{address}/exclude", json={"excluded": True}).status_code in (400, 404)


def test_a_damaged_session_is_listed_with_its_reason_and_the_others_beside_it(client, served, sample):
    folder = served.paths.episodes / "damaged"
    folder.mkdir()
    (folder / "damaged.json").write_text('{"episode_id": "damaged", "problem_id": "p", "states": [')
    row = summary(client, "damaged")
    assert row["status"] == "unreadable" and "is not JSON: it ends too early" in row["reason"]
    assert row["problem_id"] == "p" and summary(client, sample)["status"] == "ended"
    assert client.get("/api/sessions/damaged").status_code == 400
    shutil.rmtree(folder)


def test_a_session_is_listed_while_it_is_recorded_and_when_it_has_ended(client, served):
    start = {"problem_id": "no-such-problem"}
    name = client.post("/api/backend/episodes/start", json=start).json()["episode_id"]
    for t, text in enumerate(("a = 1\n", "a = 1\nb = 2\n")):
        state = {"text": text, "timestep": t, "timestamp_ms": 1000 + t}
        client.post(f"/api/backend/episodes/{name}/state", json=state)
    row = summary(client, name)
    assert (row["status"], row["states"], row["ended"]) == ("recording", 2, None)
    assert row["title"] == row["problem_id"] == "no-such-problem" and row["bytes"] > 0
    assert len(client.get(f"/api/sessions/{name}").json()["states"]) == 2
    client.post(f"/api/backend/episodes/{name}/end")
    assert served.services.recorder.snapshots.wait(60)
    row = summary(client, name)
    assert (row["status"], row["states"]) == ("ended", 2) and row["ended"] is not None


def test_html_and_half_an_emoji_in_a_session_come_back_as_they_are(client, served):
    text = "<script>alert(1)</script> \ud83d\n\x00 e\u0301"
    folder = served.paths.episodes / "odd"
    folder.mkdir()
    states = [{"text": "", "timestep": 0}, {"text": text, "timestep": 1, "timestamp_ms": 5}]
    header = {"episode_id": "odd", "problem_id": "<b>\ud83d", "file": "<i>.py"}
    (folder / "odd.json").write_text(json.dumps({**header, "states": states}))
    answer = client.get("/api/sessions/odd/states/1")
    assert answer.headers["content-type"] == "application/json" and answer.json()["text"] == text
    row = summary(client, "odd")
    assert (row["problem_id"], row["file"], row["title"]) == ("<b>\ud83d", "<i>.py", "<i>.py")
    shutil.rmtree(folder)


def test_an_excluded_session_is_marked_and_not_read_for_learning(client, served, sample, sample_sessions):
    shutil.copytree(sample_sessions / "sample-longest-streak", served.paths.episodes / "other")
    assert client.post(f"/api/sessions/{sample}/exclude", json={"excluded": True}).json() == {"ok": True}
    assert summary(client, sample)["excluded"]
    episodes, read = read_episodes(served.paths.episodes)
    assert read.excluded == 1 and sample not in [episode.id for episode in episodes]
    client.post(f"/api/sessions/{sample}/exclude", json={"excluded": False})
    episodes, read = read_episodes(served.paths.episodes)
    assert not read.excluded and sample in [episode.id for episode in episodes]
    assert not summary(client, sample)["excluded"]
    assert client.post(f"/api/sessions/{sample}/exclude", json={"excluded": "no"}).status_code == 422
    shutil.rmtree(served.paths.episodes / "other")


def record(client, texts, problem_id="no-such-problem", *, end=True):
    """A session with these texts."""
    name = client.post("/api/backend/episodes/start", json={"problem_id": problem_id}).json()["episode_id"]
    for t, text in enumerate(texts):
        client.post(f"/api/backend/episodes/{name}/state", json={"text": text, "timestep": t})
    if end:
        client.post(f"/api/backend/episodes/{name}/end")
    return name


def test_a_deleted_session_is_gone_with_the_games_that_played_on_from_it(client, served):
    name = record(client, ["a = 1", "a = 2"])
    assert served.services.recorder.snapshots.wait(60)
    games = [snapshot_path(served.paths.self_play_episodes, game) for game in ("of-it", "of-another")]
    for game in games:
        files.atomic_write(game, "{}")
    append_entry(served.paths.manifest, ManifestEntry("1", "models", (name,), (), ("of-it",)))
    append_entry(served.paths.manifest, ManifestEntry("2", "models", ("another",), (), ("of-another",)))
    assert client.post(f"/api/sessions/{name}/delete").json() == {"ok": True}
    assert [game.exists() for game in games] == [False, True]
    assert not (served.paths.episodes / name).exists()
    assert client.get(f"/api/sessions/{name}").status_code == 404
    assert client.post(f"/api/sessions/{name}/delete").status_code == 404


def test_nothing_of_a_deleted_session_is_kept_for_statistics(client, served):
    name = record(client, ["a = 1", "a = 2"])
    before = client.get("/api/learned").json()["sessions"]
    assert name in served.paths.session_help.read_text()
    assert client.post(f"/api/sessions/{name}/delete").status_code == 200
    assert not served.paths.session_help.exists() or name not in served.paths.session_help.read_text()
    assert client.get("/api/learned").json()["sessions"] == before - 1


def test_what_an_unfinished_run_has_of_texts_goes_with_a_deleted_session(client, served):
    name, paths = record(client, ["a = 1", "a = 2"]), served.paths
    append_entry(paths.manifest, ManifestEntry("1", "models", ("another",), (), ("of-another",)))
    gone = [
        paths.run / "plan.json", paths.run / "training/resume.pt", paths.run / "training/resume.pt.damaged",
        snapshot_path(paths.self_play_episodes, "unfinished"),
    ]  # fmt: skip
    recorded = paths.self_play_episodes / "recorded/recorded.json"
    kept = [
        paths.run / "training/train.jsonl", paths.run / "training/human_policy_e1.pt", recorded,
        recorded.parent / "raw/recorded.jsonl", snapshot_path(paths.self_play_episodes, "of-another"),
    ]  # fmt: skip
    for path in (*gone, *kept):
        files.atomic_write(path, "{}")
    assert client.post(f"/api/sessions/{name}/delete").status_code == 200
    assert [path.exists() for path in gone] == [False] * 4
    assert [path.exists() for path in kept] == [True] * 5


def test_no_session_is_deleted_during_a_training_that_writes_its_text(client, served):
    name = record(client, ["a = 1", "a = 2"])
    with files.lock(served.paths.run / ".lock"):
        refusal = client.post(f"/api/sessions/{name}/delete")
    assert refusal.status_code == 409 and "stop it first" in refusal.json()["detail"]
    assert client.post(f"/api/sessions/{name}/delete").status_code == 200


def test_that_a_full_disk_keeps_a_session_in_is_said_and_documented(client, served, sample, monkeypatch):
    def refuse(path, content):
        raise NoSpaceError(str(path), "the disk is full")

    monkeypatch.setattr(session_library, "atomic_write", refuse)
    assert client.post(f"/api/sessions/{sample}/exclude", json={"excluded": True}).status_code == 507
    assert "507" in documented(client, "/api/sessions/{id}/exclude")


def test_that_no_session_begins_while_everything_is_erased_is_documented(client, served, monkeypatch):
    monkeypatch.setattr(served.services.recorder, "_is_closed", True)
    assert client.post("/api/backend/episodes/start", json={"problem_id": "p"}).status_code == 409
    assert "409" in documented(client, "/api/backend/episodes/start")


def documented(client, path):
    """The statuses that a POST may answer, by the services' own description."""
    return client.get("/openapi.json").json()["paths"][path]["post"]["responses"]


def test_a_session_that_is_recorded_is_not_deleted(client, served):
    name = record(client, ["a"], end=False)
    refusal = client.post(f"/api/sessions/{name}/delete")
    assert refusal.status_code == 409 and "end it first" in refusal.json()["detail"]
    client.post(f"/api/backend/episodes/{name}/end")
    assert client.post(f"/api/sessions/{name}/delete").status_code == 200


def test_a_session_that_is_deleted_while_it_is_tested_does_not_come_back(client, served, monkeypatch):
    problem = Problem("slow", "f", (Case((), 1),))
    monkeypatch.setattr(served.services.recorder.snapshots._tests, "problem", {"slow": problem}.get)
    name = record(client, [f"def f(): return {i}" for i in range(200)], "slow")
    assert summary(client, name)["status"] == "waiting"
    assert client.post(f"/api/sessions/{name}/delete").status_code == 200
    assert served.services.recorder.snapshots.wait(60)
    assert not (served.paths.episodes / name).exists()


@pytest.mark.parametrize("in_the_way", ["a training", "another session"])
def test_a_session_that_cannot_be_deleted_is_tested_all_the_same(client, served, monkeypatch, in_the_way):
    begun, go_on = threading.Event(), threading.Event()
    snapshots = served.services.recorder.snapshots
    monkeypatch.setattr(snapshots._tests, "run", lambda session: begun.set() or (go_on.wait(30) and {}))
    earlier, name = record(client, ["a"]), record(client, ["b"])
    assert begun.wait(30)
    folder = served.paths.episodes / name
    with contextlib.ExitStack() as obstacles:
        if in_the_way == "a training":
            obstacles.enter_context(files.lock(served.paths.run / ".lock"))
        else:
            files.atomic_write(folder / "inner" / "other" / "other.json", '{"states": []}')
        assert client.post(f"/api/sessions/{name}/delete").status_code == 409
    go_on.set()
    assert snapshots.wait(30)
    assert all(snapshot_path(served.paths.episodes, each).is_file() for each in (earlier, name))
    shutil.rmtree(folder / "inner", ignore_errors=True)


@pytest.mark.parametrize("act", ["exclude", "delete"])
def test_the_embedded_writer_forgets_what_is_excluded_or_deleted(client, served, monkeypatch, act):
    embedded = EmbeddedWriter()
    monkeypatch.setattr(served.services.assistance, "writer", ReliableWriter(None, embedded, print))
    names = [record(client, ["", f"{word} = {word}_of_mine + 1\n"]) for word in ("first", "second")]
    served.services.recorder.snapshots.wait(60)
    client.post(f"/api/sessions/{names[0]}/exclude", json={"excluded": False})
    assert {"first_of_mine", "second_of_mine"} <= set(embedded._earlier.tokens)
    client.post(f"/api/sessions/{names[0]}/{act}", json={"excluded": True})
    assert "first_of_mine" not in embedded._earlier.tokens and "second_of_mine" in embedded._earlier.tokens


def test_the_export_is_an_archive_to_save(client, served, sample):
    answer = client.get("/api/export")
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="codeassist-export-') and disposition.endswith('.zip"')
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    name = f"state-service/episodes/{sample}/{sample}.json"
    assert archive.testzip() is None
    assert archive.read(name) == (served.paths.episodes / sample / f"{sample}.json").read_bytes()


def test_erasing_asks_for_the_exact_words(client, sample):
    for body in ({}, {"confirm": "yes"}, {"confirm": "Erase everything"}, {"confirm": "erase everything "}):
        assert client.post("/api/erase", json=body).status_code == 422
    assert summary(client, sample)


def test_nothing_is_erased_during_a_training(client, served, sample):
    with files.lock(served.paths.run / ".lock"):
        refusal = client.post("/api/erase", json={"confirm": "erase everything"})
    assert refusal.status_code == 409 and "stop it first" in refusal.json()["detail"]
    assert summary(client, sample)


def test_a_training_that_begins_just_then_leaves_open_sessions_open(client, served, monkeypatch):
    name = record(client, ["a"], end=False)
    monkeypatch.setattr(sessions_service, "trains_elsewhere", lambda paths: False)
    with files.lock(served.paths.run / ".lock"):
        assert client.post("/api/erase", json={"confirm": "erase everything"}).status_code == 409
    state = {"text": "b", "timestep": 1, "timestamp_ms": 2, "attribution": [], "action": {}}
    assert client.post(f"/api/backend/episodes/{name}/state", json=state).status_code == 200
    client.post(f"/api/backend/episodes/{name}/end")


def test_after_erasing_the_server_works_as_on_the_first_day(client, served, sample, monkeypatch):
    waiting, still_open = record(client, ["a", "b"]), record(client, ["c"], end=False)
    for path in (served.paths.settings, served.paths.models / "policy.pt", served.paths.logs / "services.log"):
        files.atomic_write(path, "mine")
    served.services.solved.add("sum-text")
    monkeypatch.setattr(served.services.assistance.models, "explore", not served.services.settings.current().explore)
    assert client.post("/api/erase", json={"confirm": "erase everything"}).json() == {"ok": True}
    assert client.get("/api/sessions").json() == []
    left = [path for path in served.paths.root.rglob("*") if path.is_file()]
    assert {path.name for path in left} <= {".lock", ".training.lock", ".store.lock"}, left
    assert "sum-text" not in served.services.solved
    assert served.services.assistance.models.explore == served.services.settings.current().explore
    late = client.post(f"/api/backend/episodes/{still_open}/state", json={"text": "d", "timestep": 1})
    assert late.status_code == 404 and not list(served.paths.root.rglob(f"*{still_open}*"))
    name = record(client, ["x = 1", "x = 2"])
    assert served.services.recorder.snapshots.wait(60)
    row = summary(client, name)
    assert row["states"] == 2 and row["status"] == "ended" and waiting not in str(client.get("/api/sessions").json())
    assert client.get("/api/models").json() == []


@pytest.mark.slow
def test_a_kill_in_the_middle_of_deleting_leaves_each_session_whole_or_gone(server_process, sample_sessions):
    content = (sample_sessions / "sample-title-case" / "sample-title-case.json").read_bytes()
    episodes, names = server_process.paths.episodes, [f"s{i}" for i in range(200)]
    for name in names:
        files.atomic_write(episodes / name / f"{name}.json", content)
    server_process.start()

    def delete_all():
        with contextlib.suppress(OSError, HTTPException):
            for name in names:
                connection = HTTPConnection("127.0.0.1", server_process.port, timeout=30)
                connection.request("POST", f"/api/sessions/{name}/delete")
                connection.getresponse().read()
                connection.close()

    deleting = threading.Thread(target=delete_all)
    deleting.start()
    while len(list(episodes.glob("s*"))) > 180 and deleting.is_alive():
        time.sleep(0.005)
    server_process.kill()
    deleting.join()
    left = sorted(path.name for path in episodes.glob("s*"))
    assert 0 < len(left) < 200
    assert all((episodes / name / f"{name}.json").read_bytes() == content for name in left)
    server_process.start()
    assert sorted(row["id"] for row in server_process.get("/api/sessions")) == left
    assert sorted(path.name for path in episodes.iterdir()) == left


def test_a_session_of_a_file_that_is_ignored_by_now_says_so_and_cannot_be_taken_in(client, served, tmp_path):
    own, name = tmp_path / "own", "of-own-file"
    own.mkdir()
    header = {"episode_id": name, "problem_id": "own", "file": "a.py", "folder": str(own)}
    stream = served.paths.episodes / name / "raw" / f"{name}.jsonl"
    stream.parent.mkdir(parents=True)
    stream.write_text(json.dumps(header) + "\n")
    assert not summary(client, name)["excluded"]
    (own / ".gitignore").write_text("a.py\n")
    assert summary(client, name)["excluded"] and client.get(f"/api/sessions/{name}").json()["excluded"]
    refusal = client.post(f"/api/sessions/{name}/exclude", json={"excluded": False})
    assert refusal.status_code == 409 and "a.py is ignored" in refusal.json()["detail"]
    assert client.post(f"/api/sessions/{name}/exclude", json={"excluded": True}).status_code == 200
    (own / ".gitignore").unlink()
    assert client.post(f"/api/sessions/{name}/exclude", json={"excluded": False}).status_code == 200
    assert not summary(client, name)["excluded"]
    shutil.rmtree(served.paths.episodes / name)
