"""What all tests share: no telemetry, one thread, a data root of their own, and the sample sessions."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=20, help="how often tests/test_kill.py kills a training")


def pytest_configure(config):
    # Before torch is loaded, and inherited by the processes that tests start.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["DISABLE_TELEMETRY"] = "1"
    folder = tempfile.TemporaryDirectory(prefix="codeassist-test-")
    os.environ["PERSISTENT_DATA_DIR"] = folder.name
    config.add_cleanup(folder.cleanup)


@pytest.fixture(scope="session")
def root():
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def sample_sessions():
    """Folder of two small recorded sessions in the snapshot format."""
    return ROOT / "examples" / "sessions"
