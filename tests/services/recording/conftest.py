"""What tests of recording share: a recorder on a data root of its own, and messages."""

import asyncio
import json

import pytest

from data_paths import DataPaths
from judge import Judge
from services.messages import messages
from services.recording.recorder import Recorder
from services.recording.snapshot_queue import SnapshotQueue


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
