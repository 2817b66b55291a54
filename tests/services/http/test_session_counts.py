"""The list of sessions, the statistics and a training count the same sessions, each once."""

import json
import shutil
from collections import Counter

import pytest

from cli.reading import read
from services.learning.session_names import with_session_ids
from training.telemetry import RunRecord


class Messages(list):
    """An observer that keeps what a person is told."""

    def phase(self, name, total_steps):
        pass

    def advance(self, n=1):
        pass

    def message(self, text):
        self.append(text)


def record(episodes, name, texts, **header):
    states = [
        {"text": text, "timestep": t, "timestamp_ms": 1000 + t, "attribution": [], "action": None}
        for t, text in enumerate(texts)
    ]
    lines = [{"episode_id": name, "problem_id": "p", **header}, *states, {"endTime": 9000}]
    path = episodes / name / "raw" / f"{name}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def episodes(served, sample_sessions, tmp_path):
    """Two samples, a session in two recordings, one that is left out, one without a decision, one of an ignored file,
    and one that is unreadable."""
    folder = served.paths.episodes
    shutil.copytree(sample_sessions, folder, dirs_exist_ok=True)
    record(folder, "first", ["a", "b"])
    record(folder, "second", ["a", "b", "c"], source_episode="first", source_timestep=1)
    record(folder, "excluded", ["a", "b"])
    (folder / "excluded" / "excluded.excluded").touch()
    record(folder, "short", ["a"])
    record(folder, "secret", ["a", "b"], file=".env", folder=str(tmp_path))
    (folder / "damaged").mkdir()
    (folder / "damaged" / "damaged.json").write_text("{")
    yield folder
    shutil.rmtree(folder)
    folder.mkdir()


def test_they_agree_on_each_session(served, client, episodes):
    rows = client.get("/api/sessions").json()
    learning = {row["id"]: row["learning"] for row in rows}
    assert Counter(learning.values()) == {"learned_from": 4, "excluded": 2, "no_decision": 1, "unreadable": 1}
    assert {row["id"]: row["session"] for row in rows if row["session"] != row["id"]} == {"second": "first"}

    messages = Messages()
    learned = read(episodes, messages, RunRecord("1", "test"))
    assert {episode.id for episode in learned} == {name for name, use in learning.items() if use == "learned_from"}
    sessions = {row["session"] for row in rows if row["learning"] == "learned_from"}
    assert {episode.session for episode in learned} == sessions
    assert client.get("/api/learned").json()["sessions"] == len(sessions) == 3
    assert (
        "left out by you: 1 session" in messages
        and "without the assistant, so nothing to learn from: 1 session" in messages
    )
    assert "left out 1 session: their files are ignored" in messages


def test_an_unreadable_session_has_its_id_in_place_of_its_path(served, client, episodes):
    (row,) = [row for row in client.get("/api/sessions").json() if row["learning"] == "unreadable"]
    assert str(episodes) not in row["reason"] and "is not JSON" in row["reason"]
    messages = Messages()
    read(episodes, messages, RunRecord("1", "test"))
    (line,) = [line for line in messages if line.startswith("unreadable: ")]
    assert str(episodes / "damaged") in line
    named = with_session_ids(line, episodes)
    assert named.startswith("unreadable: session damaged, line 1") and str(episodes) not in named
    stream = f"{episodes}/a b/raw/a b.jsonl, line 3: no"
    assert with_session_ids(stream, episodes) == "session a b, line 3: no"
