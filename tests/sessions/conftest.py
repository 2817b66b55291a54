"""Recorded sessions on a data root of their own."""

import json
import shutil

import pytest

from data_paths import DataPaths


class Sessions:
    """A data root, and what is put into it."""

    def __init__(self, folder, samples):
        self.paths, self._samples = DataPaths(folder), samples
        self.folder = self.paths.episodes

    def sample(self, name="sample-title-case", place=None):
        """A session of the existing system, at a place below the folder of sessions."""
        target = self.folder / (place or name)
        shutil.copytree(self._samples / name, target)
        return target

    def stream(self, name, texts, *, end=True, place=None, header=()):
        """A session that has no snapshot."""
        path = (self.folder if place is None else self.folder / place) / name / "raw" / f"{name}.jsonl"
        path.parent.mkdir(parents=True)
        lines = [{"episode_id": name, "problem_id": "p", "startTime": 1000, **dict(header)}]
        lines += [{"text": text, "timestep": t, "timestamp_ms": 2000 + t} for t, text in enumerate(texts)]
        lines += [{"endTime": 9000}] if end else []
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    def write(self, place, content):
        """A file below the folder of sessions."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path


@pytest.fixture
def sessions(tmp_path, sample_sessions):
    return Sessions(tmp_path / "data", sample_sessions)
