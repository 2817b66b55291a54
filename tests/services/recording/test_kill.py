"""A server whose whole tree is killed (SIGKILL) while it records: after the restart nothing acknowledged is lost."""

import json
import random
import threading
import time

import pytest

from episodes.directory_reader import BESIDE_SNAPSHOT
from errors import InputError
from state_adapter import read_activity, read_episodes, read_session


class Typist(threading.Thread):
    """Records a session as fast as it is acknowledged, until nobody answers any more."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self._client, self._name = server.client(), name
        self.episode_id, self.states, self.changes, self.events = None, {}, 0, 0
        self.begun = threading.Event()

    def run(self):
        try:
            self.episode_id = self._client.post("/episodes/start", {"problem_id": "own"})["episode_id"]
            self.begun.set()
            for t in range(100_000):
                self._type(t)
        except InputError:
            self.begun.set()

    def _type(self, t):
        text = f"# {self._name} {t}\n" + "x = 1\n" * (t % 200)
        state = {"text": text, "timestep": t, "timestamp_ms": t, "attribution": [], "action": None}
        self._client.post(f"/episodes/{self.episode_id}/state", state)
        self.states[t] = text
        changes = [[t, i, 0, "x", "input"] for i in range(3)]
        answer = self._client.post(f"/episodes/{self.episode_id}/changes", {"first": self.changes, "changes": changes})
        self.changes = answer["next"]
        events = [[t, "selection", {"ranges": [[t, t]]}], [t, "pause", {"ms": 200}]]
        answer = self._client.post(f"/episodes/{self.episode_id}/activity", {"first": self.events, "events": events})
        self.events = answer["next"]


def assert_recorded(paths, typist):
    """Every acknowledged state, keystroke and event is in the session, which has an end."""
    raw = paths.episodes / typist.episode_id / "raw"
    episode = read_session(raw / f"{typist.episode_id}.jsonl")
    recorded = {state.t: state.text for state in episode.states}
    assert not episode.cut_off and typist.states.items() <= recorded.items()
    if typist.changes:
        lines = [json.loads(line) for line in (raw / "changes.jsonl").read_bytes().splitlines()]
        numbers = [line["first"] + i for line in lines for i in range(len(line["changes"]))]
        assert numbers == list(range(len(numbers))) and len(numbers) >= typist.changes
    events = read_activity(raw)
    assert len(events) >= typist.events and all(event.kind in ("selection", "pause") for event in events)


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_at_random_moments_of_recording(server_process, kills):
    chance, typists = random.Random(kills), []
    for _ in range(kills):
        server_process.start()
        new = [Typist(server_process, f"typist {len(typists) + i}") for i in range(2)]
        for typist in new:
            typist.start()
        for typist in new:
            assert typist.begun.wait(60)
        time.sleep(chance.uniform(0, 0.4))
        server_process.kill()
        for typist in new:
            typist.join(60)
        typists += new
    server_process.start()
    for typist in typists:
        assert_recorded(server_process.paths, typist)
    server_process.stop()
    assert server_process.process.returncode == 0
    _, summary = read_episodes(server_process.paths.episodes)
    assert summary.repaired.keys() == {BESIDE_SNAPSHOT} and summary.episodes == len(typists)
